"""Label unlabelled sentences with an ensemble of fine-tuned teachers, for the distillation of a student.

`python -m training.distillation.pseudo_labels --teacher models/a models/b --text text/ --output pseudo.safetensors`

The text is split into distinct sentences; each gets the mean of the teachers' probabilities
(https://arxiv.org/abs/1503.02531); most of the easy sentences are dropped; and the rest is written to a file for
`certainty train --pseudo-labels`. The file contains the sentences as token ids, from which anyone can restore them, so
it may only be published if the text may be.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty import CertaintyError
from certainty.evaluation.leakage import text_key
from certainty.finetuning.pseudo_labels import tokenizer_digest, write_pseudo_labels
from certainty.labelled import read_labelled
from certainty.labels import LABELS, Label
from training.data.text import text_files
from training.distillation.sentence_sample import LONGEST, sample_sentences
from training.distillation.teachers import Teachers
from training.program import tells_errors

logger = logging.getLogger(__name__)

EASY_ASSERTED, EASY_CLAIM = 0.95, 0.05
"""A sentence is easy if P(asserted) is at least the first value, or P(claim) is below the second."""


def keep_hard(
    labels: NDArray[np.float16], claim: NDArray[np.float16], asserted_share: float, seed: int
) -> NDArray[np.int64]:
    """Return the indices to keep, ascending: all hard sentences, and easy ones up to `asserted_share` of the result.

    Most sentences in natural text are plain assertions, from which a student learns nothing new.

    Args:
        labels: Probabilities of the labels, shape (n, 4).
        claim: Probability of a claim, shape (n,).
        asserted_share: Share of easy sentences (`EASY_ASSERTED`, `EASY_CLAIM`) in the result, in [0, 1).
        seed: Seed for choosing the easy sentences.
    """
    easy = (labels[:, LABELS.index(Label.ASSERTED)] >= EASY_ASSERTED) | (claim < EASY_CLAIM)
    wanted = round(asserted_share / (1 - asserted_share) * int((~easy).sum()))
    candidates = np.flatnonzero(easy)
    chosen = np.random.default_rng(seed).permutation(candidates)[:wanted]
    return np.sort(np.concatenate([np.flatnonzero(~easy), chosen]))


def _log_counts(what: str, labels: NDArray[np.float16]) -> None:
    p = labels.astype(np.float32)
    entropy = float(-(p * np.log(np.maximum(p, 1e-9))).sum(axis=1).mean()) if len(p) else 0.0
    counts = np.bincount(p.argmax(axis=1), minlength=len(LABELS))
    shown = ", ".join(f"{label.value} {n}" for label, n in zip(LABELS, counts, strict=True))
    logger.info("%s: %d sentences (%s), mean entropy %.3f nats", what, len(p), shown, entropy)


def pseudo_label(
    teachers: Sequence[str | Path],
    text: Sequence[str | Path],
    output: str | Path,
    sentences: int = 1_000_000,
    per_file: int | None = None,
    asserted_share: float = 0.4,
    exclude: Sequence[str | Path] = (),
    batch_tokens: int = 16_384,
    seed: int = 1,
) -> dict[str, Any]:
    """Sample sentences, score them with the teachers, write the file, and return its metadata.

    Args:
        teachers: Model folders, all with the same tokenizer.
        text: .txt and .txt.xz files, or folders of them, with one paragraph per line.
        output: The file to write.
        sentences: Number of sentences to score.
        per_file: Maximum number of sentences from one text file. None sets no limit.
        asserted_share: See `keep_hard`.
        exclude: Labelled files whose sentences are left out, so that the student is not trained on dev or test.
        batch_tokens: Maximum number of tokens per batch.
        seed: Seed for choosing the sentences.

    Raises:
        CertaintyError: If a teacher, a file or a number cannot be used.
    """
    for name, value in (("sentences", sentences), ("per-file", per_file), ("batch-tokens", batch_tokens)):
        if value is not None and value < 1:
            raise CertaintyError(f"{name} is {value}; it must be 1 or more.")
    if not 0 <= asserted_share < 1:
        raise CertaintyError(f"asserted-share is {asserted_share}; it must be in [0, 1).")
    if not Path(output).resolve().parent.is_dir():
        raise CertaintyError(f"{output}: its folder does not exist; create it first.")
    files = text_files(text)
    excluded = frozenset(text_key(s.text) for s in read_labelled(list(exclude))) if exclude else frozenset()
    ensemble = Teachers(teachers)
    longest = min(LONGEST, ensemble.max_length)
    sample = sample_sentences(
        files, ensemble.tokenizer, sentences, per_file, excluded, longest, ensemble.pad_token_id, seed
    )
    scored = ensemble(sample, batch_tokens)
    kept = keep_hard(scored.labels, scored.claim, asserted_share, seed)
    _log_counts("scored", scored.labels)
    _log_counts("kept", scored.labels[kept])
    if not len(kept):
        raise CertaintyError("All sentences are easy according to the teachers; give more text.")
    metadata = {
        "teachers": ensemble.names,
        "sentences": len(kept),
        "scored": len(sample),
        "asserted_share": asserted_share,
        "seed": seed,
        "tokenizer": tokenizer_digest(ensemble.tokenizer),
    }
    write_pseudo_labels(output, sample[kept], scored.of(sample, kept), metadata)
    return metadata


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.distillation.pseudo_labels",
        description="Label unlabelled sentences with fine-tuned teachers.",
    )
    parser.add_argument(
        "--teacher", nargs="+", required=True, metavar="DIR", help="model folders that share a tokenizer"
    )
    parser.add_argument("--text", nargs="+", required=True, help=".txt and .txt.xz files, or folders of them")
    parser.add_argument("--output", required=True, help="the .safetensors file, which reveals the sentences")
    parser.add_argument(
        "--sentences", type=int, default=1_000_000, help="number of sentences to score (default: %(default)s)"
    )
    parser.add_argument("--per-file", type=int, help="maximum number of sentences from one text file")
    parser.add_argument(
        "--asserted-share", type=float, default=0.4, help="share of easy sentences to keep (default: %(default)s)"
    )
    parser.add_argument(
        "--exclude", nargs="+", default=[], metavar="FILE", help="labelled files whose sentences are left out"
    )
    parser.add_argument(
        "--batch-tokens", type=int, default=16_384, help="maximum tokens per batch (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    metadata = pseudo_label(
        args.teacher,
        args.text,
        args.output,
        args.sentences,
        args.per_file,
        args.asserted_share,
        args.exclude,
        args.batch_tokens,
        args.seed,
    )
    print(f"{args.output}: kept {metadata['sentences']} of {metadata['scored']} scored sentences.")


if __name__ == "__main__":
    sys.exit(main())
