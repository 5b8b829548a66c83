"""Check that time per sentence and memory stay constant: `python -m benchmarks.scaling`.

Scores streams of texts that are generated as they are read, each size in a new process. The time per sentence in the
last third of a long stream is compared with that in the first third, to see whether scoring becomes slower.
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
from certainty.engines import ENGINES, EngineName

TEXT_SENTENCES = 20
BURST_GAP = 0.1


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("--engine", default="auto", choices=ENGINES)
    parser.add_argument("--largest", type=int, default=100_000, help="number of sentences in the longest stream")
    parser.add_argument("--longest", type=int, default=90, help="number of words in the longest sentence")
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
                "{threads} threads, {sentences:8d} sentences: {milliseconds_per_sentence:7.3f} ms per sentence, "
                "{peak_mib:4.0f} MiB, last third relative to first: {end_against_start}".format(**runs[-1]),
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


def measure(model: str, engine: EngineName, threads: int, size: int, longest: int) -> dict[str, Any]:
    """Score a stream of `size` sentences; return its time, its memory and how its end compares with its start."""
    classifier = certainty.load(model, engine=engine, threads=threads)
    classifier.score("Le train est parti.")
    started = time.perf_counter()
    # Documents come in bursts, since the stream collects text, scores it together, and then yields the documents.
    bursts: list[tuple[float, int]] = []
    done, last = 0, started
    for document in classifier.stream(texts(size, longest)):
        now = time.perf_counter()
        if not bursts or now - last > BURST_GAP:
            bursts.append((now, done))
        done, last = done + len(document), now
    rates = [(t2 - t1) / (n2 - n1) for (t1, n1), (t2, n2) in itertools.pairwise(bursts)]
    third = len(rates) // 3
    return {
        "threads": threads,
        "sentences": size,
        "scored": done,
        "milliseconds_per_sentence": 1000 * (last - started) / max(done, 1),
        "peak_mib": record.peak_mib(),
        "end_against_start": statistics.median(rates[-third:]) / statistics.median(rates[:third])
        if third > 1
        else None,
    }


def texts(sentences: int, longest: int) -> Iterator[str]:
    """Yield texts of `TEXT_SENTENCES` sentences, from a pool of 10,000, until there are `sentences` in total."""
    pool = sentences_like_text(min(sentences, 10_000), longest=longest)
    for start in range(0, sentences, TEXT_SENTENCES):
        yield "\n".join(pool[i % len(pool)] for i in range(start, min(start + TEXT_SENTENCES, sentences)))


if __name__ == "__main__":
    main()
