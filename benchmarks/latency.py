"""Measure the time of a single sentence and of an article: `python -m benchmarks.latency [ARTICLE]`.

The contenders take turns, and score each sentence alone. The article is only split and scored with our default engine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

import certainty
from benchmarks import record
from benchmarks.contenders import ENGINES, PIPELINE_1, Contender
from benchmarks.sentences import read_sentences
from certainty.sentences import split_sentences

ARTICLE = "docs/examples/article.txt"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("article", nargs="?", default=ARTICLE)
    parser.add_argument("--data", help="labelled sentences, whose text is used (default: synthetic sentences)")
    parser.add_argument("--sentences", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    texts = read_sentences(args.data, args.sentences)
    names = [PIPELINE_1, *ENGINES]
    seconds: dict[str, list[list[float]]] = {name: [] for name in names}
    with ExitStack() as stack:
        contenders = [stack.enter_context(Contender(name, args.model, args.threads)) for name in names]
        for contender in contenders:
            contender.labels(texts[:10])
        for _ in range(args.rounds):
            for contender in contenders:
                seconds[contender.name].append(contender.each(texts))
    p50 = {name: [float(np.median(each)) for each in rounds] for name, rounds in seconds.items()}
    rows = {
        name: {
            "p50_ms": 1000 * statistics.median(p50[name]),
            "p99_ms": 1000 * float(np.percentile(np.concatenate(rounds), 99)),
            "p50_ratio_to_pipeline": statistics.median(b / t for b, t in zip(p50[PIPELINE_1], p50[name], strict=True)),
        }
        for name, rounds in seconds.items()
    }
    for name, row in rows.items():
        print(
            f"{name:20} one sentence: p50 {row['p50_ms']:6.2f} ms, p99 {row['p99_ms']:6.2f} ms,"
            f" {row['p50_ratio_to_pipeline']:5.2f} × the pipeline"
        )
    article = article_seconds(args.article, args.model, args.threads, args.rounds)
    print(
        f"{args.article}: {article['sentences']:.0f} sentences in {1000 * article['score']:.1f} ms,"
        f" of which splitting {article['split'] / article['score']:.1%}"
    )
    record.write(args.output, "latency", {"sentence": rows, "article": article})
    record.plot_bars(args.output, "latency", {n: r["p50_ms"] for n, r in rows.items()}, "median of one sentence, ms")


def article_seconds(path: str, model: str, threads: int, rounds: int) -> dict[str, float]:
    """Return the number of sentences, and the median seconds of scoring and splitting, of an article."""
    text = Path(path).read_text(encoding="utf-8")
    classifier = certainty.load(model, threads=threads)
    score, split = [], []
    for _ in range(4 * rounds):
        started = time.perf_counter()
        sentences = split_sentences(text)
        split.append(time.perf_counter() - started)
        classifier.score(text)
        score.append(time.perf_counter() - started - split[-1])
    return {"sentences": len(sentences), "score": statistics.median(score), "split": statistics.median(split)}


if __name__ == "__main__":
    main()
