"""Sentences a second against `transformers.pipeline` on the same model: `python -m benchmarks.throughput`.

Every round runs each engine once on the same sentences, in the same process; the figure is the median of the
per-round ratios, so that a slow minute of the machine hits all alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import certainty
from certainty.labelled import read_labelled
from certainty.model_folder import default_model

DATA = "training/data/contrast.jsonl"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--data", default=DATA, help="labelled sentences; only their text is used")
    parser.add_argument("--sentences", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="JSON file")
    args = parser.parse_args()

    import torch
    from transformers import pipeline

    torch.set_num_threads(args.threads)
    texts = [s.text for s in read_labelled(args.data)][: args.sentences]
    pipe = pipeline("text-classification", model=str(default_model()), top_k=None, device="cpu")
    onnx = certainty.load(threads=args.threads)
    in_torch = certainty.load(engine="torch", threads=args.threads)

    def labels_of(batch_size: int) -> list[str]:
        return [max(row, key=lambda r: r["score"])["label"] for row in pipe(texts, batch_size=batch_size)]

    engines: dict[str, Callable[[], list[str]]] = {
        "pipeline, batch 1": lambda: labels_of(1),
        "pipeline, batch 32": lambda: labels_of(32),
        "certainty, torch": lambda: [s.label.value for s in in_torch.score_sentences(texts)],
        "certainty, onnx": lambda: [s.label.value for s in onnx.score_sentences(texts)],
    }
    expected = {name: run() for name, run in engines.items()}  # also warms up
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(args.rounds):
        for name, run in engines.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    reference = expected["pipeline, batch 1"]
    result = {
        name: {
            "sentences_per_second": round(len(texts) / statistics.median(times), 1),
            "ratio_to_batch_1": round(_ratio(seconds["pipeline, batch 1"], times), 2),
            "ratio_to_batch_32": round(_ratio(seconds["pipeline, batch 32"], times), 2),
            "labels_equal": float(np.mean([a == b for a, b in zip(expected[name], reference, strict=True)])),
        }
        for name, times in seconds.items()
    }
    for name, row in result.items():
        print(
            f"{name:20} {row['sentences_per_second']:8.1f} sentences/s  {row['ratio_to_batch_1']:6.2f} × batch 1"
            f"  {row['ratio_to_batch_32']:6.2f} × batch 32  labels equal {row['labels_equal']:.2%}"
        )
    if args.output:
        args.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _ratio(baseline: list[float], times: list[float]) -> float:
    return statistics.median(b / t for b, t in zip(baseline, times, strict=True))


if __name__ == "__main__":
    main()
