"""Measure where the time goes: `python -m benchmarks.hot_path`.

Prints the share of each stage of scoring in the total time, on one core, and then that of each operator inside the
engine, as measured by onnxruntime's profiler.
"""

from __future__ import annotations

import argparse
import collections
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import onnxruntime

import certainty
from benchmarks import record
from benchmarks.sentences import read_sentences
from certainty.batching import batches, cut_windows, pad
from certainty.engines import ONNX_FILES, EngineName
from certainty.scoring import SentenceLogits, sentence_scores
from certainty.sentences import split_sentences

Value = TypeVar("Value")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hot_path", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("--data", help="labelled sentences, whose text is used (default: synthetic sentences)")
    parser.add_argument("--sentences", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    texts = read_sentences(args.data, args.sentences)
    result: dict[str, Any] = {}
    engines: tuple[EngineName, ...] = ("onnx", "onnx-int8")
    for engine in engines:
        rounds = [stages(args.model, engine, texts) for _ in range(args.rounds)]
        best = {stage: min(seconds[stage] for seconds in rounds) for stage in rounds[0]}
        result[engine] = {"stages": shares(best), "operators": shares(operators(args.model, engine, texts))}
        for part, values in result[engine].items():
            line = ", ".join(f"{name} {share:.1%}" for name, share in values.items() if share >= 0.0005)
            print(f"{engine}, {part}: {line}")
    record.write(args.output, "hot_path", result)


def stages(model: str, engine: EngineName, texts: list[str]) -> dict[str, float]:
    """Return the seconds of each stage of scoring, executed in the same way as in `CertaintyClassifier`."""
    classifier = certainty.load(model, engine=engine, threads=1)
    settings, special = classifier.settings, classifier._tokenizer.special
    seconds: dict[str, float] = collections.defaultdict(float)

    def timed(stage: str, run: Callable[[], Value]) -> Value:
        started = time.perf_counter()
        value = run()
        seconds[stage] += time.perf_counter() - started
        return value

    sentences = timed("splitting", lambda: split_sentences("\n".join(texts)))
    encodings = timed("tokenising", lambda: classifier.tokenize(s.text for s in sentences))
    windows = timed("batching", lambda: cut_windows([e.ids for e in encodings], special, settings.max_length))
    logits = SentenceLogits(windows, len(sentences))
    for indices in timed(
        "batching", lambda: batches([len(window.ids) for window in windows], classifier._engine.token_budget)
    ):
        padded = timed("batching", lambda rows=indices: pad([windows[i].ids for i in rows], settings.pad_token_id))  # type: ignore[misc]
        output = timed("engine", lambda arrays=padded: classifier._engine.run(*arrays))  # type: ignore[misc]
        timed("scoring", lambda rows=indices, part=output: logits.add(rows, part))  # type: ignore[misc]
    timed("scoring", lambda: list(sentence_scores(sentences, encodings, logits, settings)))
    return dict(seconds)


def operators(model: str, engine: EngineName, texts: list[str]) -> dict[str, float]:
    """Return the seconds of each operator of the engine's graph."""
    classifier = certainty.load(model, engine=engine, threads=1)
    encodings = classifier.tokenize(texts)
    windows = cut_windows([e.ids for e in encodings], classifier._tokenizer.special, classifier.settings.max_length)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = f"{folder}/profile"
        session = onnxruntime.InferenceSession(f"{model}/{ONNX_FILES[engine]}", options)
        for indices in batches([len(window.ids) for window in windows], classifier._engine.token_budget):
            ids, mask = pad([windows[i].ids for i in indices], classifier.settings.pad_token_id)
            session.run(None, {"input_ids": ids, "attention_mask": mask})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    seconds: dict[str, float] = collections.defaultdict(float)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            seconds[event["args"]["op_name"]] += event["dur"] / 1e6
    return dict(seconds)


def shares(seconds: dict[str, float]) -> dict[str, float]:
    """Return the share of each part in the sum, the largest first."""
    total = sum(seconds.values())
    return {name: value / total for name, value in sorted(seconds.items(), key=lambda item: -item[1])}


if __name__ == "__main__":
    main()
