"""`certainty completion`: the scripts that complete its commands in a shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import COMMANDS

from certainty.cli import main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_option(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab", reason="shtab is not installed: pip install '.[completion]'")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name.rsplit(maxsplit=1)[-1] in script for name in COMMANDS)
    assert "text-column" in script and "onnx-int8" in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab", reason="shtab is not installed: pip install '.[completion]'")
    assert main(["completion", "bash"]) == 0
    (tmp_path / "certainty.bash").write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "article.txt").touch()
    for words, wanted in ((["certainty", "sc"], "score"), (["certainty", "score", "art"], "article.txt")):
        line = (
            f"source certainty.bash; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
            'COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; '
            f'_shtab_certainty certainty {words[-1]} {words[-2]}; echo "${{COMPREPLY[@]}}"'
        )
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True)
        assert done.stdout.split() == [wanted], done.stderr
