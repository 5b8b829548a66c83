"""The benchmark of learning from few rows: its samples, and that it continues where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import DATA

from certainty.labelled import read_labelled
from certainty.labels import LABELS


def test_samples_grow_and_held_out_rows_stay() -> None:
    pytest.importorskip("torch")
    from benchmarks.learning_curve import draw

    rows = read_labelled([DATA / "tiny.jsonl", DATA / "tiny_dev.jsonl"])
    (few, held), (more, same) = (draw(rows, size, 30, seed=1) for size in (24, 40))
    assert held == same and len(held) == 30 and few == more[:24]
    assert not {s.text for s in held} & {s.text for s in more}
    assert min(sum(s.label is label for s in few) for label in LABELS) >= 5


def test_the_curve_continues_where_it_stopped(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.learning_curve import main

    data = tmp_path / "rows.jsonl"
    rows = [
        json.loads(line) for name in ("tiny", "tiny_dev") for line in (DATA / f"{name}.jsonl").open(encoding="utf-8")
    ]
    data.write_text("".join(json.dumps({**row, "domain": "talk"}) + "\n" for row in rows), encoding="utf-8")
    arguments = ["--data", data, "--by", "domain", "--domains", "talk", "--held-out", 30, "--encoder", tiny_encoder]
    arguments += ["--ways", "tfidf", "setfit", "--output", tmp_path / "out", "--seeds", 1, "--sizes", 24]
    main([str(argument) for argument in arguments])
    results = tmp_path / "out" / "learning_curve.jsonl"
    first = results.read_text(encoding="utf-8")
    assert [json.loads(line)["way"] for line in first.splitlines()] == ["tfidf", "setfit"]
    main([str(argument) for argument in [*arguments, 40, 4000]])
    assert results.read_text(encoding="utf-8").startswith(first) and len(results.read_text("utf-8").splitlines()) == 4
    captured = capsys.readouterr()
    assert "talk, 4000 rows, seed 1: left out" in captured.err and "tfidf" in captured.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("learning_curve.jsonl", "learning_curve.json", "learning_curve_talk.svg")
    }
