"""Whether a model's integer engine may stand for its exact one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty.evaluation import metrics
from certainty.scoring import softmax

LEAST_AGREEMENT = 0.995
LARGEST_DIFFERENCE = 0.003
LEAST_SENTENCES = 500
"""Fewer cannot tell an agreement of 0.995 from one that is too low."""


def int8_comparison(
    exact: NDArray[np.float64], integer: NDArray[np.float64], gold: NDArray[np.int64]
) -> dict[str, Any]:
    """Compare the label logits of "onnx-int8" with those of "onnx" on held-out sentences.

    Args:
        exact: Logits of "onnx", shape (n, 4).
        integer: Logits of "onnx-int8", shape (n, 4).
        gold: Shape (n,), number of the label, -1 where there is none.

    Returns:
        `sentences`, `agreement` (share of them with the same label), `macro_f1_difference`, `largest_difference` (of a
        probability) and `as_good`: there are `LEAST_SENTENCES`, the agreement is at least `LEAST_AGREEMENT` and
        macro-F1 moves less than `LARGEST_DIFFERENCE`.
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
