"""The command line, on a small random model."""

import csv
import io
import json
import logging
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest

import certainty
from certainty.cli import main
from certainty.commands.evaluate import _progress
from certainty.progress import described

TEXT = "Le maire a signé. Le pont aurait cédé.\n\n« Je crois qu’il a tort », dit-elle. Qui paiera ?\n"
COMMANDS = ["score", "view", "serve", "threshold", "train", "evaluate", "doctor", "completion", "label"]
COMMANDS += ["label export", "label import"]
COMMANDS += ["label agreement", "label merge", "label suggest", "label audit", "label correct"]
Score = Callable[..., int]


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(TEXT, encoding="utf-8", newline="")
    return path


@pytest.fixture
def score(tiny_model: Path) -> Score:
    def run(*arguments: object) -> int:
        return main(["score", "--model", str(tiny_model), *map(str, arguments)])

    return run


def command(tiny_model: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "certainty", "score", "--model", str(tiny_model), *map(str, arguments)]


def test_json_is_what_the_library_returns(
    score: Score, tiny_model: Path, article: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(article, "--format", "json") == 0
    expected = certainty.load(tiny_model).score(TEXT).to_dict()
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads(json.dumps({"file": str(article), **expected}))
    assert len(result["sentences"]) == 4


def test_several_files_make_a_list_in_the_given_order(
    score: Score, article: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = article.with_name("autre.txt")
    other.write_bytes("Elle n’est pas venue à l’été.".encode("cp1252"))
    assert score(other, article, "--format", "json") == 0
    results = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in results] == [str(other), str(article)]
    assert results[0]["text"] == "Elle n’est pas venue à l’été."


@pytest.mark.parametrize("name", [[], ["-"]])
def test_reads_standard_input(tiny_model: Path, name: list[str]) -> None:
    done = subprocess.run(
        command(tiny_model, *name, "--format", "jsonl"), input=TEXT.encode("utf-16"), capture_output=True, check=True
    )
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert {row["file"] for row in rows} == {"stdin"}
    assert all(TEXT[row["start"] : row["end"]] == row["text"] for row in rows)


def test_csv_offsets_point_into_the_file(score: Score, article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    article.write_bytes(TEXT.replace("\n", "\r\n").encode())
    assert score(article, "--format", "csv") == 0
    given = article.read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 4
    assert all(given[int(row["start"]) : int(row["end"])] == row["text"] for row in rows)


def test_table_is_plain_in_a_pipe_and_coloured_on_demand(
    score: Score, article: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(article) == 0
    plain = capsys.readouterr().out
    assert "\x1b" not in plain and "Le pont aurait cédé." in plain
    assert score(article, "--color", "always") == 0
    assert "\x1b[" in capsys.readouterr().out


def test_text_is_marked_in_a_pipe_and_coloured_on_demand(article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(article), "--format", "text"]) == 0
    plain = capsys.readouterr().out
    assert "\x1b" not in plain and re.search(r"^[=≈◆≠∅] Le maire a signé\. [=≈◆≠∅] Le pont", plain, re.MULTILINE)
    assert main(["score", str(article), "--format", "text", "--color", "always", "--min-confidence", "1"]) == 0
    coloured = capsys.readouterr().out
    assert "\x1b[" in coloured and "undecided" in coloured


def test_least_confidence_adds_a_field_and_keeps_the_rest(article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(article), "--format", "jsonl"]) == 0
    without = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["score", str(article), "--format", "jsonl", "--min-confidence", "1"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.pop("undecided") for row in rows] == [row["is_claim"] for row in rows]
    assert rows == without


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
    shown, errors = on_a_terminal(command(tiny_model, article), "stdout", NO_COLOR=no_color)
    assert (b"\x1b[" in shown) is ansi
    assert b"Qui paiera ?" in re.sub(rb"\x1b\[[\d;]*m", b"", shown) and not errors


@pytest.mark.skipif(sys.platform == "win32", reason="pty")
def test_short_work_shows_no_progress(tiny_model: Path, article: Path) -> None:
    shown, output = on_a_terminal(command(tiny_model, article, article, "missing", "--format", "jsonl"), "stderr")
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


def test_bad_file_is_reported_and_the_others_are_scored(
    score: Score, article: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, output = article.with_name("missing.txt"), article.with_name("scores.jsonl")
    assert score(missing, article, article.parent, "--format", "jsonl", "--output", output) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in errors] == ["error", "error", "warning"]
    assert str(missing) in errors[0] and str(article.parent) in errors[1]
    assert errors[2].startswith(f"warning: {output} does not contain {missing}, {article.parent};")
    assert len(output.read_text(encoding="utf-8").splitlines()) == 4


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


def test_bad_model_is_one_line(article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(article), "--model", str(article.parent)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and str(article.parent) in error


def test_unknown_format_is_refused(article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["score", str(article), "--format", "xml"])
    assert caught.value.code == 2
    assert "xml" in capsys.readouterr().err


def test_writes_utf8_whatever_the_locale(tiny_model: Path, article: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command(tiny_model, article), capture_output=True, env=environment, check=True)
    assert "« Je crois qu’il a tort »" in done.stdout.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no UTF-8")
def test_file_name_that_is_no_utf8(tiny_model: Path, article: Path) -> None:
    odd = os.fsencode(article.parent) + b"/caf\xe9.txt"
    Path(os.fsdecode(odd)).write_text(TEXT, encoding="utf-8")
    for form in ("table", "json", "csv", "html"):
        run = [*map(os.fsencode, command(tiny_model, "--format", form)), odd]
        done = subprocess.run(run, capture_output=True, check=True)
        assert "aurait cédé" in without_tags(done.stdout.decode())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
def test_closed_pipe_ends_quietly(tiny_model: Path, article: Path) -> None:
    article.write_text(TEXT * 2000, encoding="utf-8")
    run = subprocess.Popen(command(tiny_model, article), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout is not None and run.stderr is not None
    assert run.stdout.readline().startswith(b"# ")
    run.stdout.close()
    assert run.stderr.read() == b""
    assert run.wait(60) == 0
    run.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="pty")
def test_ctrl_c_at_the_prompt_ends_with_130(tiny_model: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(command(tiny_model), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
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
