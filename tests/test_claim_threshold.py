"""The claim threshold that serves texts unlike dev."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from certainty.model_folder import ModelSettings
from training.experiments.claim_threshold import Answers, chosen, main


def _answers(claim: list[float], is_claim: list[bool]) -> Answers:
    return Answers(np.array(claim), np.ones(len(claim), dtype=bool), np.array(is_claim))


def test_the_others_choose_where_dev_loses_nothing() -> None:
    dev = _answers([0.9, 0.8, 0.1, 0.12], [True, True, False, False])
    assert dev.accuracy(0.5) == 1 and dev.accuracy(0.85) == 0.75
    notes = _answers([0.9, 0.22, 0.28], [True, True, True])
    assert chosen(dev, notes) == 0.2, "at 0.15 and 0.2 all notes are right"
    headings = _answers([0.9, 0.7, 0.72], [True, False, False])
    assert chosen(dev, headings) == 0.8, "above it, dev would lose a claim"
    wrong = Answers(np.array([0.9]), np.array([False]), np.array([True]))
    assert wrong.accuracy(0.5) == 0


def test_the_program_writes_the_threshold(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, dev, notes = (
        shutil.copytree(tiny_model, tmp_path / "model"),
        tmp_path / "dev.jsonl",
        tmp_path / "notes.jsonl",
    )
    rows = [{"text": "Il pleut.", "label": "asserted"}, {"text": "Météo", "label": "no_claim"}]
    dev.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    notes.write_text("".join(json.dumps({**row, "quad": 5}) + "\n" for row in rows), encoding="utf-8")
    given = ["--model", str(model), "--dev", str(dev), "--others", str(notes)]
    before = ModelSettings.load(model).claim_threshold
    assert main(given) == 0 and ModelSettings.load(model).claim_threshold == before
    assert main([*given, "--write"]) == 0
    told = f"claim threshold: {ModelSettings.load(model).claim_threshold:g}; it was {before:g}"
    assert told in capsys.readouterr().out
    assert main([*given[:-1], str(tmp_path / "none.jsonl")]) == 2
