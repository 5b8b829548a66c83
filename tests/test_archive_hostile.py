"""Inputs of archives that are named, encoded or damaged in ways that few are."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from archiving import jsonl, rows_of, zst

from certainty import CertaintyClassifier
from certainty.archive import ArchiveSettings, score_archive

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zst,
}


def test_a_column_whose_name_utf8_cannot_encode_is_kept_among_the_others(
    here: Path, classifier: CertaintyClassifier
) -> None:
    (here / "a.jsonl").write_text('{"text": "Il pleut.", "a\\ud800": "x", "b": "y"}\n', encoding="utf-8")
    for form in ("parquet", "jsonl"):
        settings = ArchiveSettings(format=form)  # type: ignore[arg-type]
        result = score_archive("a.jsonl", form, classifier=classifier, settings=settings)
        assert (result.sentences, result.errors) == (1, 0)
        (row,) = rows_of(here / form)
        assert row["b"] == "y" and json.loads(row["other"]) == {"a\ud800": "x"}


def test_a_local_file_is_found_once_whatever_its_name_looks_like(
    here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["~a.txt", "a::b.txt", "file:x.txt", "[x].txt", "b*.txt"]
    (here / "in").mkdir()
    monkeypatch.chdir(here / "in")
    for name in names:
        Path(name).write_text("Il pleut.", encoding="utf-8")
    for output, inputs in (("../files_first", [*names, "."]), ("../folder_first", [".", *names])):
        score_archive(inputs, output, classifier=classifier)
        assert sorted(row["file"] for row in rows_of(Path(output))) == sorted(names)


@pytest.mark.parametrize("ending", [".gz", ".xz", ".bz2", ".zst"])
def test_what_stands_before_a_damage_is_scored(ending: str, here: Path, classifier: CertaintyClassifier) -> None:
    noise = random.Random(0)
    notes = ("".join(noise.choices("abcdefgh", k=20_000)) for _ in range(200))
    data = jsonl([{"text": "Il pleut sur la ville.", "note": note} for note in notes])
    packed = COMPRESSORS[ending](data)
    (here / f"a.jsonl{ending}").write_bytes(packed[: len(packed) // 2])
    result = score_archive(f"a.jsonl{ending}", "scored", classifier=classifier)
    assert result.errors == 1 and result.sentences > 40
    (error,) = rows_of(here / "scored", "errors")
    assert "the compressed file is damaged" in error["error"]
