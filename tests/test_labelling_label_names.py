"""The commands that read labelled rows take a user's own names of labels and of columns."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from certainty.cli import main
from certainty.labelled import read_labelled

MAP = ["--map", "fait=asserted", "rumeur=probable", "faux=denied", "hors sujet=no_claim"]
TEXTS = ["Le pont est ouvert.", "Le pont aurait cédé.", "Le pont n’a pas cédé.", "Qui paiera ?"]


def rows(path: Path, *labels: str) -> str:
    lines = "".join(f"{n},{text},{label}\n" for n, (text, label) in enumerate(zip(TEXTS, labels, strict=True)))
    path.write_text("id,text,label\n" + lines, encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Rows of two annotators, who differ on the second sentence."""
    ana = rows(tmp_path / "ana.csv", "fait", "rumeur", "faux", "hors sujet")
    return [ana, rows(tmp_path / "bo.csv", "Fait", "fait", "FAUX", "hors sujet")]


def test_agreement(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["label", "agreement", *files, "--format", "json", "--resamples", "5"]
    assert main(arguments) == 2
    assert "unknown label 'fait'" in (told := capsys.readouterr().err) and "--map 'fait=LABEL'" in told
    assert main([*arguments, *MAP]) == 0
    captured = capsys.readouterr()
    (pair,) = json.loads(captured.out)["label"]["pairs"]
    assert pair["agreement"]["value"] == 0.75 and "check the spelling" not in captured.err


def test_a_name_in_no_file_is_told_once(
    files: list[str], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["label", "agreement", *files, "--resamples", "5", *MAP, "opinions=personal_opinion"]) == 0
    assert [record.getMessage() for record in caplog.records] == [
        "No row has the label opinions, for which a name was given; check the spelling."
    ]


def test_merge_with_decisions_in_the_same_names(files: list[str], tmp_path: Path) -> None:
    disagreements, merged = tmp_path / "open.csv", tmp_path / "merged.jsonl"
    given = ["label", "merge", *files, *MAP, "-o", str(merged)]
    assert main([*given, "--disagreements", str(disagreements)]) == 0
    (row,) = csv.DictReader(disagreements.read_text(encoding="utf-8-sig").splitlines())
    assert (row["ana"], row["bo"]) == ("probable", "asserted")
    disagreements.write_text("id,decision\n1,Hors sujet\n", encoding="utf-8")
    assert main([*given, "--decisions", str(disagreements)]) == 0
    assert [s.label for s in read_labelled(merged)] == ["asserted", None, "denied", None]


def test_correct_with_corrections_in_the_same_names(files: list[str], tmp_path: Path) -> None:
    corrections, corrected = tmp_path / "corrections.jsonl", tmp_path / "corrected.jsonl"
    corrections.write_text(json.dumps({"id": "1", "old": "rumeur", "new": "asserted", "reason": "Vu."}) + "\n")
    given = ["label", "correct", files[0], "--corrections", str(corrections), "-o", str(corrected)]
    assert main(given) == 2
    assert main([*given, *MAP]) == 0
    assert [s.label for s in read_labelled(corrected)] == ["asserted", "asserted", "denied", None]


def test_export(files: list[str], tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.jsonl"
    given = ["label", "export", files[0], "--to", "doccano", "-o", str(tasks)]
    assert main(given) == 2
    assert main([*given, *MAP]) == 0
    content = tasks.read_text(encoding="utf-8")
    assert "probable" in content and "rumeur" not in content


def test_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cleanlab")
    path = tmp_path / "rows.jsonl"
    forms = {"fait": "Le train {} est parti.", "faux": "Le car {} n’est pas parti."}
    lines = [{"text": forms[label].format(n), "label": label} for n in range(8) for label in forms]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    given = ["label", "audit", str(path), "--folds", "4"]
    assert main(given) == 2
    capsys.readouterr()
    assert main([*given, "--map", "fait=asserted", "faux=denied"]) == 0
    assert "of 16 labels" in capsys.readouterr().err


def test_suggest_and_threshold(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, chosen = tmp_path / "article.txt", tmp_path / "next.jsonl"
    text.write_text(" ".join(TEXTS[:3]) + " Le lac est gelé.", encoding="utf-8")
    given = ["label", "suggest", str(text), "--count", "4", "--exclude", files[0], "-o", str(chosen)]
    assert main(given) == 2
    assert main([*given, *MAP]) == 0
    assert not {json.loads(line)["text"] for line in chosen.read_text(encoding="utf-8").splitlines()} & set(TEXTS)
    capsys.readouterr()
    given = ["threshold", files[0], "--coverage", "0.5", "--format", "json"]
    assert main(given) == 2
    assert "unknown label 'fait'" in capsys.readouterr().err
    assert main([*given, *MAP]) == 0
    assert json.loads(capsys.readouterr().out)["total"] > 0


def test_columns_of_any_name(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in map(Path, files):
        file.write_text(file.read_text(encoding="utf-8").replace("id,text,label", "id,phrase,classe", 1))
    named = [*MAP, "--text-column", "phrase", "--label-column", "classe"]
    assert main(["label", "agreement", *files, "--resamples", "5"]) == 2
    assert "ana.csv: no column 'text'. Found: classe, id, phrase. Give --text-column" in capsys.readouterr().err
    assert main(["label", "agreement", *files, "--resamples", "5", "--format", "json", *named]) == 0
    assert json.loads(capsys.readouterr().out)["label"]["pairs"][0]["agreement"]["value"] == 0.75
    merged, corrected, tasks, next_rows = (tmp_path / f"{name}.jsonl" for name in ("m", "c", "t", "n"))
    assert main(["label", "merge", *files, *named, "-o", str(merged)]) == 0
    assert [s.text for s in read_labelled(merged)] == [TEXTS[0], *TEXTS[2:]]
    corrections = tmp_path / "corrections.jsonl"
    corrections.write_text(json.dumps({"id": "1", "old": "rumeur", "new": "asserted", "reason": "Vu."}) + "\n")
    given = ["label", "correct", files[0], "--corrections", str(corrections), "-o", str(corrected)]
    assert main([*given, *named]) == 0
    assert [s.label for s in read_labelled(corrected)] == ["asserted", "asserted", "denied", None]
    assert main(["label", "export", files[0], "--to", "doccano", "-o", str(tasks), *named]) == 0
    assert "probable" in tasks.read_text(encoding="utf-8")
    text = tmp_path / "article.txt"
    text.write_text(" ".join(TEXTS[:3]) + " Le lac est gelé.", encoding="utf-8")
    given = ["label", "suggest", str(text), "--count", "4", "--exclude", files[0], "-o", str(next_rows)]
    assert main([*given, *named]) == 0
    assert not {json.loads(line)["text"] for line in next_rows.read_text(encoding="utf-8").splitlines()} & set(TEXTS)


def test_rows_without_labels_keep_their_group_and_have_a_text_column_of_any_name(tmp_path: Path) -> None:
    rows, tasks = tmp_path / "rows.jsonl", tmp_path / "tasks.json"
    row = {"phrase": TEXTS[0], "quad": 7, "document": "a"}
    rows.write_text(json.dumps(row) + "\n", encoding="utf-8")
    given = ["label", "export", str(rows), "--to", "label-studio", "-o", str(tasks), "--text-column", "phrase"]
    assert main(given) == 0
    (task,) = json.loads(tasks.read_text(encoding="utf-8"))
    assert (task["data"]["text"], task["data"]["group"], task["data"]["document"]) == (TEXTS[0], 7, "a")
    assert "phrase" not in task["data"]
    rows.write_text(json.dumps({**row, "quad": "sept"}) + "\n", encoding="utf-8")
    assert main(given) == 2
