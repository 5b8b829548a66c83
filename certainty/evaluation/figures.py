"""Compute the figures of a report: metrics of one or more models on labelled sentences, with intervals.

A figure is a JSON-ready dict, see `Figure`. Several models are seeds of the same model, and the value is their mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from certainty import CertaintyError
from certainty.calibration import Calibration
from certainty.evaluation import metrics as m
from certainty.evaluation.intervals import (
    Interval,
    bootstrap_interval,
    design_effect,
    detectable_difference,
    f1_interval,
    macro_f1_interval,
    share_interval,
    widest,
)
from certainty.evaluation.metric_table import METRICS, Judged, Measured, f1
from certainty.evaluation.significance import paired_test, rival
from certainty.evaluation.units import column_values
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

MOST_SLICES = 50
"""Greatest number of values of a column to slice by."""
_OF_COUNTS = (share_interval, f1_interval, macro_f1_interval)
"""The closed forms that take nothing but counts of rows, which can be scaled to those of units."""


class Figure(TypedDict):
    """The value of a metric.

    Keys:
        value: The mean over models; None if there is nothing to measure.
        low, high: 95 % interval, see `certainty.evaluation.intervals`; None if undefined.
        sd: Standard deviation over models; None for a single model.
        values: One value per model.
        rows: Number of rows measured.
    """

    value: float | None
    low: float | None
    high: float | None
    sd: float | None
    values: list[float]
    rows: int


def figure(measured: Sequence[Measured], seed: int) -> Figure:
    """Return the figure of a metric measured for each model.

    A closed form takes rows for independent, so with units the bootstrap over these widens it. Where the bootstrap has
    no width, because all units have the same value, the counts of the closed form are scaled from rows to units: 40
    right rows in two documents say no more than two right rows.
    """
    first = measured[0]
    if not first.rows:
        return {"value": None, "low": None, "high": None, "sd": None, "values": [], "rows": 0}
    values = [float(one.statistic(np.ones(first.rows, dtype=np.float32))) for one in measured]
    intervals: list[Interval] = []
    if first.bootstrapped or first.units is not None:
        statistic = mean_statistic([one.statistic for one in measured])
        found = bootstrap_interval(statistic, first.rows, seed=seed, units=first.units, is_biased=first.is_biased)
        intervals.append(found)
    if first.closed_form and all(one.closed_form for one in measured):
        vary = first.units is None or intervals[0].low < intervals[0].high
        intervals.append(_closed_form(first, np.mean(np.array([one.counts for one in measured]), axis=0), vary))
    if first.units is not None and not first.units.any():  # one unit says nothing about others
        intervals = []
    found = widest(intervals)
    if found.low == found.high:  # as of two rows that are both wrong, of which all resamples say the same
        units = first.rows if first.units is None else int(first.units.max()) + 1
        unseen = share_interval(np.array([0, units])).high
        found = Interval(max(0.0, found.low - unseen), max(found.high, min(1.0, found.high + unseen)))
    low, high = (None if math.isnan(end) else end for end in found)
    return {
        "value": float(np.mean(values)),
        "low": low,
        "high": high,
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "values": values,
        "rows": first.rows,
    }


def _closed_form(measured: Measured, counts: NDArray[np.float64], units_vary: bool) -> Interval:
    """Return the closed-form interval of a metric with these counts; see `figure`."""
    assert measured.closed_form
    units = measured.rows if measured.units is None else int(measured.units.max()) + 1
    if measured.closed_form in _OF_COUNTS:
        return measured.closed_form(counts if units_vary else counts * (units / measured.rows))
    # The others add the share of errors that is plausible although there is none, whether or not other values vary.
    low, high = measured.closed_form(counts)
    of_units, of_rows = (share_interval(np.array([0, n])).high for n in (units, measured.rows))
    return Interval(low, low + (high - low) * (of_units / of_rows))


def headline(judged: Sequence[Judged], seed: int, sliced: bool = False) -> dict[str, Figure]:
    """Return the figures of all metrics, or only of those for slices."""
    return {
        name: figure([metric.measure(one) for one in judged], seed)
        for name, metric in METRICS.items()
        if metric.sliced or not sliced
    }


def slices(judged: Sequence[Judged], column: str, seed: int) -> dict[str, dict[str, Any]]:
    """Return counts and figures for each value of a column; an empty value is named "unnamed".

    Raises:
        CertaintyError: the data has no such column, or the column has too many values.
    """
    values = slice_values([sentence for _, sentence in judged[0].pairs], column)
    result = {}
    for value in sorted(set(values)):
        rows = [i for i, own in enumerate(values) if own == value]
        parts = [one.part(rows) for one in judged]
        result[value or "unnamed"] = {
            "sentences": len(rows),
            "claims": len(parts[0].claims),
            **headline(parts, seed, sliced=True),
        }
    return result


def slice_values(sentences: Sequence[LabelledSentence], column: str) -> list[str]:
    """Return the value of a column for each sentence, or "" if it has none.

    Raises:
        CertaintyError: the data has no such column, or the column has too many values.
    """
    values = column_values(sentences, column)
    if (count := len(set(values))) > MOST_SLICES:
        raise CertaintyError(f"column {column!r} has {count:,} values; slice by a column of at most {MOST_SLICES}.")
    return values


def per_class(judged: Sequence[Judged], seed: int) -> dict[str, dict[str, Any]]:
    """Return mean precision, mean recall, the figure of the F1 and the support of each label; None where undefined."""
    gold = judged[0].gold
    precision, recall, _, support = np.mean([m.per_class(gold, j.predicted, len(LABELS)) for j in judged], axis=0)
    return {
        label.value: {
            "precision": _defined(precision[i]),
            "recall": _defined(recall[i]),
            "f1": figure([f1(m.binary_counts(gold == i, one.predicted == i), one.units) for one in judged], seed),
            "support": int(support[i]),
        }
        for i, label in enumerate(LABELS)
    }


def compared(judged: Sequence[Judged], baseline: NDArray[np.float64], seed: int) -> dict[str, Any]:
    """Return the figures of a baseline, and a paired test of the models' mean macro-F1 against it."""
    gold, predicted = judged[0].gold, baseline.argmax(1)
    own = replace(judged[0], probabilities=baseline, pairs=())
    each_of = rival(m.macro_f1, gold, [one.predicted for one in judged], predicted, own.units)
    test = paired_test(each_of, seed=seed)
    each = m.per_class(gold, predicted, len(LABELS))[2]
    return {
        "macro_f1": figure([METRICS["macro_f1"].measure(own)], seed),
        "accuracy": figure([METRICS["accuracy"].measure(own)], seed),
        "f1": {label.value: _defined(value) for label, value in zip(LABELS, each, strict=True)},
        "difference": {"value": test.difference, "low": test.interval.low, "high": test.interval.high},
        "p_value": test.p_value,
    }


def uncalibrated(judged: Sequence[Judged], calibrations: Sequence[Calibration], seed: int) -> dict[str, Any]:
    """Return `ece`, `brier` and `reliability` of the models before calibration."""
    raw = [
        replace(one, probabilities=calibration.undo(one.probabilities))
        for calibration, one in zip(calibrations, judged, strict=True)
    ]
    return {
        **{name: figure([METRICS[name].measure(one) for one in raw], seed) for name in ("ece", "brier")},
        "reliability": reliability(raw),
    }


def confusion(judged: Sequence[Judged]) -> list[list[float]]:
    """Return the confusion matrix, gold labels in rows, as mean counts over models."""
    counts = [m.confusion_matrix(one.gold, one.predicted, len(LABELS)) for one in judged]
    return [[float(count) for count in row] for row in np.mean(counts, axis=0)]


def reliability(judged: Sequence[Judged]) -> list[dict[str, float]]:
    """Return the bins of the reliability plot, with all models pooled."""
    probabilities = np.concatenate([one.probabilities for one in judged])
    return m.reliability_bins(np.tile(judged[0].gold, len(judged)), probabilities)


def risk_coverage(judged: Sequence[Judged], points: int = 200) -> dict[str, list[float]]:
    """Return `coverage` and `risk` at up to `points` points of the curve, as means over models."""
    curves = [m.risk_coverage(one.gold, one.probabilities) for one in judged]
    rows = np.unique(np.linspace(0, len(judged[0].gold) - 1, points).round().astype(int))
    return {
        "coverage": curves[0][0][rows].tolist(),
        "risk": np.mean([risk for _, risk in curves], axis=0)[rows].tolist(),
    }


def detectable(judged: Sequence[Judged]) -> float:
    """Return the smallest difference in accuracy that the rows can detect; see `intervals.detectable_difference`.

    Assumes a second system with as many errors as the models have on average, half of them on the same rows.
    """
    errors = [(one.gold != one.predicted).astype(float) for one in judged]
    effect = float(np.mean([design_effect(own, judged[0].units) for own in errors]))
    return detectable_difference(float(np.mean([own.sum() for own in errors])), len(judged[0].gold), effect)


def mean_statistic(statistics: Sequence[m.Statistic]) -> m.Statistic:
    """Return the mean of several statistics on the same rows, as a statistic."""
    return partial(_mean_of, statistics)


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _mean_of(statistics: Sequence[m.Statistic], weights: m.Array) -> m.Array:
    return np.asarray(np.mean([statistic(weights) for statistic in statistics], axis=0))
