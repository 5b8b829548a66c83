"""Behaviour tests: what is right, what changes, and files that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certainty import CertaintyError, Label, SentenceScore
from certainty.cli import main
from certainty.evaluation import Behaviour, evaluate_behaviour, read_behaviour
from certainty.labels import LABELS

ROWS: list[dict[str, Any]] = [
    {"id": "1", "text": "Le bac est arrivé.", "label": "asserted", "kind": "mft", "construction": "plain"},
    {"id": "2", "text": "Le bac serait arrivé.", "label": "probable", "kind": "mft", "construction": "conditional"},
    {
        "id": "3",
        "text": "Le bac arrive-t-il ?",
        "label": None,
        "claim": False,
        "kind": "mft",
        "construction": "question",
    },
    {"id": "4", "text": "Le bac de Sète coule.", "label": "asserted", "kind": "inv", "group": "town"},
    {"id": "5", "text": "Le bac de Brest coule.", "label": "asserted", "kind": "inv", "group": "town"},
    {"id": "6", "text": "Le bac coule.", "label": "asserted", "kind": "inv", "group": "mark"},
    {"id": "7", "text": "Le bac coule !", "label": "asserted", "kind": "inv", "group": "mark"},
    {"id": "8", "text": "Le quai est sec.", "label": "asserted", "kind": "dir", "group": "negate"},
    {"id": "9", "text": "Le quai n'est pas sec.", "label": "denied", "kind": "dir", "group": "negate"},
]


class StandIn:
    """Answers as it is told, by default as the rows want; None is no claim."""

    def __init__(self, answers: Mapping[str, Label | None] | None = None) -> None:
        wanted = {row["text"]: None if row.get("claim") is False else Label(row["label"]) for row in ROWS}
        self._answers = {**wanted, **(answers or {})}

    def score_sentences(self, sentences: Sequence[str], /) -> list[SentenceScore]:
        return [self._score(text, self._answers[text]) for text in sentences]

    def _score(self, text: str, answer: Label | None) -> SentenceScore:
        probabilities = {other: 0.7 if other is (answer or Label.ASSERTED) else 0.1 for other in LABELS}
        claim = 0.1 if answer is None else 0.9
        return SentenceScore(text, 0, len(text), answer or Label.NO_CLAIM, probabilities, claim, False, ())


def test_tests_come_as_rows_a_table_or_files(tmp_path: Path) -> None:
    import pandas as pd

    rows = [{**row, "attributed": False} for row in ROWS]
    rows[0]["attributed_sure"] = False
    read = read_behaviour(rows)
    assert [row.attributed for row in read] == [None] + [False] * (len(ROWS) - 1)
    assert read_behaviour(pd.DataFrame(rows)) == read
    for name, part in (("a.jsonl", rows[:3]), ("b.jsonl", rows[3:])):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    assert read_behaviour([tmp_path / "a.jsonl", str(tmp_path / "b.jsonl")]) == read
    with pytest.raises(CertaintyError, match="behaviour: no behaviour tests found"):
        read_behaviour(pd.DataFrame())


def test_a_model_that_behaves() -> None:
    found = evaluate_behaviour(StandIn(), read_behaviour(ROWS), name="mine")
    assert (found.name, found.right["right"], found.right["total"]) == ("mine", 9, 9)
    assert found.inv_changed["value"] == 0 and found.inv_changed["total"] == 2
    assert found.dir_right["value"] == 1 and found.dir_right["total"] == 1
    assert found.by_answer["no_claim"]["right"] == 1
    assert found.by_answer["personal_opinion"]["value"] is None
    assert found.failures == []
    assert 0.6 < found.right["low"] < found.right["high"] == 1


def test_a_model_that_is_moved() -> None:
    answers = {ROWS[4]["text"]: Label.PROBABLE, ROWS[8]["text"]: Label.ASSERTED, ROWS[2]["text"]: Label.ASSERTED}
    found = evaluate_behaviour(StandIn(answers), read_behaviour(ROWS))
    assert found.right["right"] == 6
    assert found.inv_changed["value"] == 0.5
    assert found.dir_right["value"] == 0
    assert found.by_construction["question"]["right"] == 0
    # The sentences of a group that changes are shown together, the right one too.
    assert [failure["id"] for failure in found.failures] == ["3", "4", "5", "9"]
    assert found.failures[0]["expected"] == "no_claim" and found.failures[0]["answer"] == "asserted"


def test_no_claim_is_an_answer_of_its_own() -> None:
    found = evaluate_behaviour(StandIn({ROWS[0]["text"]: None}), read_behaviour(ROWS))
    assert found.by_answer["asserted"]["right"] == 5 and found.right["right"] == 8


def test_the_calibration_error_is_that_of_the_sentences_with_labels() -> None:
    rows = [row for row in ROWS if row.get("claim") is not False]
    sure = evaluate_behaviour(StandIn(), read_behaviour(rows)).expected_calibration_error
    wrong = {row["text"]: Label.DENIED if row["label"] != "denied" else Label.ASSERTED for row in rows}
    unsure = evaluate_behaviour(StandIn(wrong), read_behaviour(rows)).expected_calibration_error
    assert sure is not None and unsure is not None
    assert sure < 0.5 < unsure
    assert sure + unsure == pytest.approx(1)  # always right, and never, with the same confidence
    attribution = [{**ROWS[0], "label": None, "attributed": False}]
    assert evaluate_behaviour(StandIn(), read_behaviour(attribution)).expected_calibration_error is None


def test_attribution_counts_where_it_is_sure() -> None:
    rows = [
        {**ROWS[0], "attributed": False, "attributed_sure": True},
        {**ROWS[1], "attributed": True, "attributed_sure": True},
        {**ROWS[2], "attributed": True, "attributed_sure": False},
    ]
    found = evaluate_behaviour(StandIn(), read_behaviour(rows))
    assert (found.attributed["right"], found.attributed["total"]) == (1, 2)


def test_any_of_several_labels_is_right() -> None:
    rows = read_behaviour(
        [{**ROWS[0], "label": ["probable", "asserted"]}, {**ROWS[1], "label": ["denied", "no_claim"]}]
    )
    found = evaluate_behaviour(StandIn(), rows)
    assert found.right["right"] == 1 and found.by_answer["asserted"]["total"] == 0
    assert found.failures[0]["expected"] == "denied or no_claim"


def test_attribution_alone_can_be_tested() -> None:
    rows = [{**ROWS[0], "label": None, "attributed": False}, {**ROWS[1], "label": None, "attributed": True}]
    found = evaluate_behaviour(StandIn(), read_behaviour(rows))
    assert found.right["right"] == 1 and found.by_construction["plain"]["right"] == 1
    (failure,) = found.failures
    assert (failure["expected"], failure["answer"]) == ("attributed", "not attributed")


def test_a_model_that_cannot_tell_the_attribution_gives_no_answer() -> None:
    class Untaught(StandIn):
        def _score(self, text: str, answer: Label | None) -> SentenceScore:
            return replace(super()._score(text, answer), attributed=None)

    rows = read_behaviour([{**ROWS[0], "attributed": False}, {**ROWS[1], "label": None, "attributed": False}])
    found = evaluate_behaviour(Untaught(), rows)
    assert (found.attributed["value"], found.attributed["total"]) == (None, 0)
    (failure,) = found.failures
    assert (failure["expected"], failure["answer"]) == ("not attributed", "cannot tell")
    assert "attribution right" not in found.summary()


def test_the_result_survives_json_and_can_be_without_text() -> None:
    found = evaluate_behaviour(StandIn({ROWS[0]["text"]: Label.DENIED}), read_behaviour(ROWS))
    assert Behaviour.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert ROWS[0]["text"] not in json.dumps(found.to_dict(text=False), ensure_ascii=False)
    assert "inv groups that change" in found.summary() and "plain" in found.summary()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "MFT"}, r"row 0: kind is 'MFT'. Allowed: mft, inv, dir"),
        ({"text": " "}, "row 0: text is ' '"),
        ({"label": "sure"}, "row 0: label: unknown label 'sure'"),
        ({"label": None}, "row 0: label is missing"),
        ({"kind": "inv"}, "row 0: a row of kind inv needs a `group`"),
        ({"kind": "dir", "group": "alone"}, "group 'alone' has only one sentence of kind dir"),
    ],
)
def test_rows_that_cannot_be_used(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        read_behaviour([{**ROWS[0], **change}, *ROWS[1:]])


def test_the_command(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "behaviour.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    words = ["evaluate", "--model", str(tiny_model), "--behaviour", str(path)]
    assert main([*words, "--report", str(tmp_path / "report")]) == 0
    assert "Behaviour: 9 sentences" in capsys.readouterr().out
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "inv groups that change" in page
    assert main([*words, "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["behaviour"]
    assert found["right"]["total"] == 9
    path.write_text("")
    assert main(words) == 2
    assert f"error: {path}: no behaviour tests found" in capsys.readouterr().err
