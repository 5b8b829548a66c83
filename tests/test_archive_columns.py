"""The columns of the inputs in the rows of an archive, and columns and settings that cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archiving import TEXTS, csv, jsonl, parquet, rows_of

from certainty import CertaintyClassifier, CertaintyError
from certainty.archive import ArchiveSettings, score_archive
from certainty.cli import main


def test_columns_are_kept_with_their_types_and_under_free_names(here: Path, classifier: CertaintyClassifier) -> None:
    import datetime

    day = datetime.date(2025, 3, 11)
    row = {
        "body": "Il pleut.",
        "url": "u1",
        "source": "Le Phare",
        "views": 7,
        "day": day,
        "tags": ["a", "b"],
        "n": None,
        "Label": "une",
    }
    (here / "a.parquet").write_bytes(parquet([row]))
    (here / "b.jsonl").write_bytes(jsonl([{"body": "Il neige.", "url": "u2", "source": "La Digue", "day": "hier"}]))
    more = [{"body": "Il vente.", "url": "u3"}] * 100 + [{"body": "Il gèle.", "url": "u4", "late": {"x": "\ud800"}}]
    (here / "c.jsonl").write_text("".join(json.dumps(one) + "\n" for one in more))
    settings = ArchiveSettings(text_column="body", id_column="url", min_confidence=1.0)
    score_archive(["a.parquet", "b.jsonl", "c.jsonl"], "scored", classifier=classifier, settings=settings)
    rows = rows_of(here / "scored")
    assert [rows[0][name] for name in ("id", "input_source", "views", "tags", "n", "input_Label", "undecided")] == [
        "u1",
        "Le Phare",
        7,
        '["a", "b"]',
        None,
        "une",
        True,
    ]
    assert (rows[0]["day"], rows[1]["day"]) == ("2025-03-11", "hier")  # not a date in every table
    assert (rows[1]["input_source"], rows[1]["views"], rows[1]["other"]) == ("La Digue", None, None)
    assert json.loads(rows[-1]["other"]) == {"late": {"x": "\ud800"}}


def test_at_most_a_thousand_columns_are_kept(here: Path, classifier: CertaintyClassifier) -> None:
    keys = {f"k{i}": str(i) for i in range(1_500)}
    (here / "a.jsonl").write_bytes(jsonl([keys | {"n" * 2_000: "long", "id": "a", "text": TEXTS["parc"]}]))
    score_archive("a.jsonl", "scored", classifier=classifier)
    (row,) = rows_of(here / "scored")
    assert row["id"] == "a"
    assert [row[f"k{i}"] for i in range(1_000)] == [str(i) for i in range(1_000)]
    assert "k1000" not in row
    assert json.loads(row["other"]) == {f"k{i}": str(i) for i in range(1_000, 1_500)} | {"n" * 2_000: "long"}


def test_wrong_columns_and_settings_are_told_before_anything_is_written(
    here: Path, classifier: CertaintyClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.csv").write_bytes(csv())
    with pytest.raises(CertaintyError, match=r"a.csv: no column 'body'. Found: id, text, date, section"):
        score_archive("a.csv", "scored", classifier=classifier, settings=ArchiveSettings(text_column="body"))
    assert not (here / "scored").exists()
    for url, message in (
        ("s3://bucket/x", "give output='x', and when it is done, copy it: aws s3 cp --recursive x s3://bucket/x"),
        ("gs://bucket/a b/", "copy it: gcloud storage cp --recursive 'a b' 'gs://bucket/a b/'"),
        ("https://host/", "give output='host', and copy it from there."),
    ):
        with pytest.raises(CertaintyError, match=f"^{url}: is a URL, .*{message}$"):
            score_archive("a.csv", url, classifier=classifier)
    assert main(["archive", "a.csv", "-o", "s3://bucket/x", "--threads", "1"]) == 2
    assert "; give --output x, and when it is done" in capsys.readouterr().err
    for wrong in ({"format": "xml"}, {"part_sentences": 0}, {"min_confidence": 2}):
        with pytest.raises(CertaintyError, match=next(iter(wrong))):
            ArchiveSettings(**wrong)  # type: ignore[arg-type]
