"""`certainty doctor`: what a report of a bug needs to say of an installation."""

from __future__ import annotations

import json
import platform
import re
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest

import certainty
from certainty.cli import main


def test_doctor_says_what_a_bug_report_needs(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--model", str(tiny_model), "--threads", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["certainty"] == certainty.__version__
    assert found["packages"]["numpy"] == version("numpy")
    assert found["model"]["digest"] == sha256((tiny_model / "model.safetensors").read_bytes()).hexdigest()
    assert (found["engine"]["because"], found["engine"]["threads"]) == ("the model names it", 1)
    assert found["engine"]["name"] == certainty.load(tiny_model).settings.engine
    assert len(found["scores"]) == 5 and found["speed"]["sentences_per_second"] > 0
    assert main(["doctor", "--model", str(tiny_model), "--engine", "onnx"]) == 0
    shown = capsys.readouterr().out
    assert "because named by --engine" in shown and found["model"]["digest"] in shown
    missing = [name for name, installed in found["packages"].items() if installed is None]
    assert shown.count("not installed") == bool(missing) and not re.search(r" -$|None", shown, re.MULTILINE)


def test_doctor_compares_the_files_with_those_that_were_packaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import base64
    import hashlib
    from importlib import metadata

    from certainty.commands.doctor import examine
    from certainty.commands.engine import ModelChoice

    folder = tmp_path / "certainty_fr-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: certainty-fr\nVersion: 1\n")
    (tmp_path / "certainty").mkdir()
    code = tmp_path / "certainty/code.py"
    code.write_text("1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"1\n").digest()).rstrip(b"=").decode()
    (folder / "RECORD").write_text(f"certainty/code.py,sha256={digest},2\ncertainty_fr-1.dist-info/RECORD,,\n")
    monkeypatch.setattr(metadata, "distribution", lambda name: metadata.PathDistribution(folder))
    choice = ModelChoice(model=str(tmp_path / "none"))
    assert examine(choice)["files"] == "1 as packaged"
    code.write_text("2\n")
    assert examine(choice)["files"] == "changed: certainty/code.py"
    code.unlink()
    assert examine(choice)["files"] == "changed: certainty/code.py"


def test_doctor_describes_an_installation_whose_model_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--model", str(tmp_path)]) == 2
    shown = capsys.readouterr().out
    assert f"\npython     {platform.python_implementation()} " in shown and "not a certainty model" in shown
