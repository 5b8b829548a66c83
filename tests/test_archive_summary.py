"""The questions that are asked of an archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archiving import jsonl, many

import certainty
from certainty import CertaintyClassifier, CertaintyError
from certainty.archive import ArchiveSettings, score_archive, summarise
from certainty.archive import scoring as archive_scoring
from certainty.cli import main


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_summary(form: Any, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    rows = [
        {"text": "Le maire pourrait partir. " * 5, "date": "2025-03-11", "source": "<b>Phare</b>", "id": "doute"},
        {"text": "Le maire est parti. " * 5, "date": "12/04/25 10:30", "source": "Digue", "id": "fait"},
        {"text": "La mairie dément toute hausse.", "date": "infinity", "source": "Digue", "id": "bref"},
    ]
    (here / "[a].jsonl").write_bytes(jsonl(rows))
    (here / "s[1]*").mkdir()
    assert main(["archive", "[a].jsonl", "-o", "s[1]*/x", "--format", form, "--threads", "1", "-q"]) == 0
    summary = summarise(here / "s[1]*/x", date_column="date", by=["source"])
    tables = {table.title: table for table in summary.tables}
    months = {
        row[0]: dict(zip(tables["Labels by month"].columns[1:], row[1:], strict=True))
        for row in tables["Labels by month"].rows
    }
    assert {month: counts["sentences"] for month, counts in months.items()} == {"2025-03": 5, "2025-04": 5, None: 1}
    assert (months["2025-03"]["probable"], months["2025-04"]["asserted"]) == (5, 5)
    assert [row[:2] for row in tables["Labels by source"].rows] == [("Digue", 6), ("<b>Phare</b>", 5)]
    assert [row[0] for row in tables["The most hedged documents"].rows] == ["doute", "fait"]
    capsys.readouterr()
    command = ["archive", "summary", "s[1]*/x", "--by", "month", "source", "--html", "page.html"]
    assert main([*command, "--top", "1"]) == 0
    assert "# Labels by month" in capsys.readouterr().out
    assert main([*command[:-2], "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["tables"]
    assert found == [json.loads(json.dumps(table.to_dict())) for table in summary.tables]
    assert [table["title"] for table in found][:3] == ["Labels", "Labels by month", "Labels by source"]
    assert (found[2]["columns"][:2], found[2]["rows"][0][:2]) == (["source", "sentences"], ["Digue", 6])
    page = (here / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 5 and "&lt;b&gt;Phare" not in page.split("Labels by source")[1].split("hedged")[0]
    assert "<b>Phare" not in page and "http" not in page.replace("http://www.w3.org", "")
    assert main(["archive", "summary", "s[1]*/x", "--by", "section"]) == 2
    assert "no column 'section' was kept. Found: file, id, date, source; name it with --by." in capsys.readouterr().err
    assert main(["archive", "summary", "."]) == 2
    assert "is not an archive" in capsys.readouterr().err


def test_by_month_needs_dates(here: Path, classifier: CertaintyClassifier) -> None:
    (here / "a.jsonl").write_bytes(jsonl([{"text": "Il pleut.", "published": "2025-03-11"}]))
    (here / "b.jsonl").write_bytes(jsonl([{"text": "Il pleut.", "month": "mars"}]))
    for name in "ab":
        score_archive(f"{name}.jsonl", name, classifier=classifier)
    with pytest.raises(CertaintyError, match=r"no column 'date' was kept.*; name it with date_column"):
        summarise("a", by=["month"])
    assert summarise("a", by=["month"], date_column="published").tables[1].rows[0][0] == "2025-03"
    assert summarise("b", by=["month"]).tables[1].rows[0][0] == "mars"  # a column of that name


def test_the_summary_counts_denials_by_source(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources are given here, since not every model names them."""
    (here / "a.jsonl").write_bytes(jsonl(many(3)))
    original = archive_scoring.sentence_rows

    def with_source(document: Any, text: Any, *others: Any) -> Iterator[dict[str, Any]]:
        for row in original(document, text, *others):
            who = "LA  mairie" if text.id == "d1" else "la mairie"
            yield row | {
                "source": {"start": 0, "end": 9, "text": who} if row["sentence"] == 2 else None,
                "label": "denied",
            }

    monkeypatch.setattr(archive_scoring, "sentence_rows", with_source)
    score_archive("a.jsonl", "scored", classifier=certainty.load(threads=1))
    denials = summarise("scored").tables[-2]
    assert (denials.title, denials.rows) == ("Who denies most", [("la mairie", 3, 3)])


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_the_summary_counts_names_in_denials(form: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = (
        "Lyon n'a pas payé Jean-Marc Petit. Moscou n'a rien livré à la Corée du Nord, dit l'Élysée.",
        "Moscou n'a rien livré à Lyon. Après l'accord, Moscou est venu à Lyon. Moscou ment, Lyon non.",
        "RIEN N'EST ALLÉ À MOSCOU. Le chef de Moscou a dit : « Nous savons. » « Nous partons. »",
    )
    (here / "a.jsonl").write_bytes(jsonl([{"text": text} for text in texts]))
    original = archive_scoring.sentence_rows

    def labelled(document: Any, text: Any, *others: Any) -> Iterator[dict[str, Any]]:
        for row in original(document, text, *others):
            source = {"start": 0, "end": 6, "text": "Moscou"} if row["text"].startswith("Moscou n'a rien") else None
            denies = {"n'a", "RIEN"} & set(row["text"].split())
            yield row | {"source": source, "label": "denied" if denies else "asserted"}

    monkeypatch.setattr(archive_scoring, "sentence_rows", labelled)
    settings = ArchiveSettings(format=form)
    score_archive("a.jsonl", "scored", classifier=certainty.load(threads=1), settings=settings)
    named = summarise("scored").tables[-1]
    assert named.title == "Who is denied most"
    assert named.rows == [("Lyon", 2, 4), ("Corée du Nord", 1, 1), ("Jean-Marc Petit", 1, 1), ("Élysée", 1, 1)]


@pytest.mark.parametrize("change", [{"settings": {}}, {"columns": None}, {"columns": {"a": 1}}, {"model": "x"}])
def test_a_damaged_manifest_is_an_error(change: dict[str, Any], here: Path, classifier: CertaintyClassifier) -> None:
    (here / "a.txt").write_text("Il pleut.", encoding="utf-8")
    score_archive("a.txt", "scored", classifier=classifier)
    path = here / "scored/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(CertaintyError, match=r"manifest\.json: damaged"):
        summarise("scored")
