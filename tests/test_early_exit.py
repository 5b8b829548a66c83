"""The experiment of leaving early: its gate, and a run from end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import DATA

from certainty.model_folder import default_model
from training.experiments.early_exit import main, passes

GOLD = np.array([0, 1, 2, 3] * 100)
FULL = np.eye(4)[GOLD] * 0.9 + 0.025


def test_the_gate_counts_every_answer_that_is_not_plain() -> None:
    plain = np.ones(len(GOLD), dtype=bool)
    assert passes(GOLD, FULL, FULL, plain)
    plain[:2] = False  # 0.5 %
    assert passes(GOLD, FULL, FULL, plain)
    plain[2] = False
    assert not passes(GOLD, FULL, FULL, plain)


def test_the_gate_compares_labels_and_calibration() -> None:
    plain = np.ones(len(GOLD), dtype=bool)
    assert not passes(GOLD, FULL, FULL * 0.8 + 0.05, plain), "less sure"
    wrong = FULL.copy()
    wrong[:8] = FULL[1:9]
    assert not passes(GOLD, FULL, wrong, plain), "other labels"


def test_a_row_for_each_lower_layer(capsys: pytest.CaptureFixture[str]) -> None:
    data = str(DATA / "tiny.jsonl")
    assert main(["--model", str(default_model()), "--fit", data, "--choose", data]) == 0
    _, _, *rows = capsys.readouterr().out.strip().splitlines()
    assert [row.split(" | ")[0] for row in rows] == [f"| {layers}" for layers in range(1, 1 + len(rows))]
    assert len(rows) >= 5


def test_too_few_sentences_are_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.csv"
    file.write_text("text,label\nIl pleut.,asserted\n", encoding="utf-8")
    assert main(["--model", str(default_model()), "--fit", str(file), "--choose", str(file)]) == 2
    assert "give more sentences" in capsys.readouterr().err
