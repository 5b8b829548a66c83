"""Measure how good a model becomes with a growing number of labelled rows of a domain.

Of each domain, which is a value of a column of `--data`, some rows are held out, and samples of several sizes are drawn
from the others. Each way of making a model gets the same samples; macro-F1 is on the held-out rows:

- shipped: the shipped model as it is, which learns nothing
- continued: `certainty train` with its automatic settings, which continues from the shipped model
- encoder: `certainty train --encoder`
- tfidf: logistic regression on word and character n-grams
- setfit: the recipe of SetFit on the same encoder (`benchmarks.setfit`)

Results are appended to `learning_curve.jsonl` one by one: the same command continues an interrupted run.

    python -m benchmarks.learning_curve --data rows.jsonl --domains speech reviews --sizes 100 300 --seeds 1 2
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import certainty
from benchmarks.record import FOLDER, plot_lines, write
from certainty import CertaintyError
from certainty.evaluation import metrics
from certainty.evaluation.baselines import TfidfBaseline
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning.partition import together
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS
from certainty.writing import make_folder

Rows = Sequence[LabelledSentence]
Way = Callable[[Rows, Sequence[str], int, argparse.Namespace], NDArray[np.float64]]
"""Function of training rows, held-out texts, a seed and the options, to probabilities, shape (texts, 4)."""

NAME = "learning_curve"
SIZES = (24, 50, 100, 300, 1000, 3000)
LEAST_OF_A_LABEL = 5
"""Every sample has at least so many rows of each label, as training needs them."""


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


WAYS: Mapping[str, Way] = {
    "shipped": shipped,
    "continued": continued,
    "encoder": from_encoder,
    "tfidf": tfidf,
    "setfit": setfit,
}


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
    held, rest = [rows[i] for i in ranked[:held_out]], [rows[i] for i in ranked[held_out:]]
    first: list[LabelledSentence] = []
    for label in LABELS:
        own = [sentence for sentence in rest if sentence.label is label][:LEAST_OF_A_LABEL]
        if len(own) < LEAST_OF_A_LABEL:
            raise CertaintyError(f"{len(own)} rows labelled {label.value} beside the held-out ones; too few.")
        first += own
    taken = {id(sentence) for sentence in first}
    sample = [*first, *(sentence for sentence in rest if id(sentence) not in taken)][:size]
    if len(sample) < size:
        raise CertaintyError(f"{len(rest)} rows beside the held-out ones; too few.")
    return sample, held


def measured(options: argparse.Namespace, rows: Rows, done: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the result of each run that is not yet done."""
    keys = {tuple(one[name] for name in ("domain", "size", "seed", "way")) for one in done}
    for domain in options.domains:
        own = [s for s in rows if (getattr(s, options.by, None) or s.columns.get(options.by)) == domain]
        for seed in options.seeds:
            for size in options.sizes:
                for way in options.ways:
                    if (domain, size, seed, way) in keys:
                        continue
                    try:
                        train, held_out = draw(own, size, options.held_out, seed)
                    except CertaintyError as error:
                        Console(stderr=True).print(f"{domain}, {size} rows, seed {seed}: left out, {error}")
                        break
                    claims = [sentence for sentence in held_out if sentence.label]
                    gold = np.array([LABELS.index(s.label) for s in claims if s.label])
                    found = WAYS[way](train, [s.text for s in claims], seed, options).argmax(axis=1)
                    yield {
                        "domain": domain,
                        "size": size,
                        "seed": seed,
                        "way": way,
                        "claims": len(claims),
                        "macro_f1": round(float(metrics.macro_f1(gold, found)), 4),
                        "accuracy": round(float((gold == found).mean()), 4),
                    }


def table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return mean and standard deviation over the seeds of macro-F1, a column for each way."""
    ways = [way for way in WAYS if any(one["way"] == way for one in results)]
    shown = Table("macro-F1", "rows", "seeds", *ways)
    for domain, size in sorted({(one["domain"], one["size"]) for one in results}):
        own = [one for one in results if (one["domain"], one["size"]) == (domain, size)]
        cells = []
        for way in ways:
            values = [one["macro_f1"] for one in own if one["way"] == way]
            spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.3f}{spread}" if values else "–")
        shown.add_row(domain, str(size), str(len({one["seed"] for one in own})), *cells)
    return shown


def plot(folder: Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Write a picture for each domain: the mean macro-F1 of each way by the number of rows."""
    for domain in sorted({one["domain"] for one in results}):
        lines = {}
        for way in WAYS:
            own = [one for one in results if (one["domain"], one["way"]) == (domain, way)]
            sizes = sorted({one["size"] for one in own})
            if sizes:
                means = [statistics.mean(one["macro_f1"] for one in own if one["size"] == size) for size in sizes]
                lines[way] = sizes, means
        plot_lines(folder, f"{NAME}_{domain}", lines, ("labelled rows", "macro-F1"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", required=True, help="labelled rows; the shipped model must not know them")
    parser.add_argument("--by", default="corpus", help="column that names the domain (default: %(default)s)")
    parser.add_argument("--domains", nargs="+", required=True, help="values of this column")
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="numbers of rows to train on")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], help="default: five")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="default: all")
    parser.add_argument("--held-out", type=int, default=500, help="held-out rows of a domain (default: %(default)s)")
    parser.add_argument("--encoder", default="models/encoder-fr-small", help="encoder (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path(FOLDER), help="folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        rows = read_labelled(options.data)
    except CertaintyError as error:
        parser.error(str(error))
    path = make_folder(options.output) / f"{NAME}.jsonl"
    done = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    console = Console()
    with path.open("a", encoding="utf-8") as file:
        for result in measured(options, rows, done):
            file.write(json.dumps(result, ensure_ascii=False) + "\n")
            file.flush()
            done.append(result)
            console.print("{domain}, {size} rows, seed {seed}, {way}: {macro_f1:.3f}".format(**result))
    console.print(table(done))
    write(options.output, NAME, {"results": done})
    plot(options.output, done)


if __name__ == "__main__":
    main()
