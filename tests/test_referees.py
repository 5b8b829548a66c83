"""Annotations made for other purposes become behaviour tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from certainty.evaluation import read_behaviour
from training.data.referees import main

ACTUAL, NEGATED, HEDGED = (
    {"mod": mod, "pol": pol} for mod, pol in (("ACTUAL", "POS"), ("ACTUAL", "NEG"), ("HEDGED", "POS"))
)
FILES = {
    "ud_syntax.jsonl": [
        {"id": "s1", "tb": "gsd", "cls": "a_cond", "text": "Le bac arriverait.", "in_test": False},
        {"id": "s2", "tb": "rhapsodie", "cls": "c_question", "text": "il vient ou pas", "in_test": False},
        {"id": "s3", "tb": "gsd", "cls": "e_plain", "text": "Le bac arrive.", "in_test": True},
    ],
    "annodis_attribution.jsonl": [{"id": "d1", "text": "Il coule, dit-elle.", "human_attribution": True}],
    "e3c_events.jsonl": [
        {"id": "e1", "text": "Pas de fièvre.", "events": [NEGATED]},
        {"id": "e2", "text": "Toux sans fièvre.", "events": [ACTUAL, NEGATED]},
        {"id": "e3", "text": "Toux, angine évoquée.", "events": [ACTUAL, HEDGED]},
    ],
}


def written(folder: Path) -> Path:
    for name, rows in FILES.items():
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_each_says_what_is_right(tmp_path: Path) -> None:
    output = tmp_path / "referees.jsonl"
    assert main(["--referees", str(written(tmp_path)), "--output", str(output)]) == 0
    found = {row.id: (row.construction, row.answers, row.attributed) for row in read_behaviour(output)}
    assert found == {
        "s1": ("written: conditional", ("probable", "personal_opinion"), None),
        "s2": ("spoken: question", ("no_claim",), None),
        "d1": ("discourse: attribution", (), True),
        "e1": ("clinical: negated events", ("denied",), None),
        "e3": ("clinical: a hedged event", ("probable",), None),
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "s1", "tb": "gsd", "cls": "new", "text": "Le bac arrive."}, "line 1: a field or class is missing"),
        (None, "none of ud_syntax.jsonl"),
    ],
)
def test_what_cannot_be_read_leaves_no_file(
    tmp_path: Path, row: dict[str, str] | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if row:
        (tmp_path / "ud_syntax.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert main(["--referees", str(tmp_path), "--output", str(tmp_path / "out.jsonl")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()
