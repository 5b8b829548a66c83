"""Where `certainty score` writes: whole files or none, formats and endings, characters, a pipe that closes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import TEXT, Score, scoring

import certainty
from certainty.cli import main


def without_tags(page: str) -> str:
    return re.sub(r"<[^>]+>", "", page)


def test_output_file_is_written_whole_or_not_at_all(
    score: Score, article: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = article.with_name("page.html")
    output.write_text("as it was", encoding="utf-8")
    assert score(article.with_name("missing.txt"), "--format", "html", "--output", output) == 2
    assert output.read_text(encoding="utf-8") == "as it was"

    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("certainty.views.html.render_page", interrupted)
        assert score(article, "--format", "html", "--output", output) == 130
        assert f"interrupted: {output} is as it was." in capsys.readouterr().err
        new = article.with_name("new.html")
        assert score(article, "--output", new) == 130
        assert f"interrupted: {new} was not written." in capsys.readouterr().err
        assert not new.exists()
        (pages := article.with_name("pages")).mkdir()
        assert main(["view", str(article), "-o", str(pages)]) == 130
        assert f"interrupted: {pages} is as it was." in capsys.readouterr().err
        pages.rmdir()
    assert output.read_text(encoding="utf-8") == "as it was"

    assert score(article, "--format", "html", "--output", output) == 0
    assert "aurait cédé" in without_tags(output.read_text(encoding="utf-8"))
    assert sorted(path.name for path in article.parent.iterdir()) == ["article.txt", "page.html"]
    assert "Traceback" not in capsys.readouterr().err


def test_output_may_be_a_device_but_no_input_and_no_folder(
    score: Score, article: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(article, "--output", os.devnull) == 0
    assert not Path(os.devnull).is_file()
    assert score(article, "--output", article) == 2
    assert "is one of the inputs" in capsys.readouterr().err
    assert article.read_bytes().decode() == TEXT
    assert score(article, "--output", article.parent / "none" / "out.csv") == 2
    assert f"there is no folder {article.parent / 'none'}" in capsys.readouterr().err


def test_an_output_that_cannot_be_is_said_before_the_work(
    article: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(certainty, "load", lambda *_: pytest.fail("scores before it looks"))
    none = str(article.parent / "none" / "out")
    for command in (["score"], ["view"], ["label", "suggest", "--count", "1"], ["label", "audit"]):
        assert main([*command, str(article), "-o", none]) == 2
        assert "there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("out.csv", '"file","text","start"'),
        ("out.json", "{\n"),
        ("out.JSONL", '{"file": '),
        ("out.html", "<!DOCTYPE html>"),
        ("out.txt", "# "),
    ],
)
def test_format_follows_from_the_ending(score: Score, article: Path, name: str, start: str) -> None:
    output = article.with_name(name)
    assert score(article, "-o", output) == 0
    assert output.read_text(encoding="utf-8").startswith(start)


def test_format_and_ending_must_agree(score: Score, article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, form, said in (
        ("out.csv", ["--format", "json"], ".csv is the ending of csv, but --format is json; name the file .json"),
        ("out.txt", ["--format", "html"], ".txt is the ending of table and text, but"),
        ("out.xlsx", [], "its ending does not stand for a format. Allowed: .txt (table or text), .json"),
        ("out.ods", [], "or give --format. A spreadsheet opens CSV: give a name in .csv, and --excel."),
        ("out", [], "or give --format."),
    ):
        output = article.with_name(name)
        assert score(article, *form, "-o", output) == 2
        assert said in capsys.readouterr().err
        assert not output.exists()
    for name, form in (("out.dat", "csv"), ("out.txt", "text")):
        assert score(article, "--format", form, "-o", article.with_name(name)) == 0
    assert article.with_name("out.dat").read_text(encoding="utf-8").startswith('"file"')


def test_writes_utf8_whatever_the_locale(tiny_model: Path, article: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(scoring(tiny_model, article), capture_output=True, env=environment, check=True)
    assert "« Je crois qu’il a tort »" in done.stdout.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no UTF-8")
def test_file_name_that_is_no_utf8(tiny_model: Path, article: Path) -> None:
    odd = os.fsencode(article.parent) + b"/caf\xe9.txt"
    Path(os.fsdecode(odd)).write_text(TEXT, encoding="utf-8")
    for form in ("table", "json", "csv", "html"):
        run = [*map(os.fsencode, scoring(tiny_model, "--format", form)), odd]
        done = subprocess.run(run, capture_output=True, check=True)
        assert "aurait cédé" in without_tags(done.stdout.decode())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
def test_closed_pipe_ends_quietly(tiny_model: Path, article: Path) -> None:
    article.write_text(TEXT * 2000, encoding="utf-8")
    run = subprocess.Popen(scoring(tiny_model, article), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout is not None and run.stderr is not None
    assert run.stdout.readline().startswith(b"# ")
    run.stdout.close()
    assert run.stderr.read() == b""
    assert run.wait(60) == 0
    run.stderr.close()
