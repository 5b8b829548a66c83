"""Compare the throughput with `transformers.pipeline` on the same model: `python -m benchmarks.throughput`.

Each round runs all contenders once on the same sentences; the ratio is the median over the rounds. The share of the
GEMM limit is the encoder's nominal FLOP per second, without padding, relative to the rate of a bare product of 32-bit
matrices, which is measured in every round.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks import record
from benchmarks.contenders import ENGINES, PIPELINE_1, PIPELINE_32, Contender, gemm_rate, nominal_flop, ratio
from benchmarks.sentences import read_sentences
from certainty.model_folder import TOKENIZER_FILE


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("--data", help="labelled sentences, whose text is used (default: synthetic sentences)")
    parser.add_argument("--sentences", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    args = parser.parse_args()
    texts = read_sentences(args.data, args.sentences)
    lengths = token_counts(args.model, texts)
    flop = nominal_flop(args.model, lengths)
    names = [PIPELINE_1, PIPELINE_32, *args.engines]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    gemm = []
    with ExitStack() as stack:
        contenders = [stack.enter_context(Contender(name, args.model, args.threads)) for name in names]
        labels = {contender.name: contender.labels(texts) for contender in contenders}
        for _ in range(args.rounds):
            gemm.append(gemm_rate(args.threads))
            for contender in contenders:
                seconds[contender.name].append(contender.seconds(texts))
        peak = {contender.name: contender.peak_mib() for contender in contenders}
    reference = labels[PIPELINE_1]
    rows: dict[str, dict[str, Any]] = {
        name: {
            "sentences_per_second": len(texts) / statistics.median(times),
            "best_sentences_per_second": len(texts) / min(times),
            "tokens_per_second": sum(lengths) / statistics.median(times),
            "ratio_to_batch_1": ratio(seconds[PIPELINE_1], times),
            "ratio_to_batch_32": ratio(seconds[PIPELINE_32], times),
            "gemm_share": statistics.median(flop / t / g for t, g in zip(times, gemm, strict=True)),
            "labels_equal": float(np.mean([a == b for a, b in zip(labels[name], reference, strict=True)])),
            "peak_mib": peak[name],
            "seconds": times,
        }
        for name, times in seconds.items()
    }
    print(f"{len(texts)} sentences of {np.mean(lengths):.1f} tokens, {args.rounds} rounds, {args.threads} threads")
    print(f"limit of a bare product: {statistics.median(gemm) / 1e9:.0f} GFLOP/s")
    for name, row in rows.items():
        print(
            f"{name:20} {row['sentences_per_second']:7.1f} sentences/s {row['tokens_per_second']:8.0f} tokens/s"
            f" {row['ratio_to_batch_1']:6.2f} × batch 1 {row['ratio_to_batch_32']:6.2f} × batch 32"
            f"  {row['gemm_share']:4.0%} of limit labels equal {row['labels_equal']:.2%} {row['peak_mib']:4.0f} MiB"
        )
    result = {"sentences": len(texts), "mean_tokens": float(np.mean(lengths)), "gemm_flop_per_second": gemm}
    record.write(args.output, "throughput", {**result, "contenders": rows})
    speeds = {name: row["sentences_per_second"] for name, row in rows.items()}
    record.plot_bars(args.output, "throughput", speeds, "sentences per second")


def token_counts(model: str, texts: list[str]) -> list[int]:
    """Return the length of each sentence in tokens, including special tokens."""
    tokenizer = Tokenizer.from_file(f"{model}/{TOKENIZER_FILE}")
    tokenizer.no_padding()
    return [len(encoding.ids) for encoding in tokenizer.encode_batch(texts)]


if __name__ == "__main__":
    main()
