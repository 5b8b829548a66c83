"""Classification metrics on plain arrays.

Conventions: n rows, k labels; `gold` and `predicted` are label indices of shape (n,); `probabilities` has shape (n, k).
Metrics that take `weights` of shape (..., n) return shape (...), one value for each set of weights. A bootstrap
resample is given as the number of times each row was drawn, so all resamples are computed at once. A metric is NaN if
there is nothing to count, such as the F1 of a class that is neither in gold nor predicted, or a mean over no rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import precision_recall_fscore_support

Array = NDArray[Any]
Statistic = Callable[[Array], Array]

ECE_BINS = 15
_WORD = re.compile(r"\w+'?")


def confusion_matrix(gold: ArrayLike, predicted: ArrayLike, k: int, weights: Array | None = None) -> Array:
    """Count the rows for each pair of gold and predicted label.

    Returns:
        Gold labels in rows and predicted labels in columns, shape (..., k, k).
    """
    cells = np.asarray(gold, dtype=int) * k + np.asarray(predicted, dtype=int)
    counts = _total(np.eye(k * k, dtype=np.float32)[cells], weights)
    return counts.reshape(*counts.shape[:-1], k, k)


def macro_f1(gold: ArrayLike, predicted: ArrayLike, weights: Array | None = None) -> Array:
    """Return the mean F1 of the labels that occur in gold; the others cannot be measured."""
    k = 1 + max(np.max(gold, initial=0), np.max(predicted, initial=0))
    confusion = confusion_matrix(gold, predicted, int(k), weights)
    support, given = confusion.sum(-1), confusion.sum(-2)
    scores = 2 * np.diagonal(confusion, axis1=-2, axis2=-1) / np.maximum(support + given, 1)
    occurs = support > 0
    return _ratio((scores * occurs).sum(-1), occurs.sum(-1))


def accuracy(gold: ArrayLike, predicted: ArrayLike, weights: Array | None = None) -> Array:
    """Return the share of rows with the right label."""
    return mean(np.asarray(gold) == np.asarray(predicted), weights)


def mean(values: ArrayLike, weights: Array | None = None) -> Array:
    """Return the weighted mean of values of shape (n,)."""
    column = np.asarray(values, dtype=np.float64)[:, None]
    return _ratio(_total(column, weights)[..., 0], _total(np.ones_like(column), weights)[..., 0])


def per_class(gold: ArrayLike, predicted: ArrayLike, k: int) -> tuple[Array, Array, Array, Array]:
    """Return precision, recall, F1 and support of each label, each of shape (k,); NaN where undefined."""
    scores = precision_recall_fscore_support(gold, predicted, labels=np.arange(k), zero_division=np.nan)
    return tuple(np.asarray(score) for score in scores)  # type: ignore[return-value]


def binary_counts(gold: ArrayLike, predicted: ArrayLike) -> Array:
    """Return true positives, false positives and false negatives of each row, shape (n, 3), for `f1`."""
    g, p = np.asarray(gold, dtype=bool), np.asarray(predicted, dtype=bool)
    return np.stack([g & p, ~g & p, g & ~p], axis=-1).astype(np.float32)


def f1(counts: Array, weights: Array | None = None) -> Array:
    """Return the micro F1 from each row's true positives, false positives and false negatives, shape (n, 3)."""
    tp, fp, fn = np.moveaxis(_total(counts, weights), -1, 0)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def cue_counts(text: str, gold: Sequence[tuple[int, int]], predicted: Sequence[tuple[int, int]]) -> Array:
    """Count the words in the gold and predicted cues of a sentence, for `f1`.

    Args:
        text: The sentence. A word is a run of letters, digits and underscores, including the apostrophe of an elision.
        gold: Character spans (start, end) of the gold cues; a word belongs to every span that it overlaps.
        predicted: Character spans of the predicted cues.

    Returns:
        Number of words in both, in the predicted cues only and in the gold cues only, shape (3,).
    """
    words = [match.span() for match in _WORD.finditer(text.replace("’", "'"))]

    def members(spans: Sequence[tuple[int, int]]) -> list[bool]:
        return [any(start < b and a < end for a, b in spans) for start, end in words]

    counts: Array = binary_counts(members(gold), members(predicted)).sum(0)
    return counts


def span_counts(text: str, gold: Sequence[tuple[int, int]], predicted: Sequence[tuple[int, int]]) -> Array:
    """Count the spans of a sentence that are exactly right, for `f1`.

    Args:
        text: The sentence.
        gold: Character spans (start, end); spans of the same words, as in `cue_counts`, are the same.
        predicted: Character spans.

    Returns:
        Number of spans in both, in the predicted ones only and in the gold ones only, shape (3,).
    """
    words = [match.span() for match in _WORD.finditer(text.replace("’", "'"))]

    def as_words(spans: Sequence[tuple[int, int]]) -> set[tuple[int, ...]]:
        return {tuple(i for i, (start, end) in enumerate(words) if start < b and a < end) for a, b in spans} - {()}

    right, given = as_words(gold), as_words(predicted)
    return np.array([len(right & given), len(given - right), len(right - given)], dtype=np.float32)


def answer_counts(gold: Sequence[object], predicted: Sequence[object]) -> Array:
    """Count answers that may be missing (None), each right only if it is the same, for `f1`; shape (n, 3)."""
    rows = [
        (g is not None and g == p, p is not None and g != p, g is not None and g != p)
        for g, p in zip(gold, predicted, strict=True)
    ]
    return np.array(rows, dtype=np.float32).reshape(-1, 3)


def expected_calibration_error(
    gold: ArrayLike, probabilities: Array, weights: Array | None = None, bins: int = ECE_BINS
) -> Array:
    """Return the mean gap between confidence and accuracy over equal-width bins of the top probability.

    Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al. 2017, "On
    calibration of modern neural networks".
    """
    confidence, correct = _top(gold, probabilities)
    gaps = np.eye(bins)[_bin(confidence, bins)] * (correct - confidence)[:, None]
    return _ratio(np.abs(_total(gaps, weights)).sum(-1), _total(np.ones((len(correct), 1)), weights)[..., 0])


def brier_score(gold: ArrayLike, probabilities: Array, weights: Array | None = None) -> Array:
    """Return the mean squared error of the probabilities, summed over labels, in [0, 2] (Brier 1950)."""
    truth = np.eye(probabilities.shape[1])[np.asarray(gold, dtype=int)]
    return mean(((probabilities - truth) ** 2).sum(-1), weights)


def reliability_bins(gold: ArrayLike, probabilities: Array, bins: int = ECE_BINS) -> list[dict[str, float]]:
    """Return `low`, `high`, `count`, mean `confidence` and `accuracy` of each non-empty bin of the top probability."""
    confidence, correct = _top(gold, probabilities)
    number = _bin(confidence, bins)
    return [
        {
            "low": b / bins,
            "high": (b + 1) / bins,
            "count": int((number == b).sum()),
            "confidence": float(confidence[number == b].mean()),
            "accuracy": float(correct[number == b].mean()),
        }
        for b in np.unique(number)
    ]


def risk_coverage(gold: ArrayLike, probabilities: Array) -> tuple[Array, Array]:
    """Return the risk-coverage curve: the error rate of the most confident rows against their share of all rows.

    El-Yaniv and Wiener 2010. Rows of equal confidence all get their mean error, which weights do not change, so the
    result does not depend on the order of the rows.

    Returns:
        Coverage and risk, each of shape (n,); entry i is for the i + 1 most confident rows.
    """
    error = _errors_by_confidence(gold, probabilities)[1]
    kept = np.arange(1, len(error) + 1)
    return kept / max(len(error), 1), np.cumsum(error) / kept


def aurc(gold: ArrayLike, probabilities: Array, weights: Array | None = None) -> Array:
    """Return the area under the risk-coverage curve: the mean risk over all coverages (Geifman et al. 2019)."""
    order, error = _errors_by_confidence(gold, probabilities)
    w = np.ones(len(order)) if weights is None else weights[..., order]
    kept = np.cumsum(w, axis=-1)
    risk = np.cumsum(w * error, axis=-1) / np.maximum(kept, 1e-12)
    return _ratio((w * risk).sum(-1), w.sum(-1))


def accuracy_at_coverage(gold: ArrayLike, probabilities: Array, coverage: float, weights: Array | None = None) -> Array:
    """Return the accuracy of the most confident share of the rows.

    Args:
        gold: Label indices, shape (n,).
        probabilities: Shape (n, k).
        coverage: Share of the rows to keep, above 0 and at most 1; rounded up to whole rows.
        weights: Shape (..., n), or None.
    """
    order, error = _errors_by_confidence(gold, probabilities)
    w = np.ones(len(order)) if weights is None else weights[..., order]
    before = np.cumsum(w, axis=-1) - w
    kept = np.where(before < coverage * w.sum(-1, keepdims=True) - 1e-6, w, 0)
    return _ratio((kept * (1 - error)).sum(-1), kept.sum(-1))


def _total(rows: Array, weights: Array | None) -> Array:
    """Sum rows of shape (n, m) under weights of shape (..., n): shape (..., m)."""
    return rows.sum(0) if weights is None else weights @ rows


def _ratio(above: Array, below: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below)


def _top(gold: ArrayLike, probabilities: Array) -> tuple[Array, Array]:
    return probabilities.max(1), (probabilities.argmax(1) == np.asarray(gold)).astype(np.float64)


def _bin(confidence: Array, bins: int) -> Array:
    return np.asarray(np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1))


def _errors_by_confidence(gold: ArrayLike, probabilities: Array) -> tuple[Array, Array]:
    confidence, correct = _top(gold, probabilities)
    order = np.argsort(-confidence, kind="stable")
    _, group, size = np.unique(-confidence[order], return_inverse=True, return_counts=True)
    return order, (np.bincount(group, weights=1 - correct[order], minlength=len(size)) / size)[group]
