"""Documents and files of an archive that cannot be read: each is a row of the errors, and the others are scored."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archiving import ROWS, TEXTS, csv, jsonl, many, parquet, rows_of, zst

from certainty import CertaintyClassifier
from certainty.archive import documents as archive_documents
from certainty.archive import score_archive
from certainty.archive import scoring as archive_scoring
from certainty.archive.inputs import find_inputs
from certainty.cli import main


def test_errors_are_rows_and_strict_stops(
    here: Path, classifier: CertaintyClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        ROWS[0],
        "not an object",
        {"id": 2, "text": 5},
        {"id": 3, "text": " "},
        {"id": 4, "text": "\ufffd" * 90},
        ROWS[1],
    ]
    (here / "a.jsonl").write_bytes(jsonl(lines))
    (here / "b.csv").write_text('id,text\n1,"Il pleut."\n2,"Il neige.",trop\n3,"Il vente."\n')
    (here / "c.jsonl.gz").write_bytes(gzip.compress(jsonl())[:-20])
    (here / "d.txt").write_bytes(b"\x89PNG\r\n")
    (here / "e.txt").write_text(TEXTS["parc"], "utf-8")
    names = ["a.jsonl", "b.csv", "c.jsonl.gz", "d.txt", "e.txt"]
    assert main(["archive", *names, "-o", "strict", "--strict", "--threads", "1"]) == 2
    assert "a.jsonl, line 2: expected a JSON object" in capsys.readouterr().err
    assert main(["archive", *names, "-o", "strict", "--resume", "--threads", "1"]) == 0  # it may go on without
    assert main(["archive", *names, "-o", "scored", "--threads", "1", "--format", "jsonl"]) == 0
    captured = capsys.readouterr()
    assert "6 documents or inputs could not be read" in captured.err and "1 rows have no text" in captured.err
    errors = rows_of(here / "scored", "errors")
    assert {error["stage"] for error in errors} == {"read"}
    assert [(error["file"], error["row"], error["id"]) for error in errors] == [
        ("a.jsonl", 2, "2"),
        ("a.jsonl", 3, "3"),
        ("a.jsonl", 5, "4"),
        ("b.csv", 2, "2"),
        ("c.jsonl.gz", None, "c.jsonl.gz"),
        ("d.txt", None, "d.txt"),
    ]
    for error, message in zip(
        errors, ("expected", "not a text", "markup", "3 fields", "damaged", "an image"), strict=True
    ):
        assert message in error["error"]
    assert {"1", "3", "gare"} <= {row["id"] for row in rows_of(here / "scored")}
    assert rows_of(here / "strict", "errors") == errors
    assert main(["archive", "d.txt", "-o", "nothing", "--threads", "1"]) == 2


def test_compressed_tables_are_not_unpacked_without_end(
    here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_documents, "LARGEST", 100_000)
    bomb = parquet()[:4] + bytes(2_000_000)
    (here / "a.parquet.gz").write_bytes(gzip.compress(bomb))
    (here / "b.jsonl.xz").write_bytes(lzma.compress(b'{"text": "' + bytes(2_000_000)))
    (here / "c.json.zst").write_bytes(zst(b'[{"text": "' + bytes(2_000_000)))
    (here / "d.jsonl.gz.gz").write_bytes(gzip.compress(gzip.compress(jsonl())))
    (here / "e.csv.bz2").write_bytes(bz2.compress(csv()))
    names = ["a.parquet.gz", "b.jsonl.xz", "c.json.zst", "d.jsonl.gz.gz", "e.csv.bz2"]
    result = score_archive(names, "scored", classifier=classifier)
    assert (result.documents, result.errors) == (3, 4)
    told = ("unpacks to over", "has a line of over", "has over", "is a compressed file, which is not read")
    for error, name, message in zip(rows_of(here / "scored", "errors"), names, told, strict=False):
        assert error["error"].startswith(f"{name}: {message}")


def test_an_office_file_does_not_end_the_run(here: Path, classifier: CertaintyClassifier) -> None:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.add_paragraph(TEXTS["port"])
    document.save(str(here / "a.docx"))
    (here / "b.txt").write_text(TEXTS["parc"], "utf-8")
    result = score_archive(["a.docx", "b.txt"], "scored", classifier=classifier)
    assert (result.documents, result.sentences, result.errors) == (2, 3, 0)


def bad_cell(column: str, cells: Any) -> bytes:
    """Return a Parquet file with two rows, of which the second has a cell that Python cannot hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"text": pa.array(["Il pleut.", "Il neige."]), column: cells}
    out = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), out)
    return bytes(out.getvalue().to_pybytes())


def bad_utf8() -> bytes:
    import pyarrow as pa

    return bad_cell("place", pa.array([b"Brest", b"\xff"]).view(pa.string()))


def late_date() -> bytes:
    import pyarrow as pa

    return bad_cell("day", pa.array([1, 10**7], pa.int32()).view(pa.date32()))


def overwritten(data: bytes, start: int) -> bytes:
    return data[:start] + b"\xff" * 40 + data[start + 40 :]


@pytest.mark.parametrize(
    ("name", "content", "read", "message"),
    [
        ("a.jsonl.bz2", lambda: overwritten(bz2.compress(jsonl()), 60), 0, "the compressed file is damaged"),
        ("a.parquet", lambda: overwritten(parquet(many(50)), 4), 0, "cannot be read"),
        ("a.parquet", lambda: overwritten(parquet(many(50)), 60), 0, "cannot be read"),
        ("a.parquet", bad_utf8, 1, "row 2 cannot be read"),
        ("a.parquet", late_date, 1, "row 2 cannot be read"),
        ("a.jsonl", lambda: jsonl().decode().encode("utf-16")[:-1], 2, "cannot be decoded as utf-16"),
    ],
)
def test_a_damaged_file_is_an_error_of_its_own(
    name: str, content: Callable[[], bytes], read: int, message: str, here: Path, classifier: CertaintyClassifier
) -> None:
    (here / name).write_bytes(content())
    (here / "b.txt").write_text(TEXTS["parc"], "utf-8")
    result = score_archive([name, "b.txt"], "scored", classifier=classifier)
    assert (result.documents, result.errors) == (read + 1, 1)
    assert message in rows_of(here / "scored", "errors")[0]["error"]


def test_what_may_come_back_is_no_error_of_a_document(
    here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import fsspec
    from fsspec.implementations.memory import MemoryFileSystem

    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    (here / "b.txt").write_text(TEXTS["parc"], "utf-8")
    (here / "link.txt").symlink_to("nothing.txt")

    def unmounted(*args: Any, **given: Any) -> Any:
        files = find_inputs(*args, **given)
        (here / "b.txt").rename("away")
        return files

    command = ["archive", "*.txt", "-o", "scored", "--threads", "1", "--resume"]
    with monkeypatch.context() as patch:
        patch.setattr(archive_scoring, "find_inputs", unmounted)
        assert main(command) == 2
    assert "--resume continues scored" in capsys.readouterr().err
    (here / "away").rename("b.txt")
    assert main(command) == 0
    assert {row["file"] for row in rows_of(here / "scored")} == {"a.txt", "b.txt"}
    assert [row["file"] for row in rows_of(here / "scored", "errors")] == ["link.txt"]

    def expired(*_: Any, **__: Any) -> Any:
        error = PermissionError("the token has expired")
        error.status = 401  # type: ignore[attr-defined]
        raise error

    fsspec.filesystem("memory").pipe({"/expiring/a.txt": TEXTS["port"].encode()})
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "_open", expired)
        with pytest.raises(OSError, match=r"memory:///expiring/a\.txt: cannot be read now: .*the token has expired"):
            score_archive("memory://expiring/a.txt", "remote", classifier=classifier)
    result = score_archive("memory://expiring/a.txt", "remote", classifier=classifier, resume=True)
    assert (result.documents, result.errors) == (1, 0)
