"""Whether one system is better than another on the same rows, or only luckier."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from certainty.evaluation.intervals import Interval, bootstrap_interval, share_interval
from certainty.evaluation.metrics import Array, Statistic

PERMUTATIONS = 9999
FLOOR = 1 / (1 + PERMUTATIONS)
"""The least p-value that so many permutations can give."""
_BLOCK = 4_000_000  # swaps held in memory at a time


class PairedTest(NamedTuple):
    """How much better one system is than another on the same rows.

    Attributes:
        difference: Metric of the first less metric of the second.
        interval: Its 95 % interval, over bootstrap resamples of the rows.
        p_value: How often a difference as large, of either sign, comes about if the two are alike; see
            `permutation_p_value`.
    """

    difference: float
    interval: Interval
    p_value: float


class Rival(NamedTuple):
    """Two systems on the same n rows.

    Attributes:
        rows: n.
        difference: From weights of shape (b, n), how often each row was drawn, to values of shape (b,).
        swapped: The same from swaps of shape (b, n): where one is 1, the two systems have changed places on that row.
    """

    rows: int
    difference: Statistic
    swapped: Statistic


def rival(metric: Callable[[Array, Array, Array], Array], gold: Array, firsts: list[Array], second: Array) -> Rival:
    """Return the difference of a metric of labels, averaged over one or more first systems (seeds of one recipe).

    Args:
        metric: Such as `certainty.evaluation.metrics.macro_f1`: from gold, predicted and weights.
        gold: Label numbers, shape (n,).
        firsts: What each first system predicts, each of shape (n,).
        second: What the second predicts, shape (n,).
    """
    twice = np.concatenate([gold, gold])
    pairs = [np.concatenate([first, second]) for first in firsts]

    def difference(weights: Array) -> Array:
        mean = np.mean([metric(gold, first, weights) for first in firsts], axis=0)
        return np.asarray(mean - metric(gold, second, weights))

    def swapped(swaps: Array) -> Array:
        first, other = np.concatenate([1 - swaps, swaps], axis=1), np.concatenate([swaps, 1 - swaps], axis=1)
        return np.asarray(np.mean([metric(twice, p, first) - metric(twice, p, other) for p in pairs], axis=0))

    return Rival(len(gold), difference, swapped)


def paired_test(rival: Rival, *, seed: int, permutations: int = PERMUTATIONS) -> PairedTest:
    """Test whether two systems differ on the same rows.

    Where no resample shows a difference its interval is the share of rows on which the two may differ all the same:
    the upper end of the Wilson interval of none in n.
    """
    difference = float(rival.difference(np.ones((1, rival.rows), dtype=np.float32))[0])
    interval = bootstrap_interval(rival.difference, rival.rows, seed=seed)
    if not interval.low < interval.high:
        margin = share_interval(np.array([0, rival.rows])).high
        interval = Interval(max(-1.0, difference - margin), min(1.0, difference + margin))
    return PairedTest(difference, interval, permutation_p_value(rival, seed=seed, permutations=permutations))


def permutation_p_value(rival: Rival, *, seed: int, permutations: int = PERMUTATIONS) -> float:
    """Return the two-sided p-value of the paired permutation test, also called approximate randomisation.

    If the systems are alike, which of two answers on a row is whose is chance: on each row they change places or not,
    at random. p = (1 + permutations with a difference at least as large) / (1 + permutations), never 0 (Noreen 1989;
    Phipson and Smyth 2010). `scipy.stats.permutation_test` swaps two arrays; here the seeds of a recipe swap together.
    """
    rng = np.random.default_rng(seed)
    observed = abs(float(rival.swapped(np.zeros((1, rival.rows), dtype=np.float32))[0]))
    block, as_large = max(1, _BLOCK // rival.rows), 0
    for start in range(0, permutations, block):
        swaps = rng.integers(0, 2, size=(min(block, permutations - start), rival.rows)).astype(np.float32)
        as_large += int((np.abs(rival.swapped(swaps)) >= observed - 1e-6).sum())
    return (1 + as_large) / (1 + permutations)
