"""Test whether one system is better than another on the same rows, or whether the difference is chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from certainty.evaluation.intervals import Interval, bootstrap_interval, share_interval
from certainty.evaluation.metrics import Array, Statistic
from certainty.evaluation.units import expanded

PERMUTATIONS = 9999
FLOOR = 1 / (1 + PERMUTATIONS)
"""Smallest p-value possible with this number of permutations."""
SIGNIFICANT = 0.05
"""Greatest p-value of a difference that is taken as shown."""
_BLOCK = 4_000_000  # swaps held in memory at a time


class PairedTest(NamedTuple):
    """Result of a paired test of two systems on the same rows.

    Attributes:
        difference: Metric of the first system minus metric of the second.
        interval: 95 % bootstrap interval of the difference.
        p_value: Two-sided p-value, see `permutation_p_value`.
    """

    difference: float
    interval: Interval
    p_value: float


class Rival(NamedTuple):
    """Two systems to compare on the same n rows.

    Attributes:
        rows: Number of rows, n.
        difference: Function from weights of shape (b, n), the number of times each row was drawn, to differences of
            shape (b,).
        swapped: Function from swaps of shape (b, n) to differences of shape (b,); 1 swaps the two systems on that row.
        units: Unit of each row, shape (n,); see `certainty.evaluation.units`. None if each is a unit of its own.
    """

    rows: int
    difference: Statistic
    swapped: Statistic
    units: NDArray[np.int64] | None = None

    @property
    def draws(self) -> int:
        """Number of units, which are drawn and swapped."""
        return self.rows if self.units is None else int(self.units.max(initial=-1)) + 1


def rival(
    metric: Callable[[Array, Array, Array], Array],
    gold: Array,
    firsts: list[Array],
    second: Array,
    units: NDArray[np.int64] | None = None,
) -> Rival:
    """Set up the comparison of a label metric between one or more first systems and a second one.

    The metric is averaged over the first systems, which are seeds of the same model.

    Args:
        metric: Function of gold, predicted and weights, such as `certainty.evaluation.metrics.macro_f1`.
        gold: Label indices, shape (n,).
        firsts: Predictions of each first system, each of shape (n,).
        second: Predictions of the second system, shape (n,).
        units: Unit of each row, shape (n,), or None; see `Rival`.
    """
    twice = np.concatenate([gold, gold])
    pairs = [np.concatenate([first, second]) for first in firsts]

    def difference(weights: Array) -> Array:
        mean = np.mean([metric(gold, first, weights) for first in firsts], axis=0)
        return np.asarray(mean - metric(gold, second, weights))

    def swapped(swaps: Array) -> Array:
        first, other = np.concatenate([1 - swaps, swaps], axis=1), np.concatenate([swaps, 1 - swaps], axis=1)
        return np.asarray(np.mean([metric(twice, p, first) - metric(twice, p, other) for p in pairs], axis=0))

    return Rival(len(gold), difference, swapped, units)


def paired_test(rival: Rival, *, seed: int, permutations: int = PERMUTATIONS) -> PairedTest:
    """Test whether two systems differ on the same rows. Rows of a unit are drawn, and swapped, together.

    If all resamples give the same difference, the interval extends on either side by the largest plausible share of
    rows on which the systems differ unseen: the upper end of the Wilson interval of 0 in as many units as there are.
    """
    difference = float(rival.difference(np.ones((1, rival.rows), dtype=np.float32))[0])
    interval = bootstrap_interval(rival.difference, rival.rows, seed=seed, units=rival.units)
    if not interval.low < interval.high:
        margin = share_interval(np.array([0, rival.draws])).high
        interval = Interval(max(-1.0, difference - margin), min(1.0, difference + margin))
    return PairedTest(difference, interval, permutation_p_value(rival, seed=seed, permutations=permutations))


def shown_sign(difference: float, low: float, high: float, p_value: float) -> int:
    """Return 1 or -1 for a difference of which both the interval and p exclude that it is 0, else 0."""
    if p_value > SIGNIFICANT or low <= 0 <= high:
        return 0
    return 1 if difference > 0 else -1


def permutation_p_value(rival: Rival, *, seed: int, permutations: int = PERMUTATIONS) -> float:
    """Return the two-sided p-value of the paired permutation test, also called approximate randomisation.

    Under the null hypothesis the two systems are interchangeable, so each permutation swaps their answers on every unit
    with probability 1/2. p = (1 + permutations with a difference at least as large) / (1 + permutations), so it is
    never 0 (Noreen 1989; Phipson and Smyth 2010). `scipy.stats.permutation_test` only swaps two arrays; here all seeds
    of a model are swapped together.
    """
    rng = np.random.default_rng(seed)
    observed = abs(float(rival.swapped(np.zeros((1, rival.rows), dtype=np.float32))[0]))
    block, as_large = max(1, _BLOCK // rival.rows), 0
    for start in range(0, permutations, block):
        swaps = rng.integers(0, 2, size=(min(block, permutations - start), rival.draws)).astype(np.float32)
        as_large += int((np.abs(rival.swapped(expanded(swaps, rival.units))) >= observed - 1e-6).sum())
    return (1 + as_large) / (1 + permutations)
