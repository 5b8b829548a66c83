"""Mistakes in `certainty.json`, and in the name of a model."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import certainty
from certainty import CertaintyError
from certainty.labels import LABELS
from certainty.model_folder import ModelSettings


def _written(folder: Path, **changes: Any) -> Path:
    values = {"format_version": 1, "labels": [label.value for label in LABELS], "max_length": 64, **changes}
    (folder / "certainty.json").write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize("value", [-5, 0, 3, "64", 64.5, True, None])
def test_a_length_that_no_window_can_have(tmp_path: Path, value: object) -> None:
    with pytest.raises(
        CertaintyError, match=r"certainty\.json: max_length is .*; it must be a whole number of at least 4"
    ):
        certainty.load(_written(tmp_path, max_length=value))


@pytest.mark.parametrize("name", ["claim_threshold", "attributed_threshold", "cue_threshold"])
@pytest.mark.parametrize("value", ["x", None, 3, -0.1, math.nan, math.inf, True])
def test_thresholds_that_are_no_probability(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(CertaintyError, match=f"{name} is .*; it must be a number from 0 to 1"):
        ModelSettings.load(_written(tmp_path, **{name: value}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"heads": 3}, "heads is 3; it must be a list of any of claim, attributed, cue"),
        ({"heads": ["foo"]}, "heads is"),
        ({"heads": [["claim"]]}, "heads is"),
        ({"engine": [1]}, "engine is .* it must be 'onnx'"),
        ({"pad_token_id": -1}, "pad_token_id is -1"),
        ({"training": "x"}, "training is 'x'; it must be an object"),
        ({"training": {"calibration": {"temperature": 1.0}}}, "its calibration, if any, needs"),
        ({"training": {"calibration": {"temperature": 0, "bias": [0, 0, 0, 0]}}}, "its calibration, if any, needs"),
        ({"training": {"calibration": {"temperature": 1, "bias": ["a", 0, 0, 0]}}}, "its calibration, if any, needs"),
        ({"format_version": "1"}, "damaged .*format_version is '1'"),
        ({"format_version": 3}, "format version 3, but this release reads up to 2. Upgrade"),
    ],
)
def test_values_of_the_wrong_kind(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(CertaintyError, match=told) as caught:
        ModelSettings.load(_written(tmp_path, **changes))
    assert str(caught.value).startswith(str(tmp_path / "certainty.json"))


def test_deep_nesting(tmp_path: Path) -> None:
    (tmp_path / "certainty.json").write_text("[" * 100_000)
    with pytest.raises(CertaintyError, match=r"certainty\.json: damaged"):
        ModelSettings.load(tmp_path)


@pytest.mark.parametrize("name", [5, ["a"], b"x"])
def test_a_model_that_is_no_name(name: Any) -> None:
    with pytest.raises(CertaintyError, match=r"model is .*; give a folder, or `owner/name` on the hub"):
        certainty.load(name)


def test_a_name_too_long_for_a_file() -> None:
    with pytest.raises(CertaintyError, match="no such folder"):
        certainty.load("é" * 300)
