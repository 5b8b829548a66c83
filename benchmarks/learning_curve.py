"""Measure how good a model becomes with a growing number of labelled rows of a domain.

Of each domain, which is a value of a column of `--data` or, as `speech=talks+everyday`, several, some rows are held
out, and samples of several sizes are drawn from the others. Each method gets the same samples; macro-F1 is on the
held-out rows:

- shipped: the shipped model as it is, which learns nothing
- continued: `certainty train` with its automatic settings, which continues from the shipped model
- encoder: `certainty train --encoder`
- tfidf: logistic regression on word and character n-grams
- setfit: the recipe of SetFit on the same encoder (`benchmarks.setfit`)

Each result is appended to `--results` as soon as it is there, and what stands there is not computed again: the same
command continues an interrupted run, and portions of the whole can be run one after the other, by `--sizes`,
`--domains`, `--seeds` and `--methods`. `--plot` only reports what there is.

    python -m benchmarks.learning_curve --data rows.jsonl --domains speech reviews --sizes 100 300 --seeds 1 2
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import certainty
from benchmarks.learning_curve_report import METHODS, NAME, report
from benchmarks.record import FOLDER
from certainty import CertaintyError
from certainty.evaluation import metrics
from certainty.evaluation.baselines import TfidfBaseline
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning.partition import together
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS

Rows = Sequence[LabelledSentence]
Method = Callable[[Rows, Sequence[str], int, argparse.Namespace], NDArray[np.float64]]
"""Function of training rows, held-out texts, a seed and the options, to probabilities, shape (texts, 4)."""

SIZES = (24, 50, 100, 300, 1000, 3000)
LEAST_OF_A_LABEL = 5
"""Every sample has rows of each label in at least so many sets that are not split, as training needs them."""
KEY = ("domain", "size", "seed", "method")
"""What identifies a result."""


def shipped(train: Rows, texts: Sequence[str], seed: int, options: argparse.Namespace) -> NDArray[np.float64]:
    """Score with the shipped model."""
    return certainty.load().predict_proba(texts)


def continued(train: Rows, texts: Sequence[str], seed: int, options: argparse.Namespace) -> NDArray[np.float64]:
    """Continue from the shipped model, with the settings that suit the number of rows."""
    return _finetuned(train, texts, FinetuningSettings(seed=seed))


def from_encoder(train: Rows, texts: Sequence[str], seed: int, options: argparse.Namespace) -> NDArray[np.float64]:
    """Train from the encoder with the default settings."""
    return _finetuned(train, texts, FinetuningSettings(seed=seed, encoder=str(options.encoder)))


def _finetuned(train: Rows, texts: Sequence[str], settings: FinetuningSettings) -> NDArray[np.float64]:
    with tempfile.TemporaryDirectory() as folder:
        finetune(train, None, Path(folder) / "model", settings)
        return certainty.load(Path(folder) / "model").predict_proba(texts)


def tfidf(train: Rows, texts: Sequence[str], seed: int, options: argparse.Namespace) -> NDArray[np.float64]:
    """Fit the TF-IDF baseline of our reports."""
    return TfidfBaseline().fit(train).predict_proba(texts)


def setfit(train: Rows, texts: Sequence[str], seed: int, options: argparse.Namespace) -> NDArray[np.float64]:
    """Train with the recipe of SetFit."""
    from benchmarks.setfit import SetFit

    return SetFit(options.encoder, seed).fit(train).predict_proba(texts)


_METHODS: Mapping[str, Method] = dict(
    zip(METHODS, (shipped, continued, from_encoder, tfidf, setfit), strict=True),
)


def draw(rows: Rows, size: int, held_out: int, seed: int) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Draw a training sample and held-out rows from a domain; near duplicates are not split between them.

    The held-out rows depend only on the seed, and a smaller sample is part of a larger one.

    Args:
        rows: The rows of a domain.
        size: Number of training rows.
        held_out: Number of held-out rows.
        seed: Seed of both draws.

    Raises:
        CertaintyError: the domain has too few rows, or too few of a label.
    """
    sets = together(rows)
    order = np.random.default_rng(seed).permutation(int(sets.max()) + 1)
    ranked = sorted(range(len(rows)), key=lambda i: (order[sets[i]], i))
    last = sets[ranked[held_out - 1]] if len(rows) > held_out else None
    held = [rows[i] for i in ranked[:held_out]]
    rest = [i for i in ranked[held_out:] if sets[i] != last]
    first: list[int] = []
    for label in LABELS:
        of_sets: dict[int, int] = {}
        for i in rest:
            if rows[i].label is label:
                of_sets.setdefault(int(sets[i]), i)
        if len(of_sets) < LEAST_OF_A_LABEL:
            raise CertaintyError(
                f"rows labelled {label.value} in only {len(of_sets)} sets beside the held-out ones; too few."
            )
        first += list(of_sets.values())[:LEAST_OF_A_LABEL]
    taken = set(first)
    sample = [rows[i] for i in [*first, *(i for i in rest if i not in taken)][:size]]
    if len(sample) < size:
        raise CertaintyError(f"{len(rest)} rows beside the held-out ones; too few.")
    return sample, held


def measured(
    options: argparse.Namespace, domains: Mapping[str, Rows], done: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the result of each run that is not yet done, the smallest sizes first."""
    keys = {tuple(one[name] for name in KEY) for one in done}
    for size, seed, domain in itertools.product(options.sizes, options.seeds, options.domains):
        methods = [method for method in options.methods if (domain, size, seed, method) not in keys]
        if not methods:
            continue
        run = f"{domain}, {size} rows, seed {seed}"
        try:
            train, held_out = draw(domains[domain], size, options.held_out, seed)
        except CertaintyError as error:
            Console(stderr=True).print(f"{run}: left out, {error}")
            continue
        claims = [sentence for sentence in held_out if sentence.label]
        gold = np.array([LABELS.index(s.label) for s in claims if s.label])
        for method in methods:
            started = time.process_time()
            try:
                found = _METHODS[method](train, [s.text for s in claims], seed, options).argmax(axis=1)
            except CertaintyError as error:
                Console(stderr=True).print(f"{run}, {method}: left out, {error}")
                continue
            yield {
                **dict(zip(KEY, (domain, size, seed, method), strict=True)),
                "claims": len(claims),
                "macro_f1": round(float(metrics.macro_f1(gold, found)), 4),
                "accuracy": round(float((gold == found).mean()), 4),
                "seconds": round(time.process_time() - started, 1),
            }


def by_domain(rows: Rows, by: str, domains: Sequence[str]) -> dict[str, Rows]:
    """Return the rows of each domain, by its name.

    Args:
        rows: All rows.
        by: The column that names the domain of a row.
        domains: Values of this column, or `name=value+value`.

    Raises:
        CertaintyError: no row has one of the values.
    """
    result: dict[str, Rows] = {}
    for given in domains:
        name, _, values = given.partition("=")
        wanted = set((values or name).split("+"))
        own = [s for s in rows if (getattr(s, by, None) or s.columns.get(by)) in wanted]
        if missing := wanted - {getattr(s, by, None) or s.columns.get(by) for s in own}:
            raise CertaintyError(f"--domains: no row has {', '.join(sorted(missing))} in its column {by}.")
        result[name] = own
    return result


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    result.add_argument("--data", nargs="+", help="labelled rows; the shipped model must not know them")
    result.add_argument("--by", default="corpus", help="column that names the domain (default: %(default)s)")
    result.add_argument("--domains", nargs="+", help="values of this column, or name=value+value")
    result.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="numbers of rows to train on")
    result.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], help="default: five")
    result.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all")
    result.add_argument("--held-out", type=int, default=400, help="held-out rows of a domain (default: %(default)s)")
    result.add_argument("--encoder", default="models/encoder-fr-small", help="encoder (default: %(default)s)")
    result.add_argument("--results", type=Path, help=f"JSON Lines of results (default: {NAME}.jsonl in --output)")
    result.add_argument("--output", type=Path, default=Path(FOLDER), help="folder of the report (default: %(default)s)")
    result.add_argument("--picture", type=Path, help="folder of the picture (default: --output)")
    result.add_argument("--plot", action="store_true", help="compute nothing: only report what --results has")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    own = parser()
    options = own.parse_args(arguments)
    if not options.plot and not (options.data and options.domains):
        own.error("give --data and --domains, or --plot")
    path = options.results or options.output / f"{NAME}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    if not options.plot:
        try:
            domains = by_domain(read_labelled(options.data), options.by, options.domains)
        except CertaintyError as error:
            own.error(str(error))
        options.domains = list(domains)
        with path.open("a", encoding="utf-8") as file:
            for result in measured(options, domains, done):
                file.write(json.dumps(result, ensure_ascii=False) + "\n")
                file.flush()
                done.append(result)
                told = "{domain}, {size} rows, seed {seed}, {method}: {macro_f1:.3f}, {seconds:.0f} s of processor time"
                print(told.format(**result), flush=True)
    if not done:
        own.error(f"{path}: has no results yet")
    report(done, options.output, options.picture or options.output)


if __name__ == "__main__":
    main()
