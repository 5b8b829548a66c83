"""95 % confidence intervals that are reliable for small samples.

If all of eight rows are right, every bootstrap resample is right too, and the interval has no width. Shares and F1
therefore use closed-form intervals based on Wilson's, which keep a width for any number of rows. The interval of
macro-F1 combines a closed form and the bootstrap, taking the wider end on each side: the closed form treats the labels
as independent, which they are not, and the bootstrap underestimates the uncertainty of a rare label that happens to be
right. In simulations with 8 to 1,300 rows, either method alone covers the true value in 22 to 97 % of the samples and
both together in 93 to 99 %; from 400 rows the combined interval is no wider than the bootstrap's.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, bootstrap

from certainty.evaluation.metrics import Array, Statistic
from certainty.evaluation.units import expanded
from certainty.intervals import Interval, Z, f1_interval, share_interval, widest

__all__ = [
    "RESAMPLES",
    "Interval",
    "bootstrap_interval",
    "design_effect",
    "detectable_difference",
    "f1_interval",
    "macro_f1_interval",
    "paired_interval",
    "share_interval",
    "widest",
]

RESAMPLES = 2000
_POWER = 0.8416212335729143  # 0.8 quantile of the standard normal distribution
_JACKKNIFE_ROWS = 3000  # the jackknife of BCa takes rows² steps, and its correction shrinks as 1/√rows
_BLOCK = 4_000_000  # weights held in memory at a time


def macro_f1_interval(confusion: Array) -> Interval:
    """Return the interval of macro-F1, from the F1 intervals of the labels that occur in gold.

    Uses the method of variance estimates recovery (MOVER; Zou and Donner 2008, "Construction of confidence limits about
    effect measures"), which treats the labels as independent. Combine it with the bootstrap; see the module docstring.

    Args:
        confusion: Confusion matrix with gold labels in rows, shape (k, k).
    """
    right = np.diagonal(confusion)
    occurs = np.flatnonzero(confusion.sum(1))
    if not len(occurs):
        return Interval(math.nan, math.nan)
    values, lows, highs = [], [], []
    for label in occurs:
        positives = confusion[label].sum() + confusion[:, label].sum()
        low, high = f1_interval(np.array([right[label], positives - 2 * right[label], 0]))
        values.append(2 * right[label] / positives)
        lows.append(low)
        highs.append(high)
    mean = float(np.mean(values))
    below, above = (float(np.linalg.norm(np.subtract(values, ends))) / len(occurs) for ends in (lows, highs))
    return Interval(max(0.0, mean - below), min(1.0, mean + above))


def bootstrap_interval(
    statistic: Statistic,
    n: int,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    units: NDArray[np.int64] | None = None,
    is_biased: bool = False,
) -> Interval:
    """Return the bootstrap interval of a statistic over n rows.

    Uses the bias-corrected and accelerated bootstrap (BCa; Efron 1987) of `scipy.stats.bootstrap`. With more than 3,000
    rows, where the two hardly differ, the percentile method is used. If the interval is undefined, it is replaced by
    the percentiles of the resamples on which the statistic is defined.

    Args:
        statistic: Function from weights of shape (b, n), the number of times each row was drawn, to values of shape
            (b,).
        n: Number of rows.
        seed: Random seed; the same seed, n and resamples give the same resamples, so systems can be compared on them.
        resamples: Number of resamples, each of as many units as there are, drawn with replacement.
        units: Unit of each row, shape (n,); see `certainty.evaluation.units`. None if each is a unit of its own.
        is_biased: Whether the statistic is between 0 and 1 and larger on resamples than on the rows, as a calibration
            error is, since each resample has its own noise. BCa and percentiles would then not contain its value; the
            standard interval does, 1.96 standard deviations of the resamples to each side, from 0 to 1 (Efron and
            Tibshirani 1993, "An Introduction to the Bootstrap", chapter 12).
    """
    count = n if units is None else int(units.max(initial=-1)) + 1
    if count < 2:
        return Interval(math.nan, math.nan)

    def of_units(rows: Array, axis: int = -1) -> Array:
        drawn = rows.reshape(-1, rows.shape[-1])
        cells = (drawn + count * np.arange(len(drawn))[:, None]).ravel()
        weights = np.bincount(cells, minlength=len(drawn) * count).reshape(len(drawn), count).astype(np.float32)
        return np.asarray(statistic(expanded(weights, units))).reshape(rows.shape[:-1])

    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", DegenerateDataWarning)
        warnings.filterwarnings("ignore", "invalid value", RuntimeWarning)
        result = bootstrap(
            (np.arange(count),),
            of_units,
            n_resamples=resamples,
            batch=max(1, _BLOCK // n),
            vectorized=True,
            method="BCa" if count <= _JACKKNIFE_ROWS and not is_biased else "percentile",
            rng=np.random.default_rng(seed),
        )
    if is_biased:
        value = float(of_units(np.arange(count)[None])[0])
        margin = Z * float(np.nanstd(result.bootstrap_distribution, ddof=1))
        return Interval(max(0.0, value - margin), min(1.0, value + margin))
    low, high = map(float, result.confidence_interval)
    if math.isnan(low) or math.isnan(high):
        known = result.bootstrap_distribution[~np.isnan(result.bootstrap_distribution)]
        low, high = map(float, np.percentile(known, [2.5, 97.5])) if len(known) else (math.nan, math.nan)
    return Interval(low, high)


def paired_interval(first: int, second: int, n: int, effect: float = 1.0) -> Interval:
    """Return the interval of the difference in accuracy between two systems on the same rows.

    Bonett and Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired
    data": each of the two counts gets one row more, so that a few rows on which the systems differ show nothing.

    Args:
        first: Number of rows that only the first system gets right.
        second: Number of rows that only the second system gets right.
        n: Number of rows.
        effect: The design effect of rows that are not independent; see `design_effect`.
    """
    one, other, rows = first / effect + 1, second / effect + 1, n / effect + 2
    difference = (one - other) / rows
    margin = Z * math.sqrt(((one + other) / rows - difference**2) / rows)
    return Interval(max(-1.0, difference - margin), min(1.0, difference + margin))


def detectable_difference(differing: float, n: int, effect: float = 1.0) -> float:
    """Return the smallest difference in accuracy between two systems that n rows can detect.

    This is the minimal detectable difference of the paired (McNemar) test at a level of 5 % and a power of 80 %: Connor
    1987, "Sample size for testing differences in proportions for the paired-sample design"; for language technology,
    Card et al. 2020, "With little power comes great responsibility".

    Args:
        differing: Number of rows that only one of the two systems gets right. The upper end of the Wilson interval of
            their share is used, so that a small sample without such rows does not seem to detect any difference.
        n: Number of rows, at least 1.
        effect: The design effect of rows that are not independent; see `design_effect`.
    """
    share = share_interval(np.array([differing, n])).high
    return min(1.0, (Z + _POWER) * math.sqrt(effect * share / n))


def design_effect(values: NDArray[np.floating], units: NDArray[np.int64] | None) -> float:
    """Return by how much units of rows widen the variance of a mean, at least 1 (Kish 1965, "Survey Sampling").

    A single unit says no more than a single row.

    Args:
        values: A value of each row, shape (n,).
        units: The unit of each row, such as its document, shape (n,); None if rows are independent.
    """
    apart = values - values.mean()
    alone = float((apart**2).sum())
    if units is None or not alone:
        return 1.0
    together = np.bincount(np.unique(units, return_inverse=True)[1], weights=apart)
    if len(together) == 1:
        return float(len(values))
    return max(1.0, float((together**2).sum()) / alone)
