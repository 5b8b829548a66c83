"""The figures before and after the calibration of a model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluating import SENTENCES, StandIn, alone

from certainty.calibration import Calibration
from certainty.evaluation import evaluate_seeds
from certainty.finetuning.model_card import write_model_card
from certainty.finetuning.settings import FinetuningSettings
from certainty.model_folder import ModelSettings

CALIBRATION = {"temperature": 2.0, "bias": [0.5, -0.5, 0.25, -0.25]}


class Calibrated(StandIn):
    settings = ModelSettings(max_length=64, training={"calibration": CALIBRATION})


def test_calibration_is_undone() -> None:
    calibration = Calibration(2.0, (0.5, -0.5, 0.25, -0.25))
    logits = np.array([[3.0, -1.0, 0.5, 2.0], [0.0, 0.0, 0.0, 0.0]])
    raw, calibrated = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (logits, calibration.apply(logits)))
    np.testing.assert_allclose(calibration.undo(calibrated), raw)
    np.testing.assert_allclose(calibration.undo(np.array([[1.0, 0.0, 0.0, 0.0]])), [[1, 0, 0, 0]])


def test_the_figures_before_calibration(tmp_path: Path) -> None:
    result = alone(Calibrated())
    before = result.uncalibrated
    assert before is not None
    assert result.metrics["ece"]["value"] == pytest.approx(0.03)
    # Of 0.97 and three times 0.01, the log-odds are log 97; undone, each is (log 97 + its bias less the other's) * 2.
    bias = np.array(CALIBRATION["bias"])
    own = [
        1 / sum((np.exp(b - other) / 97) ** 2 if j != i else 1 for j, other in enumerate(bias))
        for i, b in enumerate(bias)
    ]
    assert before["ece"]["value"] == pytest.approx(1 - np.mean(own))
    assert before["brier"]["value"] < result.metrics["brier"]["value"]
    assert sum(bin_["count"] for bin_ in before["reliability"]) == before["ece"]["rows"] == 36
    assert "Before → after calibration: calibration error 0.001 → 0.030, Brier score 0.000 → 0.001" in result.summary()
    page = result.write_report(tmp_path).read_text(encoding="utf-8")
    assert "before calibration 0.001" in page
    assert ">before calibration</text>" in page and ">after</text>" in page


def test_without_a_recorded_calibration_there_is_no_before(tmp_path: Path) -> None:
    class Unrecorded(StandIn):
        settings = ModelSettings(max_length=64)

    one_of_two = evaluate_seeds([Calibrated(), StandIn()], SENTENCES, baselines=False)
    for result in (alone(StandIn()), alone(Unrecorded()), one_of_two):
        assert result.uncalibrated is None
        assert "Before → after" not in result.summary()
        assert "before calibration" not in result.write_report(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("temperature", "bias", "told"),
    [
        (1.0, [0.0] * 4, "Its logits are used as trained"),
        (2.0, [0.0] * 4, "Temperature 2.000, fitted on dev"),
        (2.0, [0.1, -0.1, 0.0, 0.0], "Temperature 2.000 and a bias for each label, fitted on dev"),
    ],
)
def test_the_card_tells_of_the_calibration(
    tiny_model: Path, tmp_path: Path, temperature: float, bias: list[float], told: str
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "copy"))
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    model = ModelSettings.load(folder)
    training = {**(model.training or {}), "calibration": {"temperature": temperature, "bias": bias}}
    write_model_card(folder, "copy", FinetuningSettings(), replace(model, training=training), evaluation)
    card = (folder / "README.md").read_text(encoding="utf-8")
    before, after = (evaluation["dev"][k]["ece"]["value"] for k in ("uncalibrated", "metrics"))
    assert told in card
    assert (f"calibration error {before:.3f} → {after:.3f}, Brier score" in card) == (temperature != 1)
