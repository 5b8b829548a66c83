"""Figures of a report: each metric of one or more models on labelled sentences, with its bootstrap interval.

A figure is a dict that JSON can hold: `value` (mean over models), `low` and `high` (95 % interval of that mean, over
resamples of the rows), `sd` (standard deviation over models; None with one), `values` (of each model) and `rows` (how
many were resampled). Where the data has nothing to measure, `rows` is 0, `values` is empty and the others are None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from certainty import Label, SentenceScore
from certainty.calibration import Calibration
from certainty.evaluation import metrics as m
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

Models = Sequence[Sequence[SentenceScore]]
"""For each model, one score for each sentence."""

CORPUS_METRICS = ("macro_f1", "accuracy", "ece", "no_claim_f1")


class Metric(NamedTuple):
    """A metric with its data filled in: the number of rows, and its value from weights of shape (..., rows)."""

    rows: int
    statistic: m.Statistic


def figure(metrics: Sequence[Metric], seed: int) -> dict[str, Any]:
    """Measure one metric, given once for each model."""
    rows = metrics[0].rows
    if not rows:
        return {"value": None, "low": None, "high": None, "sd": None, "values": [], "rows": 0}
    values = [float(metric.statistic(np.ones(rows, dtype=np.float32))) for metric in metrics]
    interval = m.bootstrap_interval(mean_statistic([metric.statistic for metric in metrics]), rows, seed=seed)
    return {
        "value": float(np.mean(values)),
        "low": interval.low,
        "high": interval.high,
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "values": values,
        "rows": rows,
    }


def headline(models: Models, sentences: Sequence[LabelledSentence], seed: int) -> dict[str, dict[str, Any]]:
    """Return the figure of every metric."""
    return {name: figure(metrics, seed) for name, metrics in _by_name(models, sentences).items()}


def per_corpus(models: Models, sentences: Sequence[LabelledSentence], seed: int) -> dict[str, dict[str, Any]]:
    """Return for each corpus its counts and the figures of `CORPUS_METRICS`."""
    result = {}
    for corpus in sorted({sentence.corpus for sentence in sentences}):
        rows = [i for i, sentence in enumerate(sentences) if sentence.corpus == corpus]
        own = [sentences[i] for i in rows]
        metrics = _by_name([[model[i] for i in rows] for model in models], own)
        result[corpus or "unnamed"] = {
            "sentences": len(rows),
            "claims": sum(sentence.label is not None for sentence in own),
            **{name: figure(metrics[name], seed) for name in CORPUS_METRICS},
        }
    return result


def per_class(
    gold: NDArray[np.int64], probabilities: Sequence[NDArray[np.float64]], seed: int
) -> dict[str, dict[str, Any]]:
    """Return for each label its mean precision and recall, the figure of its F1, and its support."""
    each = [m.per_class(gold, p.argmax(1), len(LABELS)) for p in probabilities]
    precision, recall, _, support = np.mean(each, axis=0)
    return {
        label.value: {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": figure([_f1(m.binary_counts(gold == i, p.argmax(1) == i)) for p in probabilities], seed),
            "support": int(support[i]),
        }
        for i, label in enumerate(LABELS)
    }


def compared(
    gold: NDArray[np.int64], probabilities: Sequence[NDArray[np.float64]], baseline: NDArray[np.float64], seed: int
) -> dict[str, Any]:
    """Return the figures of a baseline, and the paired test of the mean macro-F1 of the models against its own."""
    n, predicted = len(gold), baseline.argmax(1)

    def macro_f1(labels: NDArray[np.int64]) -> m.Statistic:
        return lambda w: m.macro_f1(gold, labels, w)

    test = m.paired_bootstrap(
        mean_statistic([macro_f1(p.argmax(1)) for p in probabilities]), macro_f1(predicted), n, seed=seed
    )
    f1 = m.per_class(gold, predicted, len(LABELS))[2]
    return {
        "macro_f1": figure([Metric(n, macro_f1(predicted))], seed),
        "accuracy": figure([Metric(n, lambda w: m.accuracy(gold, predicted, w))], seed),
        "f1": {label.value: float(value) for label, value in zip(LABELS, f1, strict=True)},
        "difference": {"value": test.difference, "low": test.interval.low, "high": test.interval.high},
        "p_value": test.p_value,
    }


def uncalibrated(
    gold: NDArray[np.int64],
    probabilities: Sequence[NDArray[np.float64]],
    calibrations: Sequence[Calibration],
    seed: int,
) -> dict[str, Any]:
    """Return `ece`, `brier` and `reliability` of the models as they were before their calibration."""
    raw = [calibration.undo(p) for calibration, p in zip(calibrations, probabilities, strict=True)]
    n = len(gold)
    return {
        "ece": figure([Metric(n, partial(m.expected_calibration_error, gold, p)) for p in raw], seed),
        "brier": figure([Metric(n, partial(m.brier_score, gold, p)) for p in raw], seed),
        "reliability": m.reliability_bins(np.tile(gold, len(raw)), np.concatenate(raw)),
    }


def gold_labels(sentences: Iterable[LabelledSentence]) -> NDArray[np.int64]:
    """Return the label numbers of the sentences that have a label, shape (claims,)."""
    return np.array([LABELS.index(s.label) for s in sentences if s.label is not None], dtype=np.int64)


def probabilities_of(scores: Iterable[SentenceScore]) -> NDArray[np.float64]:
    """Return the probabilities of scores, shape (n, 4)."""
    rows = [[score.probabilities[label] for label in LABELS] for score in scores]
    return np.array(rows, dtype=np.float64).reshape(-1, len(LABELS))


def mean_statistic(statistics: Sequence[m.Statistic]) -> m.Statistic:
    """Return the statistic that is the mean of others on the same rows."""
    return lambda w: np.mean([statistic(w) for statistic in statistics], axis=0)


def _by_name(models: Models, sentences: Sequence[LabelledSentence]) -> Mapping[str, list[Metric]]:
    each = [_metrics(scores, sentences) for scores in models]
    return {name: [metrics[name] for metrics in each] for name in each[0]}


def _metrics(scores: Sequence[SentenceScore], sentences: Sequence[LabelledSentence]) -> dict[str, Metric]:
    pairs = list(zip(scores, sentences, strict=True))
    claims = [(score, sentence) for score, sentence in pairs if sentence.label is not None]
    gold, p = gold_labels(sentences), probabilities_of(score for score, _ in claims)
    predicted, n = p.argmax(1), len(gold)
    cues = [
        m.cue_counts(sentence.text, sentence.cues, [(cue.start, cue.end) for cue in score.cues])
        for score, sentence in claims
        if sentence.cues and sentence.label is not Label.ASSERTED
    ]
    attributed = [(s.attributed, score.attributed) for score, s in claims if s.attributed is not None]
    no_claim = [(not s.claim, not score.is_claim) for score, s in pairs]
    groups = _groups([sentence.group for _, sentence in claims], predicted == gold)
    return {
        "macro_f1": Metric(n, lambda w: m.macro_f1(gold, predicted, w)),
        "accuracy": Metric(n, lambda w: m.accuracy(gold, predicted, w)),
        "ece": Metric(n, lambda w: m.expected_calibration_error(gold, p, w)),
        "brier": Metric(n, lambda w: m.brier_score(gold, p, w)),
        "aurc": Metric(n, lambda w: m.aurc(gold, p, w)),
        "accuracy_at_80": Metric(n, lambda w: m.accuracy_at_coverage(gold, p, 0.8, w)),
        "accuracy_at_90": Metric(n, lambda w: m.accuracy_at_coverage(gold, p, 0.9, w)),
        "cue_f1": _f1(np.array(cues).reshape(-1, 3)),
        "attributed_f1": _f1(m.binary_counts(*_columns(attributed))),
        "no_claim_f1": _f1(m.binary_counts(*_columns(no_claim))),
        "contrast_accuracy": Metric(len(groups), lambda w: (w @ groups[:, 0]) / (w @ groups[:, 1])),
        "contrast_groups": Metric(len(groups), lambda w: m.mean(groups[:, 0] == groups[:, 1], w)),
    }


def _f1(counts: NDArray[Any]) -> Metric:
    measurable = bool(counts[:, [0, 2]].any())  # without a positive in gold there is nothing to find
    return Metric(len(counts) if measurable else 0, lambda w: m.f1(counts, w))


def _columns(pairs: Sequence[tuple[bool, bool]]) -> NDArray[np.bool_]:
    return np.array(pairs, dtype=bool).reshape(-1, 2).T


def _groups(names: Sequence[int | None], right: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the right labels and all labels of each group: shape (groups, 2).

    Sentences of a group are alike by design, so groups are what is resampled.
    """
    members: dict[int, list[bool]] = {}
    for name, is_right in zip(names, right, strict=True):
        if name is not None:
            members.setdefault(name, []).append(bool(is_right))
    return np.array([[sum(rights), len(rights)] for rights in members.values()], dtype=np.int64).reshape(-1, 2)
