"""Sentences of train that are nearly the same as held-out ones."""

from __future__ import annotations

import json
from pathlib import Path

from training.data.apart import main

KEPT = {"id": "a", "text": "Le maire de Vernois est parti hier soir pour Lyon.", "label": "asserted", "extra": "stays"}
NEAR = {"id": "b", "text": "La réunion du conseil municipal de Mernay aura lieu mardi.", "label": "asserted"}
HELD_OUT = {"id": "c", "text": "La réunion du conseil municipal de Mernay aura lieu jeudi.", "label": "asserted"}


def _written(path: Path, *rows: dict[str, str]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_what_is_nearly_held_out_is_left_out(tmp_path: Path) -> None:
    train = _written(tmp_path / "train.jsonl", KEPT, NEAR, HELD_OUT | {"text": HELD_OUT["text"].upper()})
    other = _written(tmp_path / "other.jsonl", KEPT)
    before = other.stat()
    held_out = _written(tmp_path / "test.jsonl", HELD_OUT)
    assert main(["--data", str(train), str(other), "--held-out", str(held_out)]) == 0
    assert [json.loads(line) for line in train.read_text(encoding="utf-8").splitlines()] == [KEPT]
    assert other.stat().st_mtime_ns == before.st_mtime_ns, "what loses nothing is not written"


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    held_out = _written(tmp_path / "test.jsonl", HELD_OUT)
    assert main(["--data", str(tmp_path / "none.jsonl"), "--held-out", str(held_out)]) == 2
