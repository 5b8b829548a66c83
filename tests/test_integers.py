"""The integer graph of a model is written anew as training writes it, and compared with the exact one."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import DATA
from onnx import numpy_helper

from certainty.labelled import read_labelled
from certainty.model_folder import INT8_FILE, ModelSettings
from training.experiments.integers import main


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model as if it had no integers, and yet had them as its default."""
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / INT8_FILE).unlink()
    settings = ModelSettings.load(folder)
    training = {name: value for name, value in (settings.training or {}).items() if name != "int8"}
    replace(settings, engine="onnx-int8", training=training).save(folder)
    return folder


def options(model: Path, train: Path = DATA / "tiny.jsonl", dev: Path = DATA / "tiny_dev.jsonl") -> list[str]:
    return ["--model", str(model), "--train", str(train), "--dev", str(dev)]


def constants(folder: Path) -> dict[str, np.ndarray]:
    graph = onnx.load(folder / INT8_FILE).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def test_the_graph_and_its_comparison_are_those_of_training(
    tiny_model: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options(model)) == 0
    expected, settings = ModelSettings.load(tiny_model), ModelSettings.load(model)
    assert settings == expected
    assert settings.engine == "onnx", "32 sentences show too little"
    told = json.loads(capsys.readouterr().out)
    assert told == {"engine": "onnx", **(expected.training or {})["int8"]}
    ours, theirs = constants(model), constants(tiny_model)
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():  # the sentences are read in another order
        np.testing.assert_allclose(ours[name], values, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_second_graph_is_tried_only_where_dev_can_judge_it(model: Path, tmp_path: Path) -> None:
    # The untrained model is so unsure that the integers change many of its labels: the first graph never passes.
    rows = [
        {"text": f"{row.text} {i}", "label": row.label} for row in read_labelled(DATA / "tiny.jsonl") for i in range(8)
    ]
    rows = [row for row in rows if row["label"]]
    for sentences, fixed_scales in ((499, True), (500, False)):
        dev = tmp_path / f"{sentences}.jsonl"
        dev.write_text("\n".join(map(json.dumps, rows[:sentences])), encoding="utf-8")
        assert main(options(model, dev=dev)) == 0
        noted = (ModelSettings.load(model).training or {})["int8"]
        assert (noted["sentences"], noted["fixed_scales"]) == (sentences, fixed_scales)


@pytest.mark.parametrize("wrong", ["model", "train", "dev"])
def test_a_wrong_path_is_one_line(model: Path, tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing"
    assert main(options(**{"model": model, wrong: missing})) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.startswith(f"error: {missing}: ") and error.count("\n") == 1
    assert not (model / INT8_FILE).exists()
