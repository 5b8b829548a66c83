"""Whether time and memory stay flat: `python -m benchmarks.scaling`.

Scores a stream of texts that are made as they are read. Each size runs in a fresh process; the largest is also cut into
ten parts, whose times tell whether the end is slower than the start.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from typing import Any

import certainty
from benchmarks import record
from benchmarks.sentences import sentences_like_text

TEXT_SENTENCES = 20
PARTS = 10


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--largest", type=int, default=100_000, help="sentences of the longest stream")
    parser.add_argument("--longest", type=int, default=90, help="words of the longest sentence")
    parser.add_argument("--all-threads", type=int, nargs="+", default=[1, 2], help="numbers of threads to compare")
    args = parser.parse_args()
    sizes = [10**power for power in range(9) if 10**power < args.largest] + [args.largest]
    context = multiprocessing.get_context("spawn")
    runs: list[dict[str, Any]] = []
    for threads in args.all_threads:
        for size in sizes if threads == max(args.all_threads) else sizes[:-1]:
            with context.Pool(1) as pool:
                runs.append(pool.apply(measure, (args.model, args.engine, threads, size, args.longest)))
            print(
                "{threads} threads, {sentences:8d} sentences: {milliseconds_per_sentence:7.3f} ms a sentence, "
                "{peak_mib:4.0f} MiB, last tenth against first {end_against_start:.3f} ×".format(**runs[-1]),
                flush=True,
            )
    record.write(args.output, "scaling", {"engine": args.engine, "longest_words": args.longest, "runs": runs})
    lines = {
        f"{threads} threads": tuple(
            [run[key] for run in runs if run["threads"] == threads]
            for key in ("sentences", "milliseconds_per_sentence")
        )
        for threads in args.all_threads
    }
    record.plot_lines(args.output, "scaling", lines, ("sentences", "ms per sentence"))  # type: ignore[arg-type]


def measure(model: str, engine: str, threads: int, size: int, longest: int) -> dict[str, Any]:
    """Score a stream of so many sentences and return its time, its memory and how its end compares with its start."""
    classifier = certainty.load(model, engine=engine, threads=threads)
    classifier.score("Le train est parti.")
    marks = [time.perf_counter()]
    done = 0
    for document in classifier.stream(texts(size, longest)):
        done += len(document)
        if done >= len(marks) * size / PARTS:
            marks.append(time.perf_counter())
    parts = [b - a for a, b in itertools.pairwise(marks)]
    return {
        "threads": threads,
        "sentences": size,
        "scored": done,
        "milliseconds_per_sentence": 1000 * (marks[-1] - marks[0]) / max(done, 1),
        "peak_mib": record.peak_mib(),
        "parts_seconds": parts,
        "end_against_start": statistics.median(parts[-3:]) / statistics.median(parts[:3])
        if len(parts) >= PARTS
        else 1.0,
    }


def texts(sentences: int, longest: int) -> Iterator[str]:
    """Yield texts of `TEXT_SENTENCES` sentences, so many sentences in all, from a pool of ten thousand."""
    pool = sentences_like_text(min(sentences, 10_000), longest=longest)
    for start in range(0, sentences, TEXT_SENTENCES):
        yield "\n".join(pool[i % len(pool)] for i in range(start, min(start + TEXT_SENTENCES, sentences)))


if __name__ == "__main__":
    main()
