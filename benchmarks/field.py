"""Compare speed and accuracy with other tools: `python -m benchmarks.field --data test.jsonl --train train.jsonl`.

Each round runs all contenders once on the same sentences, and then on some of them one by one; a ratio is the median
over the rounds. At the end, 1, 4 and 16 clients send single sentences to `certainty serve`. The other tools are
`transformers.pipeline` with our model, and with a classifier of the shape of CamemBERT-base (random weights, so it has
no accuracy); logistic regression on tf-idf features; and the rules of EDS-NLP, which know neither opinions nor our
labels. A model of ours with six layers more and random weights is only timed, too. EDS-NLP is left out if it is not
installed (`pip install edsnlp`), tf-idf without `--train`.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sklearn.metrics import f1_score

from benchmarks import record
from benchmarks.contenders import (
    CAMEMBERT_1,
    CAMEMBERT_32,
    EDSNLP,
    PIPELINE_1,
    PIPELINE_32,
    TFIDF,
    Contender,
    ratio,
)
from benchmarks.served import served
from benchmarks.tiny_model import write_larger_model
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS

TIMED_ONLY = (CAMEMBERT_1, CAMEMBERT_32)
LARGER = "six layers more (random weights)"
ALONE = 40
"""Sentences of a round that are also scored one by one; the wider session of the engine opens in the second round."""


def macro_f1(sentences: list[LabelledSentence], labels: list[str]) -> float:
    """Return the macro-F1 over the four labels, on the sentences that make a claim."""
    pairs = [(s.label.value, label) for s, label in zip(sentences, labels, strict=True) if s.label]
    gold, given = zip(*pairs, strict=True)
    return float(f1_score(gold, given, labels=[label.value for label in LABELS], average="macro", zero_division=0))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.field", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("--data", required=True, help="labelled sentences to score")
    parser.add_argument("--train", help="labelled sentences to train tf-idf on")
    parser.add_argument(
        "--larger", help="folder of a larger model of ours (default: one of random weights, only timed)"
    )
    parser.add_argument("--sentences", type=int, default=256, help="sentences that are timed (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    sentences = read_labelled(args.data)
    timed = [sentence.text for sentence in sentences][: args.sentences]
    with ExitStack() as stack:
        if args.larger is None:
            args.larger = str(Path(stack.enter_context(TemporaryDirectory())) / LARGER)
            write_larger_model(Path(args.larger), timed)
        compare(args, sentences, timed)


def compare(args: argparse.Namespace, sentences: list[LabelledSentence], timed: list[str]) -> None:
    """Run all contenders in turns, and print and record their figures."""
    named = {
        f"{Path(model).name}, {engine}": (engine, model)
        for model in (args.model, args.larger)
        for engine in ("onnx", "onnx-int8")
    }
    named |= {name: (name, args.model) for name in (PIPELINE_1, PIPELINE_32, CAMEMBERT_1, CAMEMBERT_32)}
    if args.train:
        named[TFIDF] = (TFIDF, args.train)
    if importlib.util.find_spec("edsnlp"):
        named[EDSNLP] = (EDSNLP, "")

    seconds: dict[str, list[float]] = {name: [] for name in named}
    processor: dict[str, list[float]] = {name: [] for name in named}
    alone: dict[str, list[float]] = {name: [] for name in named}  # the median of each round
    with ExitStack() as stack:
        contenders = {
            name: stack.enter_context(Contender(contender, model, args.threads))
            for name, (contender, model) in named.items()
        }
        accuracy = {
            name: None
            if name in TIMED_ONLY or name.startswith(LARGER)
            else macro_f1(sentences, contender.labels([sentence.text for sentence in sentences]))
            for name, contender in contenders.items()
        }
        for _ in range(args.rounds):
            for name, contender in contenders.items():
                wall, cost = contender.costs(timed)
                seconds[name].append(wall)
                processor[name].append(cost)
                alone[name].append(statistics.median(contender.each(timed[:ALONE])))
        answered = served(timed, args.model, args.threads)
    rows: dict[str, dict[str, Any]] = {
        name: {
            "sentences_per_second": len(timed) / statistics.median(times),
            "ratio_to_batch_1": ratio(seconds[PIPELINE_1], times),
            "ratio_to_batch_32": ratio(seconds[PIPELINE_32], times),
            "ratio_to_camembert_base": ratio(seconds[CAMEMBERT_1], times),
            "core_hours_per_million": 1e6 * statistics.median(processor[name]) / len(timed) / 3600,
            "alone_p50_ms": 1000 * statistics.median(alone[name]),
            "alone_ratio_to_pipeline": ratio(alone[PIPELINE_1], alone[name]),
            "macro_f1": accuracy[name],
            "seconds": times,
        }
        for name, times in seconds.items()
    }
    print(f"{len(timed)} sentences, {args.rounds} rounds, {args.threads} threads; macro-F1 on {len(sentences)}")
    for name, row in rows.items():
        shown = "" if row["macro_f1"] is None else f"{row['macro_f1']:.3f}"
        print(
            f"{name:34} {row['sentences_per_second']:8.1f} sentences/s {row['ratio_to_batch_1']:6.2f} × batch 1"
            f" {row['ratio_to_batch_32']:6.2f} × batch 32 {row['ratio_to_camembert_base']:6.1f} × CamemBERT-base"
            f" {row['core_hours_per_million']:6.2f} core hours per million"
            f" {row['alone_p50_ms']:6.2f} ms alone, {row['alone_ratio_to_pipeline']:5.2f} × macro-F1 {shown}"
        )
    for clients, figures in answered.items():
        print(
            f"certainty serve, {clients} clients: {figures['p50_ms']:.1f} ms p50, {figures['p99_ms']:.1f} ms p99,"
            f" {figures['sentences_per_second']:.0f} sentences/s"
        )
    result = {"sentences": len(timed), "scored": len(sentences), "contenders": rows, "clients": answered}
    record.write(args.output, "field", result)
    record.plot_points(
        args.output,
        "field",
        {name: (row["sentences_per_second"], row["macro_f1"]) for name, row in rows.items()},
        ("sentences per second", "macro-F1"),
    )


if __name__ == "__main__":
    main()
