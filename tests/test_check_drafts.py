"""The recipe of `docs/pages/how-to/check.md`: script, hook and the shell of its workflow, on the shipped model."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install pyyaml")
pytestmark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("bash", "git", "jq", "xargs")), reason="no bash, git, jq or xargs"
)

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "pages" / "how-to" / "check.md"
SOURCED = "Le maire a signé. Le pont aurait cédé, selon la préfecture. « À mon avis, c’est un gâchis », dit-elle."
UNSOURCED = "Le maire a signé.\nL’écart viendrait de la hausse des prix. Qui paiera ?"


@pytest.fixture
def newsroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the script and two drafts, and `certainty` on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "certainty").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m certainty "$@"\n')
    (programs / "certainty").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = tmp_path / "newsroom"
    (folder / "drafts").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "examples" / "check-drafts.sh", folder)
    (folder / "drafts" / "sourced.txt").write_text(SOURCED, encoding="utf-8")
    (folder / "drafts" / "not sourced.txt").write_text(UNSOURCED, encoding="utf-8")
    return folder


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, env={**os.environ, **variables}, capture_output=True, encoding="utf-8", timeout=120
    )


def blocks() -> list[Any]:
    found = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [yaml.safe_load(block) for block in found]


def test_the_script_lists_what_breaks_the_rule_and_fails(newsroom: Path) -> None:
    one, other = "drafts/sourced.txt", "drafts/not sourced.txt"
    fine = run(newsroom, "./check-drafts.sh", one)
    assert (fine.returncode, fine.stdout) == (0, f"{one}: 0 % of 3 claims are unconfirmed without a source\n")
    done = run(newsroom, "./check-drafts.sh", one, other)
    assert done.returncode == 1
    assert f"{other}:2: L’écart viendrait de la hausse des prix.\n" in done.stdout
    assert f"{other}: 50 % of 2 claims are unconfirmed without a source\n" in done.stdout
    assert run(newsroom, "./check-drafts.sh", one, other, MOST="0.5").returncode == 0
    assert run(newsroom, "./check-drafts.sh", other, SURE="1").returncode == 0
    assert run(newsroom, "./check-drafts.sh").returncode == 0
    missing = run(newsroom, "./check-drafts.sh", one, "drafts/none.txt")
    assert (missing.returncode, missing.stdout) == (2, "") and "drafts/none.txt: no such file" in missing.stderr


def test_the_hook_runs_the_script() -> None:
    config, _ = blocks()
    ((hook,),) = [repository["hooks"] for repository in config["repos"]]
    assert hook["entry"] == "./check-drafts.sh" and hook["additional_dependencies"] == ["certainty-fr[documents]"]


def test_the_workflow_checks_the_drafts_that_changed(newsroom: Path) -> None:
    _, workflow = blocks()
    (step,) = [step for step in workflow["jobs"]["check"]["steps"] if step.get("name", "").startswith("Check")]
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]  # as GitHub runs `shell: bash`
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]

    def commit(message: str) -> None:
        assert run(newsroom, *git, "add", "-A").returncode == 0
        assert run(newsroom, *git, "commit", "-qm", message).returncode == 0

    assert run(newsroom, *git, "init", "-q").returncode == 0
    commit("The drafts so far")
    assert run(newsroom, *git, "update-ref", "refs/remotes/origin/main", "HEAD").returncode == 0
    (newsroom / "drafts" / "sourced.txt").write_text(f"{SOURCED} Moscou dément.", encoding="utf-8")
    commit("A draft with sources")
    done = run(newsroom, *shell, GITHUB_BASE_REF="main")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "drafts/sourced.txt: 0 % of 4 claims are unconfirmed without a source\n"
    assert (newsroom / "claims.txt").read_text(encoding="utf-8") == done.stdout
    (newsroom / "drafts" / "le château.txt").write_text(UNSOURCED, encoding="utf-8")
    (newsroom / "drafts" / "not sourced.txt").unlink()
    commit("One more, one less")
    done = run(newsroom, *shell, GITHUB_BASE_REF="main")
    assert done.returncode != 0
    assert "drafts/le château.txt:2: L’écart viendrait" in done.stdout and "not sourced" not in done.stdout
