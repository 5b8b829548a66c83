"""What `certainty score` prints in each format, on a small random model."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from command_line import TEXT, Score, scoring

import certainty
from certainty.cli import main


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
        scoring(tiny_model, *name, "--format", "jsonl"), input=TEXT.encode("utf-16"), capture_output=True, check=True
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
