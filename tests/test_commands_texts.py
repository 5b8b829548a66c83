"""What `certainty score` and `view` do with tables, folders and spreadsheets, on the shipped model."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from certainty import CertaintyError, read_files
from certainty.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("id;message\nk1;Il pleut. Il aurait plu.\nk2;Qui ?\n", encoding="utf-8")
    Path("b.txt").write_text("- Oui. =1+1 est vrai.\n", encoding="utf-8")
    return tmp_path


def rows_of(path: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_rows_of_a_table_keep_their_ids(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "a.csv", "--text-column", "message", "-o", "out.jsonl"]) == 0
    assert [(row["file"], row["text"]) for row in rows_of("out.jsonl")] == [
        ("k1", "Il pleut."),
        ("k1", "Il aurait plu."),
        ("k2", "Qui ?"),
    ]
    assert main(["score", "a.csv", "b.txt", "--text-column", "message", "-o", "out.jsonl"]) == 0
    assert {row["file"] for row in rows_of("out.jsonl")} == {"a.csv#k1", "a.csv#k2", "b.txt"}
    assert main(["score", "a.csv", "--text-column", "message", "--format", "json"]) == 0
    assert [document["file"] for document in json.loads(capsys.readouterr().out)] == ["k1", "k2"]
    assert main(["view", "a.csv", "--text-column", "message"]) == 0
    assert sorted(path.name for path in Path("certainty-pages").iterdir()) == ["index.html", "k1.html", "k2.html"]


def test_no_part_of_a_damaged_table_is_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.jsonl").write_text('{"text": "Il pleut."}\n{"texte": "Il neige."}\n')
    Path("d.csv").write_text("id;text\n1;Il pleut.\n2;Il neige; un peu.\n3;Il vente.\n")
    assert main(["score", "c.jsonl", "d.csv", "b.txt", "-o", "out.jsonl"]) == 2
    told = capsys.readouterr().err
    assert "c.jsonl, line 2: no column 'text'. Found: texte; name it with --text-column. Did you mean 'texte'?" in told
    assert "d.csv, line 3: 3 fields, but the header has 2" in told
    assert told.endswith("warning: out.jsonl does not contain c.jsonl, d.csv; see the errors above.\n")
    assert {row["file"] for row in rows_of("out.jsonl")} == {"b.txt"}
    for quiet in ([], ["--quiet"]):
        assert main(["score", "d.csv", "-o", "new.csv", *quiet]) == 2
        assert not Path("new.csv").exists()
    with Path("c.jsonl").open("rb") as table:
        run = [sys.executable, "-m", "certainty", "score", "--format", "jsonl"]
        done = subprocess.run(run, stdin=table, capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_folder_is_read_without_the_output_in_it(folder: Path) -> None:
    for _ in range(2):
        assert main(["score", "-r", ".", "--text-column", "message", "-o", "scores.csv"]) == 0
        written = io.StringIO(Path("scores.csv").read_text(encoding="utf-8"))
        names = {row["file"] for row in csv.DictReader(written)}
        assert names == {"./a.csv#k1", "./a.csv#k2", "./b.txt"}


def test_excel_writes_what_a_french_spreadsheet_opens(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "b.txt", "--excel", "-o", "out.csv"]) == 0
    written = Path("out.csv").read_bytes().decode("utf-8")
    assert written.startswith("\ufefffile;text;start;")
    rows = list(csv.DictReader(io.StringIO(written[1:]), delimiter=";"))
    assert [row["text"] for row in rows] == ["'- Oui.", "'=1+1 est vrai."]
    assert all(0 <= float(row["probability"].replace(",", ".")) <= 1 and "," in row["probability"] for row in rows)
    assert '"' not in written, "numbers in quotes are text to some spreadsheets"
    assert main(["score", "b.txt", "--excel"]) == 0
    assert capsys.readouterr().out == written
    assert main(["score", "b.txt", "--excel", "-o", "out.json"]) == 2
    assert "--excel writes CSV, not json" in capsys.readouterr().err


def test_standard_input_may_be_a_table() -> None:
    data = b'{"id": "x", "text": "Il pleut."}\n{"id": "y", "text": "Il neige."}\n'
    run = [sys.executable, "-m", "certainty", "score", "--format", "jsonl"]
    done = subprocess.run(run, input=data, capture_output=True, check=True)
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == ["x", "y"]


def test_standard_input_is_csv_if_a_column_is_named() -> None:
    data = b"id;text;note\nx;Il pleut.;a\n;Il neige.;b\nz;;c\n"
    run = [sys.executable, "-m", "certainty", "score", "--quiet", "--format", "jsonl"]
    done = subprocess.run([*run, "--text-column", "text"], input=data, capture_output=True)
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == ["x", ""]
    assert b"1 row has no text" in done.stderr and b"1 row has no id" in done.stderr and done.returncode == 0
    done = subprocess.run([*run, "--id-column", "note"], input=data, capture_output=True)
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == ["a", "b"]
    done = subprocess.run(run, input=data, capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"stdin: looks like a CSV table with the columns id, text, note; name it .csv or give --text" in done.stderr


def test_a_row_without_an_id_has_a_page(folder: Path) -> None:
    Path("c.csv").write_text("id;text\nk1;Il pleut.\n;Il neige.\n", encoding="utf-8")
    assert main(["view", "c.csv", "-o", "pages/"]) == 0
    assert sorted(path.name for path in Path("pages").iterdir()) == ["index.html", "k1.html", "text.html"]
    assert "<bdi>text</bdi></a>" in Path("pages/index.html").read_text(encoding="utf-8")


def test_a_warning_is_shown_once(folder: Path) -> None:
    Path("c.csv").write_bytes("id;text\n1;Il a plu cet été.\n".encode("cp1252"))
    done = subprocess.run([sys.executable, "-m", "certainty", "score", "c.csv", "--quiet"], capture_output=True)
    told = (
        b"not UTF-8, read as Windows-1252; if accents look wrong, save it as UTF-8 or use --encoding where there is one"
    )
    assert done.stderr.count(told) == 1


def test_messages_name_options_in_a_command_and_arguments_in_python(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("texts").mkdir()
    Path("a.srt").write_text("Le maire dément.\n", encoding="utf-8")
    Path("a.csv").write_text("texte\nLe maire dément.\n", encoding="utf-8")
    for file, option, named in (
        ("texts", "--recursive", "recursive=True"),
        ("a.srt", "--force", "force=True"),
        ("a.csv", "name it with --text-column", "name it with text_column"),
    ):
        assert main(["score", file]) == 2
        assert option in capsys.readouterr().err
        with pytest.raises(CertaintyError, match=named):
            list(read_files(file))
    Path("b.txt").write_text("La rÃ©union a dÃ©jÃ  commencÃ©.\n", encoding="utf-8")
    list(read_files("b.txt"))
    assert "fix_encoding=True repairs them" in caplog.text
