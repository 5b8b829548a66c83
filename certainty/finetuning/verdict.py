"""Warn if a finished model is of no use: it is no better than a baseline, or sees hardly any claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from certainty.evaluation import Evaluation

__all__ = ["missed_claims", "no_better_than_baselines"]

TOO_MANY = 0.2
"""Largest plausible excess of the share of sentences without a claim that are predicted over the share in the data."""


def no_better_than_baselines(evaluation: Mapping[str, Evaluation]) -> list[str]:
    """Return a sentence for each split on which a baseline has at least the macro-F1 of the model.

    Args:
        evaluation: The evaluation of each split.
    """
    told = []
    for split, result in evaluation.items():
        own = result.metrics["macro_f1"]["value"]
        baselines = {name: found["macro_f1"]["value"] for name, found in result.baselines.items()}
        better = {name: value for name, value in baselines.items() if value is not None and value >= (own or 0)}
        if better and own is not None:
            best = max(better, key=better.__getitem__)
            told.append(
                f"on {split}, the model is no better than the baseline {best!r}: its macro-F1 is {own:.3f}, that of "
                f"the baseline {better[best]:.3f}. Train on more sentences, for more epochs, or from the shipped model."
            )
    return told


def missed_claims(is_claim: NDArray[np.bool_], gold: Sequence[bool]) -> str | None:
    """Return a sentence if the model finds far too few claims in dev, or None.

    Args:
        is_claim: Whether the model takes each sentence for a claim.
        gold: Whether each sentence makes a claim.
    """
    found, real = 1 - float(np.mean(is_claim)), 1 - float(np.mean(gold))
    if found - real <= TOO_MANY:
        return None
    return (
        f"the model labels {found:.0%} of the sentences of dev no_claim, but only {real:.0%} of them make no claim; "
        "add sentences of both kinds to train and dev."
    )
