"""The command line as a whole: its help, misspelt words, models, formats and engines that it refuses, interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import COMMANDS, TEXT, Score, scoring

import certainty
from certainty.cli import main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_describes_itself_within_the_terminal(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    with pytest.raises(SystemExit, match="0"):
        main([*command.split(), "--help"])
    usage, rest = capsys.readouterr().out.split("\n\n", 1)
    options, examples = rest.split("\nexample", 1)
    assert usage.startswith(f"usage: certainty {command}")
    assert rest[0].isupper(), "a description"
    assert max(map(len, options.splitlines())) <= 72
    assert f"  certainty {command}" in examples


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["scor", "a.txt"], "'score'"),
        (["score", "a.txt", "--format", "JSONL"], "'jsonl'"),
        (["label", "export", "a.txt", "--to", "label_studio"], "'label-studio'"),
        (["label", "exprot"], "'export'"),
    ],
)
def test_a_misspelt_command_or_value_is_told(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert f"Did you mean {meant}?" in capsys.readouterr().err


def test_bad_model_is_one_line(article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(article), "--model", str(article.parent)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and str(article.parent) in error


def test_unknown_format_is_refused(article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["score", str(article), "--format", "xml"])
    assert caught.value.code == 2
    assert "xml" in capsys.readouterr().err


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Child processes can be interrupted, also where this one ignores Ctrl-C, as jobs in the background do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_closed_stream_is_as_the_null_device(
    closed: str, score: Score, article: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, closed, None)
    assert (score(article), score("--format", "json", article)) == (0, 0)
    if closed == "stdin":
        assert score() == 2, "no text"


@pytest.mark.skipif(sys.platform == "win32", reason="pty")
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_at_the_prompt_ends_with_130(tiny_model: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(scoring(tiny_model), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        assert b"Ctrl-D" in run.stderr.readline()  # it waits for input
        run.send_signal(signal.SIGINT)
        assert run.communicate(timeout=60) == (b"", b"interrupted.\n")
    os.close(ours)
    os.close(theirs)
    assert run.returncode == 130


@pytest.mark.parametrize("arguments", [[], ["-V"], ["--help"], ["score", "--help"], ["view", "--help"]])
def test_help_is_light(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom certainty.cli import main\n"
        f"try: main({arguments!r})\n"
        "finally: assert not {'onnxruntime', 'torch', 'rich', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "certainty" in done.stdout


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    help_ = capsys.readouterr().out
    assert help_.startswith("usage: certainty") and all(f"    {name} " in help_ for name in COMMANDS if " " not in name)
    with pytest.raises(SystemExit, match="0"):
        main(["-V"])
    assert capsys.readouterr().out == f"certainty {certainty.__version__}\n"


def test_json_needs_no_rich(tiny_model: Path, article: Path) -> None:
    code = (
        "import sys\nfrom certainty.cli import main\n"
        f"main(['score', '--model', {str(tiny_model)!r}, '--format', 'json', {str(article)!r}])\n"
        "assert not {'torch', 'rich', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "ARTICLE"],
        ["view", "ARTICLE"],
        ["serve"],
        ["threshold", "ROWS", "--accuracy", "0.5"],
        ["label", "suggest", "ARTICLE", "--count", "1"],
        ["label", "audit", "ROWS"],
        ["label", "export", "ARTICLE", "--text", "--predict", "--to", "doccano", "-o", "tasks.jsonl"],
    ],
)
def test_every_command_that_scores_takes_an_engine(
    arguments: list[str],
    tiny_model: Path,
    article: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"ARTICLE": str(article), "ROWS": str(Path(__file__).parent / "data" / "tiny.jsonl")}
    arguments = [given.get(argument, argument) for argument in arguments]
    allowed = "it must be greater" if arguments == ["serve"] else "give an integer of at least 1, or leave it out for"
    for options, message in (
        (["--engine", "onnx-int8", "--device", "cuda"], "not on 'cuda'; give --engine torch"),
        (["--engine", "torch", "--device", "gpu"], "unknown device 'gpu'"),
        (["--threads", "0"], f"threads is 0; {allowed}"),
    ):
        port = ["--port", "0"] if arguments == ["serve"] else []
        assert main([*arguments, *port, "--model", str(tiny_model), *options]) == 2
        assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["article.txt"]


def test_the_engine_that_is_named_scores(
    score: Score, tiny_model: Path, article: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(article, "--format", "json", "--engine", "onnx-int8", "--threads", "1") == 0
    expected = certainty.load(tiny_model, engine="onnx-int8", threads=1).score(TEXT).to_dict()
    assert json.loads(capsys.readouterr().out)["sentences"] == json.loads(json.dumps(expected["sentences"]))


def test_an_engine_is_refused_where_no_model_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    rows = str(Path(__file__).parent / "data" / "tiny.jsonl")
    assert main(["label", "audit", rows, "--folds", "2", "--threads", "2"]) == 2
    assert "--threads: not used with --folds" in capsys.readouterr().err
    assert main(["label", "export", rows, "--to", "doccano", "-o", "x.jsonl", "--engine", "torch"]) == 2
    assert "--engine: used with --predict only" in capsys.readouterr().err
