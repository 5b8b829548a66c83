"""The comparison of encoders: its table and its errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import DATA

from training.experiments.compare_encoders import main

DATA_ARGUMENTS = ["--train", str(DATA / "tiny.jsonl"), "--dev", str(DATA / "tiny_dev.jsonl")]


def test_a_row_for_each_encoder(tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = tmp_path / "recorded"
    shutil.copytree(tiny_encoder, recorded)
    stages = [{"log": [{"tokens": 5, "held_out_loss": 9.0}, {"tokens": 1200, "held_out_loss": n}]} for n in (4.5, 3.25)]
    (recorded / "pretraining.json").write_text(json.dumps(stages))
    encoders = [str(recorded), str(tiny_encoder)]
    assert main(["--encoder", *encoders, *DATA_ARGUMENTS, "--seeds", "1", "2"]) == 0
    header, _, first, second = capsys.readouterr().out.strip().splitlines()
    assert header == "| encoder | tokens | held-out loss | dev macro-F1 |"
    name, tokens, loss, score = (cell.strip() for cell in first.strip("|").split("|"))
    assert (name, tokens, loss) == (str(recorded), "2,400", "3.2500")
    mean, deviation = map(float, score.split(" ± "))
    assert 0 <= mean <= 1 and deviation >= 0
    assert second == f"| {tiny_encoder} | – | – | {score} |", "the same weights get the same score"


def test_one_seed_on_a_sample(tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, encoder)
    (tmp_path / "log.json").write_text(json.dumps([{"tokens": 1200, "held_out_loss": 4.5}]))
    arguments = ["--encoder", str(encoder), *DATA_ARGUMENTS, "--seeds", "1", "--sentences", "30"]
    assert main(arguments) == 0
    row = capsys.readouterr().out.strip().splitlines()[-1]
    assert row.startswith(f"| {encoder} | 1,200 | 4.5000 | 0.") and "±" not in row


def test_a_wrong_name_is_told_before_any_training(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--encoder", str(tiny_encoder), str(tmp_path / "none"), *DATA_ARGUMENTS]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith(f"error: {tmp_path / 'none'}: no such folder")
