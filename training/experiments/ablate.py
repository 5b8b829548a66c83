"""Measure the effect of settings by short fine-tuning runs, one for each variant of the settings and seed.

`python -m training.experiments.ablate --config FILE --train FILE --dev FILE --variant "dropout=0.1"`

The first variant, "baseline", has the given settings unchanged. The result of each run is written at once to a JSON
Lines file next to the table. Runs in that file are not repeated, so that an interrupted command can be resumed.

All variants have the same dev data: corrections and extra sentences only change the training data.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from certainty import CertaintyError
from certainty.evaluation.leakage import leaked
from certainty.finetuning.data import corrected
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.splits import check_data, split_held_out_groups
from certainty.finetuning.start import find_start
from certainty.json_lines import read_json_lines
from certainty.labelled import read_labelled
from certainty.settings_file import load_settings
from certainty.writing import check_output, write_whole
from training.experiments.ablation_runs import Run, results
from training.experiments.trials import mean_and_deviation, sample_groups
from training.experiments.variants import BASELINE, parse_variant
from training.program import tells_errors

logger = logging.getLogger(__name__)

HEADER = (
    "| variant | dev macro-F1 | held-out contrast accuracy | whole quadruples | ECE | Brier | seconds |\n"
    "|---|---|---|---|---|---|---|"
)


def table_row(variant: str, found: Sequence[Mapping[str, Any]], seeds: int) -> str:
    """Return the row of a variant in the Markdown table: means over its runs, and the standard deviation of macro-F1.

    Args:
        variant: Name of the variant.
        found: Its results so far.
        seeds: Expected number of results. If there are fewer, the row says so.
    """

    def mean(name: str, form: str = ".4f") -> str:
        values = [result[name] for result in found if result[name] is not None]
        return format(statistics.mean(values), form) if values else "–"

    done = "" if len(found) == seeds else f" ({len(found)} of {seeds} seeds)"
    cells = [f"{variant}{done}", mean_and_deviation([result["macro_f1"] for result in found])]
    cells += [mean(name) for name in ("contrast_accuracy", "whole_quadruples", "ece", "brier")]
    return f"| {' | '.join([*cells, mean('seconds', '.0f')])} |"


def plan(
    base: FinetuningSettings,
    train_files: Sequence[str],
    dev_files: Sequence[str],
    changes: Sequence[str] = (),
    *,
    extra_files: Mapping[str, str] | None = None,
    corrections: Sequence[str] = (),
    seeds: Sequence[int] = (1, 2, 3),
    sentences: int | None = None,
) -> list[Run]:
    """Read all files and return the runs, with those of the baseline first.

    Args:
        base: The settings of the baseline.
        train_files: Files with the training sentences.
        dev_files: Files with the sentences for choosing the checkpoint, calibrating and scoring.
        changes: The changes of each variant; see `training.experiments.variants.parse_variant`.
        extra_files: Files with additional training sentences, by the names used in variants.
        corrections: Files with corrections of the training data.
        seeds: Seeds for the runs of each variant.
        sentences: Train on a sample of at least this size. None uses all sentences.

    Raises:
        CertaintyError: If a variant or a file cannot be used.
    """
    extra_files = extra_files or {}
    names = list(dict.fromkeys([BASELINE, *(v or BASELINE for v in changes)]))
    variants = [parse_variant(name, base, list(extra_files), bool(corrections)) for name in names]
    for variant in variants:  # report a wrong encoder before hours of training
        find_start(variant.settings).tokenizer()

    given, dev = read_labelled(train_files), read_labelled(dev_files)
    contrast = split_held_out_groups(given)[1]
    trains = {False: given}
    if any(variant.corrections for variant in variants):
        trains[True] = corrected(given, dev, corrections)[0]
    extra = {}
    for name in {name for variant in variants for name in variant.extra}:
        rows = split_held_out_groups(read_labelled(extra_files[name]))[0]
        known = {s.text for s in leaked(contrast, rows)}
        extra[name] = [s for s in rows if s.text not in known]
    runs = []
    for variant in variants:
        train = sample_groups(split_held_out_groups(trains[variant.corrections])[0], sentences)
        train = check_data([*train, *(s for name in variant.extra for s in extra[name])], dev)
        runs += [Run(variant.name, variant.settings.replace(seed=s), train, dev, contrast) for s in seeds]
    return runs


def _extra_files(given: Sequence[str]) -> dict[str, str]:
    """Return the files given to `--extra`, by name."""
    files: dict[str, str] = {}
    for item in given:
        name, sign, file = item.partition("=")
        if not (name and sign and file) or name in files:
            raise CertaintyError(f"--extra {item!r}: write NAME=FILE, each name once.")
        files[name] = file
    return files


def _finished(log: Path | None) -> list[dict[str, Any]]:
    """Read the results of an earlier command, and remove a last line that was not written completely."""
    if log is None or not log.is_file():
        return []
    content = log.read_bytes()
    ended = content[: content.rfind(b"\n") + 1]
    if ended != content:
        write_whole(log, ended)
    return [row for _, row in read_json_lines(log)]


def ablate(runs: Sequence[Run], output: Path | None = None, jobs: int = 1, cpu: bool = False) -> None:
    """Execute the runs, and print the row of each variant when its last run ends.

    Args:
        runs: The runs, grouped by variant.
        output: Markdown file for the table, which is rewritten after each run. The results are written next to it, with
            the suffix .jsonl.
        jobs: Number of processes to use.
        cpu: If True, do not use GPUs.
    """
    log = output.with_suffix(".jsonl") if output else None
    wanted = {run.key: run for run in runs}
    found = {result["key"]: result for result in _finished(log) if result.get("key") in wanted}
    if found:
        logger.info("%d of %d runs are already in %s.", len(found), len(runs), log)
    members: dict[str, list[str]] = {}
    for run in runs:
        members.setdefault(run.variant, []).append(run.key)

    def row(variant: str) -> str | None:
        done = [found[key] for key in members[variant] if key in found]
        return table_row(variant, done, len(members[variant])) if done else None

    def write_table() -> None:
        if output:
            write_whole(output, "\n".join([HEADER, *filter(None, map(row, members))]) + "\n")

    print(HEADER, flush=True)
    write_table()
    for variant, keys in members.items():
        if all(key in found for key in keys):
            print(row(variant), flush=True)
    for result in results([run for key, run in wanted.items() if key not in found], jobs, cpu):
        found[result["key"]] = result
        variant = result["variant"]
        logger.info("%s, seed %d: dev macro-F1 %.4f", variant, result["seed"], result["macro_f1"])
        if log:
            with log.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(result, ensure_ascii=False) + "\n")
        write_table()
        if all(key in found for key in members[variant]):
            print(row(variant), flush=True)


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.experiments.ablate",
        description="Measure variants of the settings by short fine-tuning runs.",
    )
    parser.add_argument("--config", help="YAML file with FinetuningSettings")
    parser.add_argument("--encoder", help="folder or hub id of the encoder (default: from the settings)")
    parser.add_argument(
        "--train", nargs="+", required=True, help="JSONL, CSV, TSV or Parquet files with text and label"
    )
    parser.add_argument(
        "--dev", nargs="+", required=True, help="files for choosing the checkpoint, calibrating and scoring"
    )
    parser.add_argument("--corrections", nargs="+", default=[], metavar="FILE", help="for variants with corrections=on")
    parser.add_argument(
        "--extra", action="extend", nargs="+", default=[], metavar="NAME=FILE", help="for variants with extra=NAME"
    )
    parser.add_argument(
        "--variant",
        action="extend",
        nargs="+",
        default=[],
        metavar="SETTING=VALUE,…",
        help="settings to change; the unchanged settings are always the first variant",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--epochs", type=float, help="number of epochs (default: from the settings)")
    parser.add_argument(
        "--sentences", type=int, help="train on a sample of this size, the same for all runs; groups are kept whole"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE.md", help="file for the table; the results are written to FILE.jsonl"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="number of runs at the same time; if above 1, each has one thread"
    )
    parser.add_argument("--cpu", action="store_true", help="do not use the GPU")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if args.jobs < 1:
        raise CertaintyError(f"--jobs is {args.jobs}; it must be 1 or more.")
    if args.output and args.output.suffix == ".jsonl":
        raise CertaintyError(f"{args.output}: the suffix .jsonl is for the results; give the table the suffix .md.")
    if args.output:
        check_output(args.output)
    runs = plan(
        load_settings(FinetuningSettings, args.config, {"encoder": args.encoder, "epochs": args.epochs}),
        args.train,
        args.dev,
        args.variant,
        extra_files=_extra_files(args.extra),
        corrections=args.corrections,
        seeds=args.seeds,
        sentences=args.sentences,
    )
    ablate(runs, args.output, args.jobs, args.cpu)


if __name__ == "__main__":
    sys.exit(main())
