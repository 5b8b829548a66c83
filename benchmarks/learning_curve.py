"""Measure how good a model becomes with a growing number of labelled rows of a domain.

Of each domain, which is a value of a column of `--data` or, as `speech=talks+everyday`, several, some rows are held
out, and samples of several sizes are drawn from the others. The rows of one document (`--group-by`) are never in both.
Each method gets the same samples; macro-F1 is on the held-out rows:

- shipped: the shipped model as it is, which learns nothing
- continued: `certainty train` with its automatic settings, which continues from the shipped model
- encoder: `certainty train --encoder`
- tfidf: logistic regression on word and character n-grams
- setfit: the recipe of SetFit on the same encoder (`benchmarks.setfit`)

Each result is appended to `--results` as soon as it is there, and what stands there is not computed again: the same
command continues an interrupted run, and portions of the whole can be run one after the other, by `--sizes`,
`--domains`, `--seeds` and `--methods`. `--plot` only reports what there is. Points of one domain that differ in
`--group-by` or `--held-out`, or points with another `--encoder`, cannot be compared and need a file of their own.

    python -m benchmarks.learning_curve --data rows.jsonl --domains speech reviews --sizes 100 300 --seeds 1 2
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import certainty
from benchmarks.drawing import draw
from benchmarks.learning_curve_report import METHODS, NAME, report
from benchmarks.record import FOLDER
from certainty import CertaintyError
from certainty.evaluation import metrics
from certainty.evaluation.baselines import TfidfBaseline
from certainty.evaluation.units import columns_of, values_of
from certainty.finetuning import FinetuningSettings, finetune
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS

Rows = Sequence[LabelledSentence]
Run = Mapping[str, Any]
"""What identifies a result: a value for each name of `KEY`."""
Method = Callable[[Rows, Sequence[str], Run], NDArray[np.float64]]
"""Function of training rows, held-out texts and the run, to probabilities, shape (texts, 4)."""

SIZES = (24, 50, 100, 300, 1000, 3000)
DOCUMENT = "document"
"""The column whose rows stay together unless another one is given."""
KEY = ("domain", "size", "seed", "method", "group_by", "held_out", "encoder")
ENCODED = ("encoder", "setfit")
"""The methods that start from `--encoder`; the results of the others do not depend on it."""


def shipped(train: Rows, texts: Sequence[str], run: Run) -> NDArray[np.float64]:
    """Score with the shipped model."""
    return certainty.load().predict_proba(texts)


def continued(train: Rows, texts: Sequence[str], run: Run) -> NDArray[np.float64]:
    """Continue from the shipped model, with the settings that suit the number of rows."""
    return _finetuned(train, texts, FinetuningSettings(seed=run["seed"], group_by=run["group_by"]))


def from_encoder(train: Rows, texts: Sequence[str], run: Run) -> NDArray[np.float64]:
    """Train from the encoder with the default settings."""
    settings = FinetuningSettings(seed=run["seed"], group_by=run["group_by"], encoder=run["encoder"])
    return _finetuned(train, texts, settings)


def _finetuned(train: Rows, texts: Sequence[str], settings: FinetuningSettings) -> NDArray[np.float64]:
    with tempfile.TemporaryDirectory() as folder:
        finetune(train, None, Path(folder) / "model", settings)
        return certainty.load(Path(folder) / "model").predict_proba(texts)


def tfidf(train: Rows, texts: Sequence[str], run: Run) -> NDArray[np.float64]:
    """Fit the TF-IDF baseline of our reports."""
    return TfidfBaseline().fit(train).predict_proba(texts)


def setfit(train: Rows, texts: Sequence[str], run: Run) -> NDArray[np.float64]:
    """Train with the recipe of SetFit."""
    from benchmarks.setfit import SetFit

    return SetFit(run["encoder"], run["seed"]).fit(train).predict_proba(texts)


_METHODS: Mapping[str, Method] = dict(
    zip(METHODS, (shipped, continued, from_encoder, tfidf, setfit), strict=True),
)


def planned(options: argparse.Namespace, domains: Mapping[str, Rows]) -> list[dict[str, Any]]:
    """Return what identifies each run that the options ask for, the smallest sizes first.

    Args:
        options: The options of the command line.
        domains: The rows of each domain.

    Raises:
        CertaintyError: a domain has no column `--group-by`, or too few rows for one of the sizes.
    """
    most = {name: len(rows) - options.held_out for name, rows in domains.items()}
    scarce = min(most, key=most.__getitem__)
    sizes = options.sizes or [size for size in SIZES if size <= most[scarce]]
    if not sizes or max(sizes) > most[scarce]:
        raise CertaintyError(
            f"--sizes {max(sizes, default=SIZES[0])}: {scarce} has {len(domains[scarce])} rows, and {options.held_out} "
            f"are held out, so that at most {max(most[scarce], 0)} can be drawn. Give smaller --sizes or --held-out."
        )
    groups = {name: _group_column(name, rows, options.group_by) for name, rows in domains.items()}
    return [
        dict(zip(KEY, (domain, size, seed, method, groups[domain], options.held_out, encoder), strict=True))
        for size, seed, domain, method in itertools.product(sizes, options.seeds, domains, options.methods)
        for encoder in [str(options.encoder) if method in ENCODED else None]
    ]


def _group_column(domain: str, rows: Rows, given: str | None) -> str | None:
    column = given or DOCUMENT
    if any(values_of(rows, column)):
        return column
    if given:
        raise CertaintyError(f"--group-by: {domain} has no column {given!r}. Allowed: {', '.join(columns_of(rows))}.")
    return None


def refuse_mixed(results: Sequence[Run]) -> None:
    """Refuse results that cannot be compared.

    Args:
        results: Results, or runs that are planned.

    Raises:
        CertaintyError: those of a domain have other columns of documents or numbers of held-out rows, or the encoder
            is not the same.
    """
    found: dict[str, dict[Any, None]] = defaultdict(dict)
    for one in results:
        found[f"{one['domain']}: --group-by"][one["group_by"]] = None
        found[f"{one['domain']}: --held-out"][one["held_out"]] = None
        if one["encoder"]:
            found["--encoder"][one["encoder"]] = None
    for what, values in found.items():
        if len(values) > 1:
            raise CertaintyError(
                f"{what}: there would be results for {' and for '.join(map(str, values))}, which cannot be compared; "
                "give another --results."
            )


def measured(options: argparse.Namespace, domains: Mapping[str, Rows], done: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Yield the result of each run that is not yet done, the smallest sizes first."""
    keys = {tuple(one[name] for name in KEY) for one in done}
    missing = [run for run in planned(options, domains) if tuple(run.values()) not in keys]
    for (domain, size, seed), runs in itertools.groupby(missing, key=itemgetter("domain", "size", "seed")):
        methods = list(runs)
        told = f"{domain}, {size} rows, seed {seed}"
        try:
            train, held_out = draw(domains[domain], size, options.held_out, seed, methods[0]["group_by"])
        except CertaintyError as error:
            _warn(f"{told}: left out, {error}")
            continue
        claims = [sentence for sentence in held_out if sentence.label]
        gold = np.array([LABELS.index(s.label) for s in claims if s.label])
        for run in methods:
            started = time.process_time()
            try:
                found = _METHODS[run["method"]](train, [s.text for s in claims], run).argmax(axis=1)
            except CertaintyError as error:
                _warn(f"{told}, {run['method']}: left out, {error}")
                continue
            yield {
                **run,
                "claims": len(claims),
                "macro_f1": round(float(metrics.macro_f1(gold, found)), 4),
                "accuracy": round(float((gold == found).mean()), 4),
                "seconds": round(time.process_time() - started, 1),
            }


def _warn(message: str) -> None:
    Console(stderr=True).print(message, soft_wrap=True, markup=False, highlight=False)


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
    sizes = f"numbers of rows to train on (default: those of {', '.join(map(str, SIZES))} that every domain has)"
    result.add_argument("--sizes", nargs="+", type=int, help=sizes)
    result.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], help="default: five")
    result.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all")
    result.add_argument("--held-out", type=int, default=400, help="judged rows of a domain (default: %(default)s)")
    groups = f"column, such as a document, whose rows stay together (default: {DOCUMENT}, if a domain has this column)"
    result.add_argument("--group-by", metavar="COLUMN", help=groups)
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
    done = _read_results(path)
    try:
        if not options.plot:
            domains = by_domain(read_labelled(options.data), options.by, options.domains)
            refuse_mixed([*done, *planned(options, domains)])
        refuse_mixed(done)
    except CertaintyError as error:
        own.error(str(error))
    if not options.plot:
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


def _read_results(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    known = [one for one in found if all(name in one for name in KEY)]
    if len(known) < len(found):
        _warn(f"{path}: {len(found) - len(known)} results of an older version, which split documents, are ignored.")
    return known


if __name__ == "__main__":
    main()
