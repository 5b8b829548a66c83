"""Averaging the weights of fine-tuned models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from conftest import DATA

from certainty import CertaintyError
from certainty.modeling import CertaintyModel
from training.soup import average, main


def _with_weights(folder: Path, value: float) -> CertaintyModel:
    model = CertaintyModel.from_pretrained(folder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    return model


def test_the_soup_is_the_mean_of_the_weights(tiny_model: Path) -> None:
    mean = average([_with_weights(tiny_model, value) for value in (1.0, 2.0, 6.0)])
    assert {float(x) for parameter in mean.parameters() for x in parameter.detach().unique()} == {3.0}


def test_models_of_different_shapes_do_not_mix(tiny_model: Path) -> None:
    other = CertaintyModel.from_pretrained(tiny_model)
    other.heads["cue"] = torch.nn.Linear(other.config.hidden_size, 2)
    with pytest.raises(CertaintyError, match="differ in shape"):
        average([CertaintyModel.from_pretrained(tiny_model), other])


def test_the_command_judges_members_and_mean(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    assert main(["--model", str(tiny_model), str(copy), "--dev", str(DATA / "tiny_dev.jsonl")]) == 0
    rows = [line.split("|")[2:4] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 3 and rows[0] == rows[1] == rows[2], "the mean of a model with itself is itself"
    assert main(["--model", str(tiny_model), "--dev", str(DATA / "tiny_dev.jsonl")]) == 2
    assert "needs two or more" in capsys.readouterr().err
