"""Check whether a model's integer engine can replace its exact one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty.evaluation import metrics
from certainty.scoring import softmax

LEAST_AGREEMENT = 0.995
LARGEST_F1_DIFFERENCE = 0.003
LARGEST_ECE_DIFFERENCE = 0.005
LEAST_SENTENCES = 500
"""Fewer sentences cannot distinguish an agreement of 0.995 from a lower one."""


def int8_comparison(
    exact: NDArray[np.float64], integer: NDArray[np.float64], gold: NDArray[np.int64]
) -> dict[str, Any]:
    """Compare the label logits of "onnx-int8" with those of "onnx" on held-out sentences.

    Args:
        exact: Logits of "onnx", shape (n, 4).
        integer: Logits of "onnx-int8", shape (n, 4).
        gold: Label indices, shape (n,); -1 for sentences without a label.

    Returns:
        `sentences`, `agreement` (share of sentences with the same label), `macro_f1_difference`, `ece_difference` (of
        the expected calibration error), `largest_difference` (of any probability) and `as_good`: whether there are at
        least `LEAST_SENTENCES` sentences, the agreement is at least `LEAST_AGREEMENT`, and macro-F1 and calibration
        error change by less than `LARGEST_F1_DIFFERENCE` and `LARGEST_ECE_DIFFERENCE`.
    """
    p, q = softmax(exact), softmax(integer)
    labelled = gold >= 0
    f1 = [metrics.macro_f1(gold[labelled], x[labelled].argmax(axis=1)) for x in (p, q)]
    ece = [metrics.expected_calibration_error(gold[labelled], x[labelled]) for x in (p, q)]
    agreement = float(np.mean(p.argmax(axis=1) == q.argmax(axis=1)))
    f1_difference, ece_difference = float(f1[1] - f1[0]), float(ece[1] - ece[0])
    enough = len(gold) >= LEAST_SENTENCES
    close = abs(f1_difference) < LARGEST_F1_DIFFERENCE and abs(ece_difference) < LARGEST_ECE_DIFFERENCE
    return {
        "sentences": len(gold),
        "agreement": round(agreement, 4),
        "macro_f1_difference": round(f1_difference, 4),
        "ece_difference": round(ece_difference, 4),
        "largest_difference": round(float(np.abs(p - q).max()), 4),
        "as_good": enough and agreement >= LEAST_AGREEMENT and close,
    }
