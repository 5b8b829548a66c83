"""Work out what a billion sentences cost, from measured rates: `python -m benchmarks.billion`.

The speed of the model is that of `results/field.json`, and all else that of `results/archive_costs.json`. What a shared
disk, a network and a processor's hour are worth is assumed, and an option each.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import record

ENGINES = ("onnx", "onnx-int8")
Rows = list[Sequence[str]]


@dataclass(frozen=True)
class Plan:
    """Measured rates and what is assumed.

    Attributes:
        speed: Core hours of the model for a million sentences, by engine.
        costs: The content of `archive_costs.json`.
        assumed: The options of the command.
    """

    speed: Mapping[str, float]
    costs: Mapping[str, Any]
    assumed: argparse.Namespace

    @property
    def around(self) -> float:
        """Core seconds of a sentence beside the model."""
        return float(self.costs["read_seconds_per_sentence"] + self.costs["write_seconds_per_sentence"])

    @property
    def parts(self) -> int:
        """Number of parts."""
        return math.ceil(float(self.assumed.sentences / self.assumed.part_sentences))

    @property
    def articles(self) -> float:
        """Number of articles."""
        return float(self.assumed.sentences / self.assumed.sentences_per_article)

    def core_seconds(self, engine: str) -> float:
        """Return the core seconds of a sentence."""
        return float(self.speed[engine] * 3600 / 1e6 + self.around)

    def seconds(self, engine: str, machines: int) -> float:
        """Return the duration of the run."""
        return float(self.core_seconds(engine) * self.assumed.sentences / self.assumed.cores / machines)

    def gigabytes(self, what: str) -> float:
        """Return the size of all of "input" or "parquet"."""
        return float(self.costs[f"{what}_bytes_per_sentence"] * self.assumed.sentences / 1e9)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.billion", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path(record.FOLDER), help="folder of the measured rates")
    parser.add_argument("--sentences", type=int, default=1_000_000_000, help="number of sentences")
    parser.add_argument("--sentences-per-article", type=float, default=30, help="sentences of an article")
    parser.add_argument("--cores", type=int, default=16, help="cores of a machine, one for each worker")
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 10, 100], help="numbers of machines")
    parser.add_argument("--price", type=float, default=0.04, help="price of a core for an hour")
    parser.add_argument("--part-sentences", type=int, default=20_000, help="see `certainty archive`")
    parser.add_argument("--file-megabytes", type=float, default=100, help="size of the largest input file")
    parser.add_argument("--network", type=float, default=10, help="gigabits per second of the shared disk")
    parser.add_argument("--small-file", type=float, default=1, help="milliseconds of the shared disk for a small file")
    args = parser.parse_args(arguments)
    field, costs = (
        json.loads((args.results / f"{name}.json").read_text(encoding="utf-8")) for name in ("field", "archive_costs")
    )
    speed = {e: field["contenders"][f"certainty-fr-small, {e}"]["core_hours_per_million"] for e in ENGINES}
    plan = Plan(speed, costs, args)
    for header, rows in (
        (("", *ENGINES), work(plan)),
        (("", "each sentence", "all"), storage(plan)),
        (("memory", "MiB"), memory(plan)),
        ((f"{max(args.machines)} machines, onnx-int8", "", "share of the run"), limits(plan)),
    ):
        print("\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows]), end="\n\n")


def work(plan: Plan) -> Rows:
    """Return core hours, price and duration with each engine."""
    count, cores = plan.assumed.sentences, plan.assumed.cores
    return [
        ("core hours of the model", *(f"{plan.speed[engine] * count / 1e6:,.0f}" for engine in ENGINES)),
        ("core hours of reading and writing", *[f"{plan.around * count / 3600:,.0f}"] * len(ENGINES)),
        (
            f"price at {plan.assumed.price:g} a core hour",
            *(f"{plan.core_seconds(engine) * count / 3600 * plan.assumed.price:,.0f}" for engine in ENGINES),
        ),
        *(
            (
                f"hours on {machines} machine{'s' * (machines > 1)} of {cores} cores",
                *(f"{plan.seconds(engine, machines) / 3600:,.1f}" for engine in ENGINES),
            )
            for machines in plan.assumed.machines
        ),
    ]


def storage(plan: Plan) -> Rows:
    """Return sizes and numbers."""
    characters = plan.costs["characters_per_sentence"]
    return [
        ("characters", f"{characters:.0f}", f"{characters * plan.assumed.sentences / 1e9:,.0f} billion"),
        *(
            (name, f"{plan.costs[f'{what}_bytes_per_sentence']:.0f} bytes", f"{plan.gigabytes(what):,.0f} GB")
            for name, what in (("input: JSON Lines in gzip", "input"), ("output: Parquet", "parquet"))
        ),
        ("parts", "", f"{plan.parts:,}"),
        ("articles", "", f"{plan.articles / 1e6:,.0f} million"),
    ]


def memory(plan: Plan) -> Rows:
    """Return the memory of a worker and of a machine."""
    worker = plan.costs["peak_mib"] + plan.costs["ray_mib"]
    return [
        ("the model, opened", f"{plan.costs['opened_mib']:,.0f}"),
        ("a process that scores, at most", f"{plan.costs['peak_mib']:,.0f}"),
        ("a worker of Ray, at most", f"{worker:,.0f}"),
        (f"a machine with {plan.assumed.cores} of them", f"{worker * plan.assumed.cores:,.0f}"),
    ]


def limits(plan: Plan) -> Rows:
    """Return what takes time beside the model on most machines with the faster engine, and when it limits the run."""
    assumed, costs, engine = plan.assumed, plan.costs, "onnx-int8"
    machines, disk = max(assumed.machines), assumed.small_file / 1000
    run = plan.seconds(engine, machines)
    moved = sum(map(plan.gigabytes, ("input", "parquet")))
    in_a_file = assumed.file_megabytes * 1e6 / costs["input_bytes_per_sentence"]
    takes = {
        "reading and writing, by each worker": run * plan.around / plan.core_seconds(engine),
        f"{moved:,.0f} GB at {assumed.network:g} Gbit/s": moved * 8 / assumed.network,
        f"totals of {plan.parts:,} parts, at the end": plan.parts * (costs["total_seconds_per_part"] + disk),
        f"`--resume` after {plan.parts:,} parts": plan.parts * (costs["resume_seconds_per_part"] + 2 * disk),
        f"a file of {assumed.file_megabytes:g} MB, on its worker": in_a_file * plan.core_seconds(engine),
        f"a list of {plan.articles / 1e6:,.0f} million files": plan.articles * (costs["list_seconds_per_file"] + disk),
    }
    largest = run / 10 / plan.core_seconds(engine) * costs["input_bytes_per_sentence"] / 1e6
    return [
        ("the whole run", _time(run), ""),
        *((what, _time(seconds), f"{seconds / run:.1%}") for what, seconds in takes.items()),
        ("largest file for a tenth of the run", f"{largest:,.1f} MB", "10.0%"),
        ("that list in memory", f"{plan.articles * costs['listed_bytes_per_file'] / 1e9:,.0f} GB", ""),
        ("network of the run", f"{moved * 8 / run:,.1f} Gbit/s", ""),
        ("machines that fill the network", f"{machines * assumed.network / (moved * 8 / run):,.0f}", ""),
    ]


def _time(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 600 else f"{seconds / 3600:,.1f} h"


if __name__ == "__main__":
    main()
