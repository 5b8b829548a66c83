"""Label unlabelled sentences by an ensemble of fine-tuned teachers, for the distillation of a student.

`python -m training.distillation.pseudo_labels --teacher models/a models/b --text text/ --output pseudo.safetensors`

Text → distinct sentences → the mean of the teachers' probabilities (https://arxiv.org/abs/1503.02531) → fewer of the
easy sentences → one file, which `certainty train --pseudo-labels` reads. Such a file holds the sentences as token
ids, from which anybody can restore them: it may be published only where the text may.
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
from certainty.finetuning.pseudo_labels import Probabilities, positions, tokenizer_digest, write_pseudo_labels
from certainty.labelled import read_labelled
from certainty.labels import LABELS, Label
from training.data.text import text_files
from training.distillation.sentence_sample import LONGEST, sample_sentences
from training.distillation.teachers import Teachers

logger = logging.getLogger(__name__)

EASY_ASSERTED, EASY_CLAIM = 0.95, 0.05
"""A sentence is easy if P(asserted) is at least the one, or P(claim) below the other."""


def keep_hard(
    labels: NDArray[np.float16], claim: NDArray[np.float16], asserted_share: float, seed: int
) -> NDArray[np.int64]:
    """Return the rows to keep, ascending: every hard sentence, and as many easy ones as make `asserted_share` of all.

    Natural text is mostly plain assertions, of which a student learns nothing new.

    Args:
        labels: Shape (n, 4).
        claim: Shape (n,).
        asserted_share: Share of the easy sentences (`EASY_ASSERTED`, `EASY_CLAIM`), from 0 up to but not 1.
        seed: Seed of the choice among the easy.
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
    """Draw sentences, score them by the teachers, write the file, and return its metadata.

    Args:
        teachers: Model folders of one tokenizer.
        text: Files or folders of .txt and .txt.xz, a paragraph a line.
        output: The file.
        sentences: How many to score.
        per_file: The most from one text file, or None.
        asserted_share: See `keep_hard`.
        exclude: Labelled files whose sentences are left out, so that dev and test are never trained on.
        batch_tokens: The most tokens in a batch.
        seed: Seed of the choice of sentences.

    Raises:
        CertaintyError: a teacher, a file or a number cannot be used.
    """
    for name, value in (("sentences", sentences), ("per-file", per_file), ("batch-tokens", batch_tokens)):
        if value is not None and value < 1:
            raise CertaintyError(f"{name} is {value}; it must be 1 or more.")
    if not 0 <= asserted_share < 1:
        raise CertaintyError(f"asserted-share is {asserted_share}; it must lie in [0, 1).")
    if not Path(output).resolve().parent.is_dir():
        raise CertaintyError(f"{output}: its folder does not exist; make it first.")
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
        raise CertaintyError("The teachers find every sentence easy; give more text.")
    metadata = {
        "teachers": ensemble.names,
        "sentences": len(kept),
        "scored": len(sample),
        "asserted_share": asserted_share,
        "seed": seed,
        "tokenizer": tokenizer_digest(ensemble.tokenizer),
    }
    cue = scored.cue[positions(sample.lengths, kept)]
    probabilities = Probabilities(scored.labels[kept], scored.claim[kept], scored.attributed[kept], cue)
    write_pseudo_labels(output, sample[kept], probabilities, metadata)
    return metadata


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.distillation.pseudo_labels",
        description="Label unlabelled sentences by fine-tuned teachers.",
    )
    parser.add_argument("--teacher", nargs="+", required=True, metavar="DIR", help="model folders of one tokenizer")
    parser.add_argument("--text", nargs="+", required=True, help="files or folders of .txt and .txt.xz")
    parser.add_argument("--output", required=True, help="the .safetensors file; as publishable as the text")
    parser.add_argument("--sentences", type=int, default=1_000_000, help="how many to score (default: %(default)s)")
    parser.add_argument("--per-file", type=int, help="the most from one text file")
    parser.add_argument("--asserted-share", type=float, default=0.4, help="of easy sentences (default: %(default)s)")
    parser.add_argument("--exclude", nargs="+", default=[], metavar="FILE", help="labelled files to leave out")
    parser.add_argument("--batch-tokens", type=int, default=16_384, help="tokens a batch (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
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
    except CertaintyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{args.output}: {metadata['sentences']} sentences of {metadata['scored']} scored.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
