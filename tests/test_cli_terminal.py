"""What is shown on a terminal, and what in a pipe: colours, and how far the work is."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import TEXT, Score, scoring

from certainty.commands.evaluate import _progress
from certainty.progress import described


def on_a_terminal(run: list[str], stream: str, **variables: str) -> tuple[bytes, bytes]:
    """Run with `stream` on a pseudo-terminal and the other one in a pipe; return what came on each."""
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **variables}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: theirs}
    shown = b""
    with subprocess.Popen(run, env=environment, **streams) as process:  # type: ignore[call-overload]
        os.close(theirs)
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # Linux: the other side has closed
            pass
        os.close(ours)
        piped = process.communicate()[stream == "stdout"]
    return shown, piped


@pytest.mark.skipif(sys.platform == "win32", reason="pty")
@pytest.mark.parametrize(("no_color", "ansi"), [("", True), ("1", False)])
def test_table_is_coloured_on_a_terminal_unless_no_color_is_set(
    tiny_model: Path, article: Path, no_color: str, ansi: bool
) -> None:
    shown, errors = on_a_terminal(scoring(tiny_model, article), "stdout", NO_COLOR=no_color)
    assert (b"\x1b[" in shown) is ansi
    assert b"Qui paiera ?" in re.sub(rb"\x1b\[[\d;]*m", b"", shown) and not errors


@pytest.mark.skipif(sys.platform == "win32", reason="pty")
def test_short_work_shows_no_progress(tiny_model: Path, article: Path) -> None:
    shown, output = on_a_terminal(scoring(tiny_model, article, article, "missing", "--format", "jsonl"), "stderr")
    assert shown.splitlines() == [b"error: missing: no such file; check the name and the folder."]
    assert len([json.loads(line) for line in output.splitlines()]) == 8


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show progress at once and always."""
    for name in ("PATIENCE", "FIRST_LINE", "SECONDS"):
        monkeypatch.setattr(f"certainty.progress.{name}", 0.0)
    monkeypatch.setattr("certainty.progress.STEADY", (0.0, 0.0))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def test_one_file_and_many_show_sentences_rate_and_time_left_on_a_terminal(
    score: Score,
    article: Path,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = article.with_name("rows.csv")
    table.write_text("text\nIl pleut.\nIl neige.\n", encoding="utf-8")
    for files, sentences in (([article], 4), ([article, table, "missing"], 6), ([table], 2)):
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        score(*files, "--format", "jsonl")
        assert re.search(rf"{sentences} sentences.*, [\d.,]+ a second", terminal.getvalue())
        assert capsys.readouterr().out.count("\n") == sentences
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert score(article, "--format", "jsonl", "--quiet") == 0
    assert terminal.getvalue() == ""


def test_the_time_left_is_told_once_the_rate_is_steady() -> None:
    assert described(100, 60.0, 0.5) == "100 sentences (50 %), 1.7 a second, 60 s left"
    assert "left" not in described(100, 60.0, 0.01) and "left" not in described(100, 2.0, 0.5)
    assert "left" not in described(100, 60.0, None)


def test_warnings_of_an_evaluation_stay_on_a_terminal(monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with _progress(quiet=False):
        logging.getLogger("certainty.evaluation.result").info("Scoring")
        logging.getLogger("certainty.evaluation.result").warning("Few sentences.")
    assert "warning: Few sentences." in terminal.getvalue()


def test_a_pipe_gets_a_line_now_and_then(
    score: Score, article: Path, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    article.write_text(TEXT * 60, encoding="utf-8")
    assert score(article, article, "--format", "jsonl") == 0
    lines = capsys.readouterr().err.splitlines()
    found = [
        re.fullmatch(r"Scored (\d+) sentences \((\d+) %\), [\d.,]+ a second, \d+ s left\.", line) for line in lines
    ]
    done = [(int(line[1]), int(line[2])) for line in found if line]
    assert len(done) == len(lines) > 2 and done == sorted(done)
    assert (240, 50) in done and done[-1] == (480, 100)
    assert score(article, "-q", "--format", "jsonl") == 0
    assert capsys.readouterr().err == ""


def test_a_table_shows_the_share_of_its_sentences(
    score: Score, article: Path, impatient: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certainty.classifier._STREAM_CHARACTERS", 1)
    table = article.with_name("rows.csv")
    table.write_text("text\n" + "Il pleut.\n" * 4, encoding="utf-8")
    assert score(table, "--format", "jsonl") == 0
    lines = capsys.readouterr().err
    assert lines.startswith("Counted 1 sentences.\nCounted 2 sentences.\n")
    assert re.findall(r"Scored (\d) sentences \((\d+) %\)", lines) == [
        ("1", "25"),
        ("2", "50"),
        ("3", "75"),
        ("4", "100"),
    ]


def test_results_on_the_terminal_are_not_torn_by_a_bar(
    score: Score, article: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(sys, "stdout", terminal)
    assert score(article, article, "--color", "never") == 0
    lines = re.sub(r"\x1b\[\??[\d;]*[A-Za-z]", "", terminal.getvalue()).replace("\r", "\n").splitlines()
    assert len([line for line in lines if line.startswith(f"# {article}")]) == 2
    assert [line for line in lines if "Le maire a signé." in line and "a second" in line] == []
