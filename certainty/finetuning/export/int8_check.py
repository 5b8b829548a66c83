"""Check whether a model's integer engine can replace its exact one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty.evaluation import metrics
from certainty.scoring import softmax
from certainty.sentence_score import SentenceScore

LEAST_AGREEMENT = 0.995
LARGEST_F1_DIFFERENCE = 0.003
LARGEST_ECE_DIFFERENCE = 0.005
LEAST_SENTENCES = 500
"""Fewer sentences cannot distinguish an agreement of 0.995 from a lower one."""

Scores = Sequence[SentenceScore]
ANSWERS: dict[str, Callable[[SentenceScore], object]] = {
    "attributed": lambda score: score.attributed,
    "cues": lambda score: [(cue.start, cue.end) for cue in score.cues],
    "second": lambda score: score.second,
    "source": lambda score: score.source and (score.source.start, score.source.end),
}
"""The answers beside the label, whose agreement is recorded. They are no part of the gate: where a probability is near
its threshold, a word more or less is a cue."""


def int8_comparison(
    exact: NDArray[np.float64],
    integer: NDArray[np.float64],
    gold: NDArray[np.int64],
    scores: tuple[Scores, Scores] | None = None,
) -> dict[str, Any]:
    """Compare the answers of "onnx-int8" with those of "onnx" on held-out sentences.

    Args:
        exact: Logits of "onnx", shape (n, 4).
        integer: Logits of "onnx-int8", shape (n, 4).
        gold: Label indices, shape (n,); -1 for sentences without a label.
        scores: What a user would get from each of both, n scores each. Without them, the labels are those with the
            largest logit, which are never `no_claim`.

    Returns:
        `sentences`, `agreement` (share of sentences with the same label), `answers` (the same for each of `ANSWERS`,
        with `scores`), `macro_f1_difference`, `ece_difference` (of
        the expected calibration error), `largest_difference` (of any probability) and `as_good`: whether there are at
        least `LEAST_SENTENCES` sentences, the agreement is at least `LEAST_AGREEMENT`, and macro-F1 and calibration
        error change by less than `LARGEST_F1_DIFFERENCE` and `LARGEST_ECE_DIFFERENCE`.
    """
    p, q = softmax(exact), softmax(integer)
    agreement = float(np.mean(p.argmax(axis=1) == q.argmax(axis=1)))
    answers: dict[str, Any] = {}
    if scores is not None:
        pairs = list(zip(*scores, strict=True))
        agreement = float(np.mean([one.label is other.label for one, other in pairs]))
        answers["answers"] = {
            name: round(float(np.mean([of(one) == of(other) for one, other in pairs])), 4)
            for name, of in ANSWERS.items()
        }
    differences = metric_differences(p, q, gold)
    enough = len(gold) >= LEAST_SENTENCES
    return {
        "sentences": len(gold),
        "agreement": round(agreement, 4),
        **answers,
        "macro_f1_difference": round(differences[0], 4),
        "ece_difference": round(differences[1], 4),
        "largest_difference": round(float(np.abs(p - q).max()), 4),
        "as_good": enough and agreement >= LEAST_AGREEMENT and are_close(*differences),
    }


def metric_differences(
    exact: NDArray[np.float64], other: NDArray[np.float64], gold: NDArray[np.int64]
) -> tuple[float, float]:
    """Return by how much macro-F1 and the calibration error change with other probabilities, each of shape (n, 4)."""
    labelled = gold >= 0
    f1 = [metrics.macro_f1(gold[labelled], p[labelled].argmax(axis=1)) for p in (exact, other)]
    ece = [metrics.expected_calibration_error(gold[labelled], p[labelled]) for p in (exact, other)]
    return float(f1[1] - f1[0]), float(ece[1] - ece[0])


def are_close(f1_difference: float, ece_difference: float) -> bool:
    """Return whether the results of `metric_differences` are small enough for one engine to replace the other."""
    return abs(f1_difference) < LARGEST_F1_DIFFERENCE and abs(ece_difference) < LARGEST_ECE_DIFFERENCE
