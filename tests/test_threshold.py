"""Minimal probabilities for a wanted precision, accuracy or coverage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from certainty import CertaintyError, Label, SentenceScore
from certainty.cli import main
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS
from certainty.thresholds import for_accuracy, for_precision

TINY = str(Path(__file__).parent / "data" / "tiny_dev.jsonl")
A, P, D = Label.ASSERTED, Label.PROBABLE, Label.DENIED


def case(gold: Label | None, given: Label, p: float, is_claim: bool = True) -> tuple[LabelledSentence, SentenceScore]:
    others = [label for label in LABELS if label is not given]
    probabilities = {given: p, **dict.fromkeys(others, (1 - p) / 3)}
    text = f"{gold} {given} {p}"
    claim, label = (0.9, given) if is_claim else (0.1, Label.NO_CLAIM)
    score = SentenceScore(text, 0, len(text), label, probabilities, claim, False, ())
    return LabelledSentence(text, gold, claim=gold is not None), score


def split(
    cases: list[tuple[LabelledSentence, SentenceScore]],
) -> tuple[list[LabelledSentence], list[SentenceScore]]:
    return [gold for gold, _ in cases], [score for _, score in cases]


CASES = [
    case(D, D, 0.95),
    case(D, D, 0.9),
    case(A, D, 0.8),
    case(D, D, 0.7),
    case(None, D, 0.6),
    case(D, A, 0.85),  # missed
    case(A, A, 0.99),
    case(P, D, 0.97, is_claim=False),  # never shown as denied
]


@pytest.mark.parametrize(
    ("wish", "kept", "precision", "recall"), [(1.0, 2, 1.0, 0.5), (0.75, 4, 0.75, 0.75), (0.5, 5, 0.6, 0.75)]
)
def test_lowest_threshold_that_reaches_the_precision(wish: float, kept: int, precision: float, recall: float) -> None:
    gold, scores = split(CASES)
    result = for_precision(gold, scores, D, wish)
    assert (result.kept, result.value, result.share, result.total) == (kept, precision, recall, 4)
    assert 0 <= result.low < result.value <= result.high <= 1
    shown = [s for s in scores if s.is_claim and s.label is D and s.probability >= result.threshold]
    assert len(shown) == kept


def test_no_claim_is_a_label_like_the_others() -> None:
    gold, scores = split([*CASES, case(None, A, 0.5, is_claim=False)])
    result = for_precision(gold, scores, Label.NO_CLAIM, 0.5)
    assert (result.kept, result.value, result.share, result.total) == (2, 0.5, 0.5, 2)


def test_no_threshold_where_all_may_be_kept() -> None:
    gold, scores = split([case(D, D, 0.88), case(A, A, 0.93), case(A, A, 0.91)])
    assert for_accuracy(gold, scores, accuracy=0.9).threshold == 0.0
    assert for_accuracy(gold, scores, coverage=1.0).threshold == 0.0
    assert for_precision(gold, scores, D, 0.9).threshold == 0.0


def test_wilson_interval() -> None:
    gold, scores = split([case(D, D, 0.9)] * 9 + [case(A, D, 0.9)])
    result = for_precision(gold, scores, D, 0.9)
    # Wilson 1927 at 9 of 10: (0.9 + 0.1921 ± 1.96 √(0.009 + 0.0096)) / 1.3841.
    assert (result.low, result.high) == (pytest.approx(0.5958, abs=1e-3), pytest.approx(0.9821, abs=1e-3))


def test_threshold_has_few_decimals_and_still_parts_what_it_should() -> None:
    gold, scores = split([case(D, D, 0.9512344), case(A, D, 0.9512343), case(A, A, 0.9)])
    assert for_precision(gold, scores, D, 1.0).threshold == 0.9512344
    gold, scores = split([case(D, D, 0.95678), case(A, D, 0.1 + 0.2)])
    assert for_precision(gold, scores, D, 1.0).threshold == 0.95


def test_wish_that_cannot_be_reached_names_the_nearest() -> None:
    gold, scores = split([case(A, D, 0.9), case(D, D, 0.8), case(D, D, 0.7)])
    with pytest.raises(CertaintyError, match=r"a precision of 0\.9 .*highest is 0\.667, with all kept \(3 sentences"):
        for_precision(gold, scores, D, 0.9)
    with pytest.raises(CertaintyError, match=r"no threshold gives an accuracy of 1 .* 0\.667"):
        for_accuracy(gold, scores, accuracy=1.0)


def test_accuracy_and_coverage_of_all_labels() -> None:
    gold, scores = split(CASES)
    # The seven claims by confidence: right (0.99, 0.95, 0.9), wrong (0.85, 0.8), right (0.7), wrong (0.6).
    result = for_accuracy(gold, scores, accuracy=1.0)
    assert (result.kept, result.value, result.total) == (3, 1.0, 7)
    assert result.share == pytest.approx(3 / 7)
    assert for_accuracy(gold, scores, accuracy=0.66).kept == 6
    covered = for_accuracy(gold, scores, coverage=0.5)
    assert (covered.kept, covered.value) == (4, 0.75)
    assert for_accuracy(gold, scores, coverage=1.0).kept == 7


def test_sentences_of_the_same_confidence_go_together() -> None:
    gold, scores = split([case(D, D, 0.9), case(A, D, 0.9), case(D, D, 0.8)])
    with pytest.raises(CertaintyError, match=r"highest is 0\.667"):
        for_accuracy(gold, scores, accuracy=0.9)
    assert for_accuracy(gold, scores, coverage=0.3).kept == 2


@pytest.mark.parametrize("wish", [0.0, 1.2, -1.0, float("nan")])
def test_wishes_are_shares(wish: float) -> None:
    gold, scores = split(CASES)
    with pytest.raises(CertaintyError, match="must be above 0 and at most 1"):
        for_precision(gold, scores, D, wish)
    with pytest.raises(CertaintyError, match="must be above 0 and at most 1"):
        for_accuracy(gold, scores, coverage=wish)


def test_labels_that_do_not_occur() -> None:
    gold, scores = split(CASES)
    with pytest.raises(CertaintyError, match="no row is labelled personal_opinion"):
        for_precision(gold, scores, Label.PERSONAL_OPINION, 0.9)
    with pytest.raises(CertaintyError, match="the model labels none of the 8 sentences probable"):
        for_precision(gold, scores, P, 0.9)
    with pytest.raises(CertaintyError, match="finds no claim in any"):
        for_accuracy(*split([case(A, A, 0.9, is_claim=False)]), accuracy=0.5)


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["threshold", TINY, "--coverage", "0.5", "--format", "json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["share"] >= 0.5 and result["label"] is None
    assert "warning: the threshold rests on only" in captured.err
    assert main(["threshold", TINY, "--label", "denied", "--precision", "0.01"]) == 0
    assert "precision" in (out := capsys.readouterr().out) and "recall" in out
    assert "none is needed" in out


def test_command_with_columns_of_any_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("phrase;classe\nIl pleut.;asserted\nIl ne pleut pas.;denied\n", encoding="utf-8")
    given = ["threshold", str(rows), "--coverage", "1", "--text-column", "phrase"]
    assert main(given) == 2
    assert "no column 'label'. Found: classe, phrase. Give --label-column, or rename" in capsys.readouterr().err
    assert main([*given, "--label-column", "classe", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--precision", "0.9"], "--label and --precision go together"),
        (["--label", "denied", "--accuracy", "0.9"], "--label and --precision go together"),
        (["--label", "denid", "--precision", "0.9"], "Did you mean 'denied'"),
    ],
)
def test_command_mistakes(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["threshold", TINY, *arguments]) == 2
    assert message in capsys.readouterr().err
