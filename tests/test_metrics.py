"""Metrics: values by hand, agreement with scikit-learn, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from certainty.evaluation import metrics

PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.2, 0.8, 0.0], [0.3, 0.1, 0.6], [0.5, 0.3, 0.2]])
GOLD = np.array([0, 0, 2, 1])

labels = arrays(np.int64, st.shared(st.integers(1, 30), key="n"), elements=st.integers(0, 3))
weights = arrays(np.int64, st.shared(st.integers(1, 30), key="n"), elements=st.integers(0, 3)).filter(np.any)


def softmax(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(4), size=n)


def test_macro_f1_by_hand() -> None:
    # Label 0: tp 1, fp 1, fn 1; label 1: never right; label 2: right. Label 3 occurs nowhere.
    assert metrics.macro_f1([0, 0, 2, 1], [0, 1, 2, 0]) == pytest.approx((0.5 + 0 + 1) / 3)


def test_macro_f1_passes_over_a_label_that_gold_does_not_have() -> None:
    assert metrics.macro_f1([0, 0], [0, 3]) == pytest.approx(2 / 3)


@given(labels, labels)
def test_macro_f1_is_that_of_scikit_learn(gold: np.ndarray, predicted: np.ndarray) -> None:
    expected = f1_score(gold, predicted, labels=np.unique(gold), average="macro", zero_division=0)
    assert metrics.macro_f1(gold, predicted) == pytest.approx(expected)


@settings(deadline=None)
@given(labels, labels, weights, st.integers(0, 99))
def test_a_weight_is_a_repeated_row(gold: np.ndarray, predicted: np.ndarray, times: np.ndarray, seed: int) -> None:
    p = softmax(seed, len(gold))
    rows = np.repeat(np.arange(len(gold)), times)
    w = times[None].astype(np.float32)
    for metric, scores in (
        (metrics.macro_f1, predicted),
        (metrics.accuracy, predicted),
        (metrics.expected_calibration_error, p),
        (metrics.brier_score, p),
    ):
        assert metric(gold, scores, w)[0] == pytest.approx(metric(gold[rows], scores[rows]), abs=1e-5)
    counts = metrics.binary_counts(gold == 1, predicted == 1)
    assert metrics.f1(counts, w)[0] == pytest.approx(metrics.f1(counts[rows]), nan_ok=True)


def test_perfect_predictions() -> None:
    gold = np.array([0, 1, 2, 3, 1])
    p = np.eye(4)[gold]
    assert metrics.macro_f1(gold, gold) == metrics.accuracy(gold, gold) == 1
    assert metrics.accuracy_at_coverage(gold, p, 0.8) == 1
    assert metrics.expected_calibration_error(gold, p) == metrics.brier_score(gold, p) == metrics.aurc(gold, p) == 0


def test_confusion_matrix_has_gold_in_rows() -> None:
    assert metrics.confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist() == [[1, 1], [0, 1]]


def test_per_class_by_hand() -> None:
    nan = float("nan")
    precision, recall, f1, support = metrics.per_class([0, 0, 0, 1, 1], [0, 0, 1, 1, 2], 4)
    assert precision == pytest.approx([1, 0.5, 0, nan], nan_ok=True), "never given"
    assert recall == pytest.approx([2 / 3, 0.5, nan, nan], nan_ok=True), "never right"
    assert f1 == pytest.approx([0.8, 0.5, 0, nan], nan_ok=True)
    assert support.tolist() == [3, 2, 0, 0]


def test_calibration_error_by_hand() -> None:
    # Confidences 0.8 (right), 0.8 (wrong), 0.6 (right), 0.5 (wrong), in bins of 2, 1 and 1 rows.
    assert metrics.expected_calibration_error(GOLD, PROBABILITIES) == pytest.approx((2 * 0.3 + 0.4 + 0.5) / 4)
    bins = metrics.reliability_bins(GOLD, PROBABILITIES)
    assert [b["count"] for b in bins] == [1, 1, 2]
    assert bins[-1] == pytest.approx({"low": 11 / 15, "high": 12 / 15, "count": 2, "confidence": 0.8, "accuracy": 0.5})


@given(labels, st.integers(0, 99))
def test_calibration_error_lies_between_its_bounds(gold: np.ndarray, seed: int) -> None:
    p = softmax(seed, len(gold))
    gap = abs(float(metrics.mean(p.argmax(1) == gold)) - float(p.max(1).mean()))
    assert gap - 1e-9 <= metrics.expected_calibration_error(gold, p) <= 1


def test_brier_score_by_hand() -> None:
    assert metrics.brier_score(GOLD, PROBABILITIES) == pytest.approx((0.06 + 1.28 + 0.26 + 0.78) / 4)


def test_risk_and_coverage_by_hand() -> None:
    p = np.array([[0.7, 0.3], [0.1, 0.9], [0.8, 0.2]])  # from the most confident: right, wrong, right
    coverage, risk = metrics.risk_coverage([0, 1, 1], p)
    assert coverage == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk == pytest.approx([0, 1 / 2, 1 / 3])
    assert metrics.aurc([0, 1, 1], p) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    assert metrics.accuracy_at_coverage([0, 1, 1], p, 0.5) == pytest.approx(1 / 2)
    assert metrics.accuracy_at_coverage([0, 1, 1], p, 1.0) == pytest.approx(2 / 3)


@given(st.permutations(range(4)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    gold, p = GOLD[order], PROBABILITIES[order]  # two rows are equally confident, one of them is wrong
    assert metrics.risk_coverage(gold, p)[1] == pytest.approx([0.5, 0.5, 1 / 3, 0.5])
    assert metrics.accuracy_at_coverage(gold, p, 0.25) == pytest.approx(0.5)


def test_cue_words() -> None:
    text = "Il n’aurait peut-être pas fui."
    # Gold: n' aurait; predicted: aurait peut (touched in its middle).
    assert metrics.cue_counts(text, [(3, 11)], [(5, 14)]).tolist() == [1, 1, 1]
    assert metrics.cue_counts(text, [(3, 11)], []).tolist() == [0, 0, 2]
    assert metrics.cue_counts(text, [], []).tolist() == [0, 0, 0]


def test_exact_spans() -> None:
    text = "Il n’aurait peut-être pas fui."
    assert metrics.span_counts(text, [(3, 11), (22, 25)], [(2, 11), (12, 16)]).tolist() == [1, 1, 1], "space is no word"
    assert metrics.span_counts(text, [(3, 11)], [(5, 11)]).tolist() == [0, 1, 1]
    assert metrics.span_counts(text, [(29, 30)], []).tolist() == [0, 0, 0], "no word at all"


def test_answers_that_may_be_missing() -> None:
    counts = metrics.answer_counts(["a", "a", None, "a", None], ["a", "b", "b", None, None])
    assert counts.tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert metrics.f1(counts) == pytest.approx(2 / 6)


def test_f1_by_hand() -> None:
    counts = metrics.binary_counts([True, True, False, False], [True, False, True, False])
    assert metrics.f1(counts) == pytest.approx(0.5)
    assert np.isnan(metrics.f1(np.zeros((3, 3))))
