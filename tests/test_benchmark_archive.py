"""The benchmark of kills: with a tiny model, no sentence is lost."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import certainty
from benchmarks import archive
from benchmarks.tiny_model import write_tiny_model

pytest.importorskip("torch", reason="torch is not installed: pip install '.[torch]'")
pytest.importorskip("duckdb", reason="duckdb is not installed: pip install '.[archive]'")


def test_a_killed_archive_of_a_tiny_model_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--tiny", "--sentences", "3000", "--kills", "1", "--longest", "0.5", "--part-sentences", "1000"]
    monkeypatch.setattr(sys, "argv", ["archive", *options, "--output", str(tmp_path)])
    archive.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["kills"] == 1 and printed["expected"] > 2900
    assert (printed["lost"], printed["doubled"]) == (0, 0)


def test_the_tiny_model_has_all_heads(tmp_path: Path) -> None:
    write_tiny_model(tmp_path)
    (score,) = certainty.load(tmp_path).score_sentences(["Il serait parti."])
    assert score.is_claim and score.second_probability is not None
