"""`certainty evaluate`: what it prints and writes, with a stand-in for the model."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path

import pytest
from evaluating import SENTENCES, write

from certainty.cli import main
from certainty.evaluation import Comparison


def test_the_command_compares_and_writes_its_report(
    tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]
) -> None:
    data, output = write(tmp_path / "held_out.jsonl", SENTENCES), tmp_path / "new" / "report"
    assert main(["evaluate", "--model", "first", "second", "--data", data, "--report", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "A  first" in printed and "B  second" in printed
    assert re.search(r"macro-F1 +1\.000 +0\.\d{3} to 1\.000 +0\.972 +", printed)
    assert re.search(r"A − B +macro-F1 +\+0\.028 .* 1\.0000 +1\n", printed)
    assert "by cross-validation" in printed
    assert sorted(path.name for path in output.iterdir()) == ["errors.csv", "index.html", "metrics.json"]
    figures = Comparison.from_json((output / "metrics.json").read_text(encoding="utf-8"))
    assert [one.models for one in figures.evaluations] == [("first",), ("second",)]
    page = (output / "index.html").read_text(encoding="utf-8").replace('href="errors.csv"', "")
    assert not re.search(
        r"""(?:src|href|data)\s*=\s*["']?(?!["']?#)|@import|url\((?!["']?#)|<link|<!DOCTYPE svg""", page
    )
    assert page.count("<svg") == 3


def test_three_models_stand_in_one_report(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data, output = write(tmp_path / "held_out.jsonl", SENTENCES), tmp_path / "report"
    given = ["evaluate", "--model", "first", "second", "third", "--data", data, "--by", "corpus", "--quiet"]
    assert main([*given, "--format", "json", "--report", str(output), "--min-macro-f1", "0.95"]) == 1
    captured = capsys.readouterr()
    assert re.findall(r"^(\w+): macro-F1 0\.94\d+ is below 0\.95", captured.err, re.M) == ["third"]
    found = json.loads(captured.out)
    assert [one["models"] for one in found["evaluations"]] == [["first"], ["second"], ["third"]]
    pairs = [(d["first"], d["second"]) for d in found["differences"] if d["metric"] == "macro_f1"]
    assert pairs == [("first", "second"), ("first", "third"), ("second", "third")]
    assert all(set(one["slices"]["corpus"]) == {"nord", "sud"} for one in found["evaluations"])
    with (output / "errors.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = {
        row["text"]: [row[f"predicted {name}"] != row["gold"] for name in ("first", "second", "third")] for row in rows
    }
    assert wrong == {SENTENCES[0].text: [False, True, True], SENTENCES[5].text: [False, False, True]}
    page = (output / "index.html").read_text(encoding="utf-8")
    assert page.count("Verlac") >= 1 and page.count("Montrieu") >= 1 and "nord" in page and "sud" in page
    assert main([*given, "--min-macro-f1", "0.9"]) == 0
    assert re.search(r"^nord +1\.000 .* 0\.9\d\d .* 0\.9\d\d ", capsys.readouterr().out, re.M)


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_no_failure(
    closed: str, tmp_path: Path, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, closed, None)
    assert main(["evaluate", "--data", write(tmp_path / "held_out.jsonl", SENTENCES)]) == 0


def test_seeds_of_one(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES)
    assert main(["evaluate", "--model", "first", "second", "--data", data, "--seeds-of-one"]) == 0
    printed = capsys.readouterr().out
    assert "2 seeds of one model: mean ± sd" in printed
    assert re.search(r"macro-F1 +0\.986 ± 0\.020 +0\.\d{3} to 1\.000 +36\n", printed)


def test_a_log_shows_what_is_done(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--model", "first", "--data", write(tmp_path / "data.jsonl", SENTENCES)]
    assert main(arguments) == 0
    assert f"Scoring {len(SENTENCES)} sentences with first.\n" in capsys.readouterr().err
    assert main([*arguments, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_json_for_machines_and_the_wish(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES)
    words = ["evaluate", "--model", "second", "--data", data, "--format", "json", "--by", "annotator"]
    assert main([*words, "--min-macro-f1", "0.9"]) == 0
    captured = capsys.readouterr()
    (one,) = json.loads(captured.out)["evaluations"]
    assert one["metrics"]["macro_f1"]["value"] == pytest.approx(0.972, abs=1e-3)
    assert list(one["slices"]) == ["annotator"]
    assert SENTENCES[0].text not in captured.out
    assert main([*words, "--min-macro-f1", "0.99", "--report", str(tmp_path / "report")]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["evaluations"], "the way of the report does not stand in the JSON"
    assert re.search(r"second: macro-F1 0\.972\d is below 0\.99\.", captured.err)


def test_the_shipped_model_is_the_default(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES)
    assert main(["evaluate", "--data", data]) == 0
    assert "certainty-fr-small (95 % intervals)" in capsys.readouterr().out


def test_the_errors_open_in_a_french_spreadsheet(
    tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--model", "second", "--data", write(tmp_path / "held_out.jsonl", SENTENCES), "--excel"]
    assert main(words) == 2
    assert "--excel applies to errors.csv of --report" in capsys.readouterr().err
    assert main([*words, "--report", str(tmp_path)]) == 0
    written = (tmp_path / "errors.csv").read_bytes().decode("utf-8")
    assert written.startswith("\ufeffid;corpus;text;")
    (row,) = csv.DictReader(io.StringIO(written[1:]), delimiter=";")
    assert row["probability"] == "0,970000"


def test_columns_of_any_name(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(write(tmp_path / "held_out.jsonl", SENTENCES))
    renamed = path.read_text(encoding="utf-8").replace('"text":', '"phrase":').replace('"label":', '"classe":')
    path.write_text(renamed, encoding="utf-8")
    given = ["evaluate", "--model", "second", "--data", str(path), "--train", str(path), "--format", "json", "--quiet"]
    assert main(given) == 2
    assert "held_out.jsonl: no column 'text'. Found: " in (told := capsys.readouterr().err)
    assert "Give --text-column, or rename the column that has it." in told
    assert main([*given, "--text-column", "phrase", "--label-column", "classe"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert one["metrics"]["macro_f1"]["value"] == pytest.approx(0.972, abs=1e-3)
    assert one["data"]["in_train"] == len(SENTENCES)


def test_faithfulness_by_the_command(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES[:8])
    assert main(["evaluate", "--model", str(tiny_model), "--data", data, "--faithfulness"]) == 0
    assert "| predicted | all |" in capsys.readouterr().out
