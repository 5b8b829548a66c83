"""95 % confidence intervals of shares that keep a width for any number of rows, even if all of them are right."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Z = 1.959963984540054
"""0.975 quantile of the standard normal distribution."""


class Interval(NamedTuple):
    """A 95 % confidence interval; NaN if undefined."""

    low: float
    high: float


def share_interval(counts: NDArray[Any]) -> Interval:
    """Return the Wilson interval of a share.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Args:
        counts: Number of right rows and number of rows, shape (2,); means over models need not be integers.
    """
    right, n = map(float, counts)
    if n <= 0:
        return Interval(math.nan, math.nan)
    share, shrunk = right / n, 1 + Z**2 / n
    middle = (share + Z**2 / (2 * n)) / shrunk
    margin = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / shrunk
    # At 0 and 1 the two terms cancel up to a rounding error.
    return Interval(middle - margin if right > 0 else 0.0, middle + margin if right < n else 1.0)


def f1_interval(counts: NDArray[Any]) -> Interval:
    """Return the "indirect Wilson" interval of an F1 score.

    F1 is 2j / (1 + j), where j is the share of true positives among true positives, false positives and false
    negatives. Lam, Gopal and Qian 2023, "Confidence intervals for the F1 score".

    Args:
        counts: True positives, false positives and false negatives, shape (3,).
    """
    low, high = share_interval(np.array([counts[0], np.sum(counts)]))
    return Interval(2 * low / (1 + low), 2 * high / (1 + high))


def widest(intervals: list[Interval]) -> Interval:
    """Return the lowest and the highest end of several intervals, ignoring undefined ones."""
    known = [interval for interval in intervals if not math.isnan(interval.low)]
    if not known:
        return Interval(math.nan, math.nan)
    return Interval(min(interval.low for interval in known), max(interval.high for interval in known))
