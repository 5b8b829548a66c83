"""Table of all metrics, used by reports, model cards, the documentation and the summary in the terminal.

Label metrics cover the sentences with a gold label. The predicted label is the most probable of the four, even if the
model predicts that the sentence makes no claim.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from certainty import Label, SentenceScore
from certainty.evaluation import metrics as m
from certainty.evaluation.intervals import Interval, f1_interval, macro_f1_interval, share_interval
from certainty.evaluation.units import part_of, units_of
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

ANSWERS = (*LABELS, Label.NO_CLAIM)
"""What a model may answer to a sentence."""

SpanCounts = Callable[[str, Sequence[tuple[int, int]], Sequence[tuple[int, int]]], m.Array]
"""`certainty.evaluation.metrics.cue_counts` or `span_counts`."""


@dataclass(frozen=True)
class Measured:
    """A metric bound to its data.

    Attributes:
        rows: Number of rows measured; 0 if there is nothing to measure.
        statistic: Function from weights of shape (..., rows) to the value of the metric.
        counts: Argument for `closed_form`; for several models, the mean is used.
        closed_form: Function that returns the closed-form interval, or None.
        bootstrapped: Whether the interval also includes the bootstrap interval.
        is_biased: Whether the metric is larger on resamples; see `certainty.evaluation.intervals.bootstrap_interval`.
        units: Unit of each row, shape (rows,), which the bootstrap draws; see `certainty.evaluation.units`. None if
            each row is a unit of its own.
    """

    rows: int
    statistic: m.Statistic
    counts: NDArray[np.float64] | None = None
    closed_form: Callable[[NDArray[np.float64]], Interval] | None = None
    bootstrapped: bool = True
    units: NDArray[np.int64] | None = None
    is_biased: bool = False


@dataclass(frozen=True)
class Judged:
    """Scored sentences with their labels, the input of all metrics.

    Attributes:
        gold: Label indices of the sentences with a label, shape (claims,).
        probabilities: Predicted probabilities of the same sentences, shape (claims, 4).
        claims: Score and sentence, for the same sentences.
        pairs: Score and sentence, for all sentences.
        group_by: Column whose values are units; see `certainty.evaluation.units.units_of`.
    """

    gold: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    claims: Sequence[tuple[SentenceScore, LabelledSentence]]
    pairs: Sequence[tuple[SentenceScore, LabelledSentence]]
    group_by: str | None = None

    @classmethod
    def of(
        cls, scores: Sequence[SentenceScore], sentences: Sequence[LabelledSentence], group_by: str | None = None
    ) -> Judged:
        """Combine scores and sentences."""
        pairs = list(zip(scores, sentences, strict=True))
        claims = [pair for pair in pairs if pair[1].label is not None]
        gold = np.array([LABELS.index(s.label) for _, s in claims if s.label is not None], dtype=np.int64)
        return cls(gold, probabilities_of([score for score, _ in claims]), claims, pairs, group_by)

    def part(self, rows: Sequence[int]) -> Judged:
        """Return some of the sentences, by their index in `pairs`."""
        scores, sentences = zip(*[self.pairs[i] for i in rows], strict=True)
        return Judged.of(scores, sentences, self.group_by)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable of the four labels, shape (claims,)."""
        return np.asarray(self.probabilities.argmax(1))

    @cached_property
    def units(self) -> NDArray[np.int64] | None:
        """The unit of each claim, shape (claims,), or None."""
        return self.units_of([sentence for _, sentence in self.claims])

    def units_of(self, sentences: Sequence[LabelledSentence]) -> NDArray[np.int64] | None:
        """Return the unit of each of these sentences, shape (n,), or None; see `certainty.evaluation.units`."""
        return units_of(sentences, self.group_by)


@dataclass(frozen=True)
class Metric:
    """A metric of the table.

    Attributes:
        name: Key in results.
        title: Name in prose.
        explanation: Short explanation.
        measure: Function that binds the metric to data.
        format: Format specification of its values.
        sliced: Whether it is also computed for slices of the data.
    """

    name: str
    title: str
    explanation: str
    measure: Callable[[Judged], Measured]
    format: str = ".3f"
    sliced: bool = False


def probabilities_of(scores: Sequence[SentenceScore]) -> NDArray[np.float64]:
    """Return the label probabilities of the scores, shape (n, 4)."""
    rows = [[score.probabilities[label] for label in LABELS] for score in scores]
    return np.array(rows, dtype=np.float64).reshape(-1, len(LABELS))


def f1(counts: NDArray[np.float64], units: NDArray[np.int64] | None, bootstrapped: bool = False) -> Measured:
    """Measure an F1 from each row's true positives, false positives and false negatives, shape (n, 3).

    Args:
        counts: The counts.
        units: Unit of each row, or None; see `Measured`.
        bootstrapped: See `Measured`.
    """
    measurable = bool(counts[:, [0, 2]].any())  # without gold positives there is nothing to find
    rows = len(counts) if measurable else 0
    return Measured(rows, lambda w: m.f1(counts, w), counts.sum(0), f1_interval, bootstrapped, units)


def _macro_f1(judged: Judged) -> Measured:
    gold, predicted = judged.gold, judged.predicted
    confusion = m.confusion_matrix(gold, predicted, len(LABELS))
    return Measured(
        len(gold), lambda w: m.macro_f1(gold, predicted, w), confusion, macro_f1_interval, units=judged.units
    )


def _accuracy(judged: Judged) -> Measured:
    return _share_right(judged.gold, judged.predicted, judged.units)


def answers_of(judged: Judged) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None]:
    """Return the right and the returned answer to all sentences, one of `ANSWERS` each, and the unit of each.

    The first two have shape (n,); the units likewise, or None.
    """
    gold = [ANSWERS.index(s.label or Label.NO_CLAIM) for _, s in judged.pairs]
    given = [ANSWERS.index(score.label) for score, _ in judged.pairs]
    return np.array(gold), np.array(given), judged.units_of([s for _, s in judged.pairs])


def _answer_accuracy(judged: Judged) -> Measured:
    return _share_right(*answers_of(judged))


def _accuracy_at(judged: Judged, coverage: float) -> Measured:
    gold, p = judged.gold, judged.probabilities
    kept = math.ceil(coverage * len(gold) - 1e-6)
    value = float(m.accuracy_at_coverage(gold, p, coverage)) if len(gold) else 0.0
    return _share(value * kept, kept, len(gold), lambda w: m.accuracy_at_coverage(gold, p, coverage, w), judged.units)


def _of_probabilities(
    judged: Judged, metric: Callable[..., m.Array], worst: float, is_biased: bool = False
) -> Measured:
    """Measure a metric of the probabilities whose value for a single wrong row is at most `worst`."""
    statistic = partial(metric, judged.gold, judged.probabilities)
    wrong, n = float((judged.gold != judged.predicted).sum()), len(judged.gold)
    value = float(statistic()) if n else 0.0
    counts = np.array([wrong, n, value, worst])
    return Measured(n, statistic, counts, _with_unseen_errors, units=judged.units, is_biased=is_biased)


def _with_unseen_errors(counts: NDArray[np.float64]) -> Interval:
    # If no row is wrong, the bootstrap cannot draw a wrong one, although a larger sample would contain some.
    wrong, _, value, worst = counts
    return (
        Interval(value, value + worst * share_interval(counts[:2]).high) if wrong == 0 else Interval(math.nan, math.nan)
    )


def _of_cues(judged: Judged, counted: SpanCounts) -> Measured:
    can_tell = any(score.cues for score, _ in judged.pairs)
    known = [(score, s) for score, s in judged.claims if s.cues and s.label is not Label.ASSERTED and can_tell]
    counts = [counted(s.text, s.cues or (), [(cue.start, cue.end) for cue in score.cues]) for score, s in known]
    # Words of one sentence are not independent, so sentences are resampled.
    units = judged.units_of([s for _, s in known])
    return f1(np.array(counts, dtype=np.float64).reshape(-1, 3), units, bootstrapped=True)


def _of_sources(judged: Judged, counted: SpanCounts) -> Measured:
    # A model that names no source at all cannot tell, as those made before release 0.5.
    can_tell = any(score.source for score, _ in judged.pairs)
    known = [(score, s) for score, s in judged.claims if s.source_known and can_tell]
    counts = [counted(s.text, _spans(s.source), _spans(score.source and score.source[:2])) for score, s in known]
    units = judged.units_of([s for _, s in known])
    return f1(np.array(counts, dtype=np.float64).reshape(-1, 3), units, bootstrapped=True)


def _second_f1(judged: Judged) -> Measured:
    can_tell = any(score.second_probability is not None for score, _ in judged.pairs)
    known = [(score, s) for score, s in judged.claims if (s.second or s.second_known) and can_tell]
    gold = [s.second if s.second is not s.label else None for _, s in known]
    counts = m.answer_counts(gold, [score.second for score, _ in known])
    return f1(counts, judged.units_of([s for _, s in known]))


def _spans(span: tuple[int, int] | None) -> Sequence[tuple[int, int]]:
    return [span] if span else []


def _attributed_f1(judged: Judged) -> Measured:
    return _binary(judged, [(s, s.attributed, score.attributed) for score, s in judged.claims])


def _no_claim_f1(judged: Judged) -> Measured:
    # Even a model that cannot tell gives this label to a sentence of which it reads nothing.
    can_tell = all(score.is_claim is not None for score, _ in judged.pairs)
    return _binary(judged, [(s, not s.claim, not score.is_claim) for score, s in judged.pairs if can_tell])


def _contrast_accuracy(judged: Judged) -> Measured:
    groups, units = _groups(judged)
    right, total = groups.sum(0) if len(groups) else (0, 0)
    return Measured(
        len(groups),
        lambda w: (w @ groups[:, 0]) / (w @ groups[:, 1]),
        np.array([right, total], dtype=np.float64),
        share_interval,
        units=units,
    )


def _contrast_groups(judged: Judged) -> Measured:
    groups, units = _groups(judged)
    whole = groups[:, 0] == groups[:, 1]
    return _share(whole.sum(), len(whole), len(whole), lambda w: m.mean(whole, w), units)


METRICS = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("macro_f1", "macro-F1", "mean F1 of the labels", _macro_f1, sliced=True),
            Metric("accuracy", "accuracy", "share of claims with the right label", _accuracy, sliced=True),
            Metric(
                "answer_accuracy",
                "answer accuracy",
                "share of all sentences with the right answer, no claim included",
                _answer_accuracy,
            ),
            Metric(
                "ece",
                "calibration error",
                "ECE, 15 bins; 0 is best",
                partial(_of_probabilities, metric=m.expected_calibration_error, worst=1, is_biased=True),
                sliced=True,
            ),
            Metric(
                "brier",
                "Brier score",
                "squared error of the probabilities; 0 is best",
                partial(_of_probabilities, metric=m.brier_score, worst=2),
            ),
            Metric("aurc", "risk-coverage area", "AURC; 0 is best", partial(_of_probabilities, metric=m.aurc, worst=1)),
            Metric(
                "accuracy_at_80",
                "accuracy at 80 %",
                "of the 80 % most confident claims",
                partial(_accuracy_at, coverage=0.8),
            ),
            Metric(
                "accuracy_at_90",
                "accuracy at 90 %",
                "of the 90 % most confident claims",
                partial(_accuracy_at, coverage=0.9),
            ),
            Metric(
                "cue_f1", "cue F1", "words that decide, where gold marks them", partial(_of_cues, counted=m.cue_counts)
            ),
            Metric(
                "cue_exact_f1",
                "cue exact F1",
                "the same by whole cues, right in every word",
                partial(_of_cues, counted=m.span_counts),
            ),
            Metric("second_f1", "second-claim F1", "second claims with the right label", _second_f1),
            Metric("attributed_f1", "attribution F1", "claims attributed to a source", _attributed_f1),
            Metric(
                "source_f1",
                "source F1",
                "words that name the source of a claim",
                partial(_of_sources, counted=m.cue_counts),
            ),
            Metric(
                "source_exact_f1",
                "source exact F1",
                "the same by sources, right in every word",
                partial(_of_sources, counted=m.span_counts),
            ),
            Metric("no_claim_f1", "no-claim F1", "sentences that make no claim", _no_claim_f1, sliced=True),
            Metric("contrast_accuracy", "contrast accuracy", "labels of the sentences in groups", _contrast_accuracy),
            Metric("contrast_groups", "contrast groups", "groups with every label right", _contrast_groups),
        )
    }
)
"""All metrics by name, in the order of reports."""


def markdown() -> str:
    """Return the table in Markdown, for the documentation."""
    rows = [("metric", "in JSON", ""), ("---",) * 3]
    rows += [(metric.title, f"`{metric.name}`", metric.explanation) for metric in METRICS.values()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _share_right(gold: m.Array, given: m.Array, units: NDArray[np.int64] | None) -> Measured:
    right = gold == given
    return _share(right.sum(), len(right), len(right), lambda w: m.mean(right, w), units)


def _share(right: float, total: float, rows: int, statistic: m.Statistic, units: NDArray[np.int64] | None) -> Measured:
    counts = np.array([right, total], dtype=np.float64)
    return Measured(rows, statistic, counts, share_interval, bootstrapped=False, units=units)


def _binary(judged: Judged, answers: Iterable[tuple[LabelledSentence, bool | None, bool | None]]) -> Measured:
    """Measure the F1 of the answers to a question: sentence, gold and predicted answer; None is not known."""
    known = [(s, gold, given) for s, gold, given in answers if gold is not None and given is not None]
    gold, predicted = np.array([pair for _, *pair in known], dtype=bool).reshape(-1, 2).T
    return f1(m.binary_counts(gold, predicted), judged.units_of([s for s, *_ in known]))


def _groups(judged: Judged) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Return the number of right labels and of all labels in each group, shape (groups, 2), and the unit of each group.

    Sentences of a group are similar by design, so groups are resampled rather than sentences.
    """
    members: dict[int, list[int]] = {}
    for row, (_, sentence) in enumerate(judged.claims):
        if sentence.group is not None:
            members.setdefault(sentence.group, []).append(row)
    right = judged.gold == judged.predicted
    counts = [[right[rows].sum(), len(rows)] for rows in members.values()]
    firsts = np.array([rows[0] for rows in members.values()], dtype=np.int64)  # a group lies in one unit
    return np.array(counts, dtype=np.int64).reshape(-1, 2), part_of(judged.units, firsts)
