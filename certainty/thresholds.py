"""Find the minimum probability that gives a required precision of one label, or an accuracy or coverage of all.

A prediction is correct if it equals the gold label. If the gold data says that a sentence makes no claim, only
`no_claim` is correct.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.labelled import LabelledSentence
from certainty.labels import Label
from certainty.results import SentenceScore

FEW = 30
"""With fewer sentences than this, the interval is wide and the threshold unreliable."""


@dataclass(frozen=True)
class Threshold:
    """A minimum probability, and its results on the labelled rows.

    Attributes:
        threshold: Minimum probability of the label of a sentence that is kept; 0 if all may be kept.
        value: Share of the kept sentences that are right: the precision of the label, or the accuracy.
        low, high: Limits of its 95 % interval (Wilson 1927).
        kept: Number of sentences that are kept.
        share: For one label, its recall; for all labels, the coverage: the share of the scored claims that are kept.
        total: Number that the share refers to: sentences with the label, or scored claims.
    """

    threshold: float
    value: float
    low: float
    high: float
    kept: int
    share: float
    total: int

    @property
    def place(self) -> str:
        """The threshold in words."""
        return f"at {self.threshold}" if self.threshold else "with all kept"

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dict that can be written as JSON."""
        return asdict(self)


def for_precision(
    sentences: Sequence[LabelledSentence], scores: Sequence[SentenceScore], label: Label, precision: float
) -> Threshold:
    """Return the lowest threshold at which the label reaches the precision, which is also the one with most recall.

    Args:
        sentences: The labelled rows.
        scores: The score of each row.
        label: The label.
        precision: The required precision, in (0, 1].

    Raises:
        CertaintyError: If the label does not occur in the rows or the scores, or no threshold reaches the precision.
            The message then gives the highest precision that can be reached.
        MissingExtraError: If scikit-learn or SciPy is not installed.
    """
    needs("sklearn", "scipy", extra="label", user="a threshold")
    from sklearn.metrics import precision_recall_curve

    _check_share(precision, "precision")
    positive = np.array([(sentence.label or Label.NO_CLAIM) is label for sentence in sentences], dtype=bool)
    given = np.array([score.label is label for score in scores], dtype=bool)
    if not positive.any():
        raise CertaintyError(f"no row is labelled {label.value}; give rows with this label.")
    if not given.any():
        raise CertaintyError(f"the model labels none of the {len(scores)} sentences {label.value}; give more rows.")
    probabilities = np.where(given, [score.probability for score in scores], 0.0)
    precisions, _, thresholds = precision_recall_curve(positive, probabilities)
    # The last point of the curve has no threshold; the first is 0 if the model gave some sentence another label.
    points = [(t, p) for t, p in zip(thresholds.tolist(), precisions[:-1].tolist(), strict=True) if t > 0]
    chosen = next((t for t, p in points if p >= precision), None)

    def outcome(threshold: float) -> Threshold:
        kept = probabilities >= threshold
        right = int((kept & positive).sum())
        return _threshold(
            _between(probabilities, threshold), right, int(kept.sum()), right / positive.sum(), int(positive.sum())
        )

    if chosen is None:
        best = outcome(max(points, key=lambda point: point[1])[0])
        raise CertaintyError(
            f"no threshold gives {label.value} a precision of {precision:g} on these {len(scores)} sentences. The "
            f"highest is {best.value:.3f}, {best.place} ({best.kept} sentences, recall {best.share:.3f}); ask for less."
        )
    return outcome(chosen)


def for_accuracy(
    sentences: Sequence[LabelledSentence],
    scores: Sequence[SentenceScore],
    accuracy: float | None = None,
    coverage: float | None = None,
) -> Threshold:
    """Return the lowest threshold that reaches the accuracy, or the highest that keeps the coverage.

    This is the risk–coverage trade-off of selective classification (El-Yaniv and Wiener 2010; Geifman and El-Yaniv
    2017). Only sentences that the model scores as claims count.

    Args:
        sentences: The labelled rows.
        scores: The score of each row.
        accuracy: The required accuracy, in (0, 1], or None.
        coverage: The required coverage, in (0, 1]. Only used if `accuracy` is None.

    Raises:
        CertaintyError: If the model finds no claim, no threshold reaches the accuracy, or the accuracy or coverage is
            not in (0, 1].
        MissingExtraError: If SciPy is not installed.
    """
    needs("scipy", extra="label", user="a threshold")
    pairs = [
        (sentence, score)
        for sentence, score in zip(sentences, scores, strict=True)
        if score.label is not Label.NO_CLAIM
    ]
    if not pairs:
        raise CertaintyError("the model finds no claim in any of the sentences; give more rows.")
    right = np.array([sentence.claim and sentence.label is score.label for sentence, score in pairs], dtype=bool)
    confidence = np.array([score.probability for _, score in pairs])
    order = np.argsort(-confidence, kind="stable")
    confidence, hits = confidence[order], np.cumsum(right[order])
    ends = np.flatnonzero(np.append(np.diff(confidence) < 0, True))  # sentences with equal confidence stay together

    def outcome(end: int) -> Threshold:
        return _threshold(
            _between(confidence, confidence[end]), int(hits[end]), end + 1, (end + 1) / len(pairs), len(pairs)
        )

    if accuracy is None:
        _check_share(coverage, "coverage")
        assert coverage is not None
        return outcome(int(next(end for end in ends if (end + 1) / len(pairs) >= coverage - 1e-12)))
    _check_share(accuracy, "accuracy")
    reached = hits[ends] / (ends + 1)
    good = ends[reached >= accuracy]
    if not len(good):
        best = outcome(int(ends[reached.argmax()]))
        raise CertaintyError(
            f"no threshold gives an accuracy of {accuracy:g} on these {len(pairs)} claims. The highest is "
            f"{best.value:.3f}, {best.place} ({best.kept} sentences); ask for less."
        )
    return outcome(int(good[-1]))


def _threshold(threshold: float, right: int, kept: int, share: float, total: int) -> Threshold:
    from scipy.stats import binomtest

    interval = binomtest(right, kept).proportion_ci(confidence_level=0.95, method="wilson")
    return Threshold(threshold, right / kept, float(interval.low), float(interval.high), kept, float(share), total)


def _between(values: NDArray[np.float64], threshold: float) -> float:
    """Return the number with the fewest decimals that keeps the same sentences as the threshold; 0 if it keeps all."""
    lower = float(values[values < threshold].max(initial=0.0))
    if not lower:
        return 0.0
    for decimals in range(2, 16):
        rounded = math.floor(threshold * 10.0**decimals) / 10.0**decimals
        if rounded > lower:
            return rounded
    return float(threshold)


def _check_share(value: float | None, name: str) -> None:
    if value is None or not 0 < value <= 1:
        raise CertaintyError(f"{name} is {value}; it must be above 0 and at most 1, such as 0.95.")
