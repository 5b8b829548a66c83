"""Check whether a model's integer engine can replace its exact one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty.evaluation import metrics
from certainty.scoring import softmax

LEAST_AGREEMENT = 0.995
LARGEST_DIFFERENCE = 0.003
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
        `sentences`, `agreement` (share of sentences with the same label), `macro_f1_difference`, `largest_difference`
        (of any probability) and `as_good`: whether there are at least `LEAST_SENTENCES` sentences, the agreement is at
        least `LEAST_AGREEMENT` and macro-F1 changes by less than `LARGEST_DIFFERENCE`.
    """
    p, q = softmax(exact), softmax(integer)
    labelled = gold >= 0
    f1 = [metrics.macro_f1(gold[labelled], x[labelled].argmax(axis=1)) for x in (p, q)]
    agreement = float(np.mean(p.argmax(axis=1) == q.argmax(axis=1)))
    difference = float(f1[1] - f1[0])
    enough = len(gold) >= LEAST_SENTENCES
    return {
        "sentences": len(gold),
        "agreement": round(agreement, 4),
        "macro_f1_difference": round(difference, 4),
        "largest_difference": round(float(np.abs(p - q).max()), 4),
        "as_good": enough and agreement >= LEAST_AGREEMENT and abs(difference) < LARGEST_DIFFERENCE,
    }
