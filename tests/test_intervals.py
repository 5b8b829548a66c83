"""Intervals and paired tests: values by hand, agreement with SciPy, and that few rows do not look certain."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from certainty.evaluation import intervals, metrics
from certainty.evaluation import significance as sig


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_that_of_scipy(counts: tuple[int, int]) -> None:
    expected = binomtest(*counts).proportion_ci(0.95, method="wilson")
    assert intervals.share_interval(np.array(counts)) == pytest.approx(expected, abs=1e-9)


def test_eight_right_of_eight_are_not_certain() -> None:
    gold = np.arange(8) % 4
    confusion = metrics.confusion_matrix(gold, gold, 4)
    assert intervals.share_interval(np.array([8, 8])) == pytest.approx((0.676, 1), abs=1e-3)
    assert intervals.f1_interval(np.array([2, 0, 0])) == pytest.approx((2 * 0.3424 / 1.3424, 1), abs=1e-3)
    low, high = intervals.macro_f1_interval(confusion)
    assert high == 1 and low == pytest.approx(0.755, abs=1e-3)


def test_the_interval_of_an_f1_is_mapped_from_a_share() -> None:
    low, high = binomtest(6, 10).proportion_ci(0.95, method="wilson")  # 6 of the 10 positives of either side
    assert intervals.f1_interval(np.array([6, 1, 3])) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


def test_intervals_of_nothing_are_undefined() -> None:
    assert np.isnan(intervals.share_interval(np.array([0, 0]))).all()
    assert np.isnan(intervals.macro_f1_interval(np.zeros((4, 4)))).all()
    assert np.isnan(intervals.bootstrap_interval(lambda w: metrics.mean([], w), 0, seed=0)).all()
    assert np.isnan(intervals.widest([intervals.Interval(np.nan, np.nan)])).all()


@pytest.mark.parametrize("n", [8, 30, 100])
def test_the_interval_of_macro_f1_covers_the_truth(n: int) -> None:
    rng = np.random.default_rng(0)
    joint = np.full((4, 4), 0.01) + np.eye(4) * 0.21  # one label in eight is wrong
    joint /= joint.sum()
    covered = alone = 0
    for seed in range(60):
        cells = rng.choice(16, size=n, p=joint.ravel())
        gold, predicted = cells // 4, cells % 4
        occurs = np.unique(gold)
        truth = (2 * np.diagonal(joint) / (joint.sum(0) + joint.sum(1)))[occurs].mean()
        drawn = intervals.bootstrap_interval(
            lambda w, gold=gold, predicted=predicted: metrics.macro_f1(gold, predicted, w), n, seed=seed, resamples=300
        )
        low, high = intervals.widest([drawn, intervals.macro_f1_interval(metrics.confusion_matrix(gold, predicted, 4))])
        covered += low <= truth <= high
        alone += drawn.low <= truth <= drawn.high
    assert covered >= 55, "92 % of the samples or more"
    assert alone <= covered


def test_bootstrap_is_repeatable_and_depends_on_the_seed() -> None:
    values = np.random.default_rng(1).normal(size=50)

    def interval(seed: int) -> intervals.Interval:
        return intervals.bootstrap_interval(lambda w: metrics.mean(values, w), 50, seed=seed)

    assert interval(0) == interval(0)
    assert interval(0) != interval(1)


def test_bootstrap_is_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(20.0)
    whole = intervals.bootstrap_interval(lambda w: metrics.mean(values, w), 20, seed=3)
    monkeypatch.setattr(intervals, "_BLOCK", 700)
    assert intervals.bootstrap_interval(lambda w: metrics.mean(values, w), 20, seed=3) == pytest.approx(whole, abs=0.3)


def test_interval_of_a_mean_is_about_two_standard_errors_wide() -> None:
    values = np.random.default_rng(2).normal(size=400)
    low, high = intervals.bootstrap_interval(lambda w: metrics.mean(values, w), 400, seed=0)
    margin = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - margin, values.mean() + margin), abs=0.02)


def test_few_rows_show_large_differences_only() -> None:
    assert intervals.detectable_difference(0, 8) == pytest.approx(2.8016 * (0.3244 / 8) ** 0.5, abs=1e-3)
    assert intervals.detectable_difference(130, 1300) < 0.03
    assert intervals.detectable_difference(1, 1) == 1
    wrong, documents = np.repeat([1.0, 0.0, 0.0, 0.0], 10), np.repeat(np.arange(4), 10)
    assert intervals.design_effect(wrong, documents) == pytest.approx(10), "all rows of a document go together"
    assert intervals.design_effect(wrong, None) == intervals.design_effect(wrong, np.arange(40)) == 1
    assert intervals.design_effect(np.zeros(40), documents) == 1
    assert intervals.design_effect(wrong, np.zeros(40, dtype=np.int64)) == 40, "one document is like one row"
    alone, together = (intervals.detectable_difference(10, 40, effect) for effect in (1, 4))
    assert together == pytest.approx(min(1, 2 * alone))


def rival(first: np.ndarray, second: np.ndarray, gold: np.ndarray, metric: object = metrics.accuracy) -> sig.Rival:
    return sig.rival(metric, gold, [first], second)  # type: ignore[arg-type]


def test_paired_test() -> None:
    gold = np.arange(200) % 4
    worse = np.where(np.arange(200) % 10 == 0, (gold + 1) % 4, gold)
    better = sig.paired_test(rival(gold, worse, gold, metrics.macro_f1), seed=0)
    assert better.difference == pytest.approx(1 - float(metrics.macro_f1(gold, worse)))
    assert better.interval.low > 0
    assert better.p_value == sig.FLOOR == 1 / 10_000
    reverse = sig.paired_test(rival(worse, gold, gold, metrics.macro_f1), seed=0)
    assert (reverse.difference, reverse.p_value) == (pytest.approx(-better.difference), sig.FLOOR)


def test_the_p_value_is_that_of_scipy() -> None:
    rng = np.random.default_rng(4)
    gold = rng.integers(0, 4, 60)
    first, second = (np.where(rng.random(60) < share, gold, (gold + 1) % 4) for share in (0.9, 0.75))
    pair = ((first == gold) * 1.0, (second == gold) * 1.0)
    expected = permutation_test(
        pair,
        lambda a, b, axis: a.mean(axis) - b.mean(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        rng=np.random.default_rng(0),
    )
    assert sig.permutation_p_value(rival(first, second, gold), seed=0) == pytest.approx(expected.pvalue, abs=0.02)


def test_eight_rows_do_not_show_what_is_not_there() -> None:
    gold = np.arange(8) % 4
    wrong = np.where(np.arange(8) < 3, (gold + 1) % 4, gold)
    test = sig.paired_test(rival(gold, wrong, gold), seed=0)
    assert test.p_value == pytest.approx(2 / 2**3, abs=0.02)  # three rows differ: all swaps or none are as extreme


def test_the_same_labels_may_differ_on_other_rows() -> None:
    gold = np.arange(8) % 4
    test = sig.paired_test(rival(gold, gold, gold), seed=0)
    assert test.difference == 0 and test.p_value == 1
    assert test.interval == pytest.approx((-0.324, 0.324), abs=1e-3)


def test_seeds_change_places_together() -> None:
    gold = np.arange(40) % 4
    worse = np.where(np.arange(40) % 4 == 0, (gold + 1) % 4, gold)
    pair = sig.rival(metrics.accuracy, gold, [gold, worse], worse)
    one = np.ones((1, 40), dtype=np.float32)
    assert pair.difference(one)[0] == pytest.approx(0.125)
    assert pair.swapped(one)[0] == pytest.approx(-0.125)


def test_rows_of_one_unit_are_drawn_and_swapped_together() -> None:
    right = np.array([1.0] * 20 + [0.0] * 20, dtype=np.float32)
    documents = np.arange(40) // 10
    rows, units = (
        intervals.bootstrap_interval(lambda w: metrics.mean(right, w), 40, seed=1, units=given)
        for given in (None, documents)
    )
    assert units.high - units.low > 1.5 * (rows.high - rows.low)
    gold, worse = np.zeros(40, dtype=np.int64), (right == 0).astype(np.int64)
    apart = sig.rival(metrics.accuracy, gold, [gold], worse)
    together = apart._replace(units=documents)
    # Two of four documents differ: all swaps of these two give 0.5 in half of the cases.
    assert sig.permutation_p_value(apart, seed=1) < 0.001
    assert sig.permutation_p_value(together, seed=1) == pytest.approx(0.5, abs=0.02)
    assert np.isnan(intervals.bootstrap_interval(lambda w: w.sum(-1), 3, seed=1, units=np.zeros(3, dtype=np.int64)))[0]


def test_the_interval_of_a_calibration_error_contains_it() -> None:
    """Every resample has noise of its own, so the error is larger on nearly all of them."""
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet(np.full(4, 0.1), size=300)
    gold = np.array([rng.choice(4, p=p) for p in probabilities])
    statistic = partial(metrics.expected_calibration_error, gold, probabilities)
    value = float(statistic(np.ones(300, dtype=np.float32)))
    low, high = intervals.bootstrap_interval(statistic, 300, seed=0, is_biased=True)
    assert 0 <= low < value < high < value + 0.05
    assert high - value > 0.01
    corrected = intervals.bootstrap_interval(statistic, 300, seed=0)
    assert corrected.high < value and corrected.high - corrected.low < 0.001, "a correction of this size collapses"


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_the_interval_of_a_paired_difference_has_a_width_and_contains_it(first: int, second: int, others: int) -> None:
    n = first + second + others + 1
    low, high = intervals.paired_interval(first, second, n)
    assert -1 <= low <= (first - second) / n <= high <= 1 and low < high
    assert intervals.paired_interval(second, first, n) == pytest.approx((-high, -low))
    wide = intervals.paired_interval(first, second, n, effect=3.0)
    assert wide.high - wide.low >= high - low or wide.low == -1 or wide.high == 1


def test_two_rows_that_differ_show_nothing() -> None:
    low, high = intervals.paired_interval(0, 2, 42)
    assert low == pytest.approx(-0.134, abs=1e-3) and 0 < high < 0.05
    assert intervals.paired_interval(0, 12, 42).high < 0
