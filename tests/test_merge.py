"""The changes of several fine-tunings are added to the model that they started from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from conftest import DATA
from safetensors.torch import load_file, save_file

import certainty
from training.experiments.merge import main


def moved(model: Path, folder: Path, step: float) -> Path:
    shutil.copytree(model, folder)
    weights = {name: tensor + step for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_changes_are_added_by_their_factors(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = [moved(tiny_model, tmp_path / "a", 0.25), moved(tiny_model, tmp_path / "b", -0.125)]
    options = ["--initial", str(tiny_model), "--trained", *map(str, trained), "--dev", str(DATA / "tiny.jsonl")]
    assert main([*options, "--factors", "0.5", "1", "--output", str(tmp_path / "merged")]) == 0
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "merged"))
    for name, tensor in before.items():  # 0.5 × 0.25 - 0.125 = 0
        torch.testing.assert_close(after[name].float(), tensor.float(), atol=2e-3, rtol=2e-3)
    assert "tiny.jsonl: negative log-likelihood" in capsys.readouterr().out
    assert certainty.load(tmp_path / "merged").predict(["Le maire a signé."]).shape == (1,)


def test_each_model_needs_a_factor(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--initial", str(tiny_model), "--trained", str(tiny_model), "--dev", str(DATA / "tiny.jsonl")]
    assert main([*options, "--factors", "1", "2", "--output", str(tmp_path / "merged")]) == 2
    assert "1 models and 2 factors" in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()
