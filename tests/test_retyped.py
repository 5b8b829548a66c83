"""Retyped copies of labelled sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.data.retyped import main

ROWS = [
    {"id": "a", "text": "L’État n'aurait rien signé.", "label": "probable", "cues": [[9, 15]], "sources": []},
    {"id": "b", "text": "Elle l’affirme.", "label": "asserted", "quad": 10},
    {"id": "c", "text": "Elle l’affirme.", "label": "asserted", "quad": 11},
    {"id": "d", "text": "42", "label": None, "claim": False},
]


def run(folder: Path, *arguments: str) -> list[dict[str, object]]:
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    output = folder / "retyped.jsonl"
    assert main(["--data", str(data), "--output", str(output), *arguments]) == 0
    return [json.loads(line) for line in output.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_spans_follow_and_the_rest_stays(tmp_path: Path, seed: int) -> None:
    rows = run(tmp_path, "--share", "1", "--seed", str(seed))
    assert [row["id"] for row in rows] == ["a", "c"]  # b is held out, and nothing can be retyped in d
    row = rows[0]
    assert row["text"] != ROWS[0]["text"] and row["label"] == "probable" and row["sources"] == []
    ((start, end),) = row["cues"]
    assert row["text"][start:end].lower() in ("aurait", "naurait")


def test_none_of_a_share_of_zero_and_an_error_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--share", "0") == []
    output = tmp_path / "other.jsonl"
    assert main(["--data", str(tmp_path / "rows.jsonl"), "--share", "2", "--output", str(output)]) == 2
    assert "share is 2.0" in capsys.readouterr().err
    assert not output.exists()
