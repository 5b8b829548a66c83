"""The heads of the sentence are trained again, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import DATA
from safetensors.numpy import load_file

pytest.importorskip("torch", reason="torch is not installed: pip install '.[train]'")

import certainty
from certainty.model_folder import WEIGHTS_FILE
from training.experiments.sentence_heads import main


def test_only_the_heads_of_the_sentence_change(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.loads(line) for line in (DATA / "tiny.jsonl").read_text(encoding="utf-8").splitlines()]
    groups = tmp_path / "groups.jsonl"
    groups.write_text(
        "".join(json.dumps(row | {"quad": n % 10}) + "\n" for n, row in enumerate(rows)), encoding="utf-8"
    )
    output = tmp_path / "heads"
    paths = ["--initial", tiny_model, "--train", groups, "--dev", DATA / "tiny_dev.jsonl", "--groups", groups]
    options = ["--heads", "claim", "--epochs", "8", "--learning-rate", "0.01", "--output", output]
    assert main(list(map(str, [*paths, *options]))) == 0
    told = capsys.readouterr().out
    assert "claim:" in told and "before: tiny_dev" in told and "epoch 8:" in told and "second:" not in told
    before, after = (load_file(folder / WEIGHTS_FILE) for folder in (tiny_model, output))
    changed = {name for name in before if (before[name] != after[name]).any()}
    assert changed and all(name.startswith("certainty_heads.claim.") for name in changed)
    assert certainty.load(output).predict(["Il pleut."])
