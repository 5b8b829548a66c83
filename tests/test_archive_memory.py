"""What an archive holds in memory while it is scored, and how its inputs share parts."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from archiving import csv, jsonl, many, parquet, zst

import certainty
from certainty import CertaintyClassifier
from certainty.archive import ArchiveResult, score_archive
from certainty.archive import scoring as archive_scoring


def long(count: int) -> list[dict[str, str]]:
    return [{"id": f"d{i}", "text": f"Le quai {i} ouvrira en mars. " * 800} for i in range(count)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", jsonl),
        ("a.jsonl.gz", lambda rows: gzip.compress(jsonl(rows))),
        ("a.csv", csv),
        ("a.csv.zst", lambda rows: zst(csv(rows))),
        ("a.parquet", parquet),
    ],
)
def test_documents_are_read_as_they_are_scored(
    name: str, content: Callable[[Any], bytes], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of any size is never in memory: the reader is only a document ahead of the writer."""
    (here / name).write_bytes(content(long(1_000)))  # 24 MB of text
    read, most_ahead, done = 0, 0, 0

    class Shortcut(CertaintyClassifier):
        def stream(self, texts: Any, **_: Any) -> Iterator[Any]:
            nonlocal read
            empty = self.score("")
            for _, context in texts:
                read += 1
                yield empty, context

    original = archive_scoring.sentence_rows

    def counted(*args: Any) -> Any:
        nonlocal done, most_ahead
        done += 1
        most_ahead = max(most_ahead, read - done)
        return original(*args)

    monkeypatch.setattr(archive_scoring, "sentence_rows", counted)
    shortcut = Shortcut(certainty.load(threads=1)._folder, threads=1)
    monkeypatch.setattr("certainty.archive.doubts.Doubts.checked", lambda _, text, *__, **___: text)  # it takes a while
    tracemalloc.start()
    try:
        result = score_archive(name, "scored", classifier=shortcut)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert result.documents == done == 1_000
    assert most_ahead <= 1
    assert peak < 12_000_000


def test_long_columns_are_held_by_their_size(here: Path, classifier: CertaintyClassifier) -> None:
    """Of documents that are read ahead, and of rows that each repeat the columns of their document."""
    import pyarrow.parquet as pq

    rows = [
        {"text": "Il pleut. " * 100, "note": "é" * 1_000_000},
        *[{"text": "Il neige.", "note": "a" * 1_000_000}] * 80,
    ]
    (here / "a.jsonl.gz").write_bytes(gzip.compress(jsonl(rows), 1))
    tracemalloc.start()
    try:
        result = score_archive("a.jsonl.gz", "scored", classifier=classifier)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (result.documents, result.sentences) == (81, 180)
    assert peak < 70_000_000
    written = pq.ParquetFile(here / "scored/sentences/part-000000000-000000.parquet")
    assert written.metadata.num_row_groups == 6  # 180 MB, in groups of 32
    assert sum(batch.num_rows for batch in written.iter_batches(4, columns=["note"])) == 180


def test_small_files_share_parts_and_large_ones_have_their_own(
    here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_scoring, "_UNIT_BYTES", 200)
    for name, count in (("a", 1), ("b", 1), ("c", 4), ("d", 1)):
        (here / f"{name}.jsonl").write_bytes(jsonl(many(count)))
    shares: list[float | None] = []
    result = score_archive(
        [f"{name}.jsonl" for name in "abcd"],
        "scored",
        classifier=classifier,
        show_progress=lambda _, s: shares.append(s),
    )
    assert result == ArchiveResult(Path("scored"), documents=7, sentences=21, errors=0, empty=0, parts=3)
    assert sorted(path.name for path in (here / "scored/sentences").iterdir()) == [
        f"part-{first:09}-000000.parquet" for first in (0, 2, 3)
    ]
    assert shares == sorted(shares, key=lambda share: share or 0)
