"""Archives: what is read, what is written, and that nothing is lost or doubled if a run ends early."""

from __future__ import annotations

import bz2
import errno
import gzip
import http.server
import io
import json
import lzma
import multiprocessing
import os
import re
import shutil
import signal
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from archiving import ROWS, SENTENCES, TEXTS, csv, jsonl, many, parquet, rows_of, zst

import certainty
from certainty import CertaintyClassifier, CertaintyError
from certainty.archive import ArchiveResult, ArchiveSettings, score_archive
from certainty.archive import documents as archive_documents
from certainty.archive import parts as archive_parts
from certainty.archive import scoring as archive_scoring
from certainty.archive.inputs import find_inputs
from certainty.cli import main
from certainty.errors import MissingExtraError
from certainty.views.records import COLUMNS


def xlsx() -> bytes:
    book = pytest.importorskip("openpyxl", reason="openpyxl is not installed: pip install '.[documents]'").Workbook()
    for row in (list(ROWS[0]), *(list(row.values()) for row in ROWS)):
        book.active.append(row)
    book.save(out := io.BytesIO())
    return out.getvalue()


def places(folder: Path) -> list[tuple[str, str, int]]:
    return [(row["file"], row["id"], row["sentence"]) for row in rows_of(folder)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", jsonl),
        ("rows.jsonl.gz", lambda: gzip.compress(jsonl())),
        ("rows.jsonl.xz", lambda: lzma.compress(jsonl())),
        ("rows.ndjson.bz2", lambda: bz2.compress(jsonl())),
        ("rows.jsonl.zst", lambda: zst(jsonl())),
        ("rows.json", lambda: json.dumps(ROWS).encode()),
        ("rows.csv", csv),
        ("rows.csv.zst", lambda: zst(csv())),
        ("rows.parquet", parquet),
        ("rows.xlsx", xlsx),
        ("rows.parquet.gz", lambda: gzip.compress(parquet())),
        ("utf16.jsonl", lambda: jsonl().decode().encode("utf-16")),
        ("old.csv", lambda: csv().decode().encode("cp1252")),
    ],
)
def test_tables_of_every_kind_give_the_same_rows(
    name: str, content: Callable[[], bytes], here: Path, classifier: CertaintyClassifier
) -> None:
    (here / name).write_bytes(content())
    result = score_archive(name, "scored", classifier=classifier)
    assert (result.documents, result.sentences, result.errors) == (3, SENTENCES, 0)
    rows = rows_of(here / "scored")
    documents = classifier.score(TEXTS.values())
    expected = [sentence.to_dict() for document in documents for sentence in document]
    for row, sentence in zip(rows, expected, strict=True):
        sentence |= sentence.pop("probabilities")
        assert {column: row[column] for column in COLUMNS} == sentence
    assert [
        (row["file"], row["row"], row["id"], row["sentence"], row["date"], row["section"]) for row in rows[1:4]
    ] == [
        (name, 1, "port", 2, "2025-01-11", "ville"),
        (name, 2, "gare", 1, "2025-02-11", "ville"),
        (name, 2, "gare", 2, "2025-02-11", "ville"),
    ]


def test_folders_patterns_and_compressed_texts(
    here: Path, classifier: CertaintyClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    (here / "in/deep").mkdir(parents=True)
    (here / "in/a.txt").write_text(TEXTS["port"], "utf-8")
    (here / "in/deep/b.txt.gz").write_bytes(gzip.compress(TEXTS["gare"].encode("cp1252")))
    (here / "in/.hidden.txt").write_text("Il pleut.")
    (here / "in/picture.png").write_bytes(b"\x89PNG")
    (here / "in/loop").symlink_to(here / "in", target_is_directory=True)
    assert [file.name for file in find_inputs(["in"])] == ["in/a.txt", "in/deep/b.txt.gz"]
    assert [record.getMessage() for record in caplog.records] == [
        "in: 2 files are not read, as the ending stands for no kind of text."  # the link, too
    ]
    assert [file.name for file in find_inputs(["in/**/*.gz", "in/deep", str(here / "in/a.txt")])] == [
        "in/deep/b.txt.gz",
        str(here / "in/a.txt"),
    ]
    score_archive(["in"], here / "in/scored", classifier=classifier, settings=ArchiveSettings(format="jsonl"))
    assert {(row["file"], row["row"], row["id"]) for row in rows_of(here / "in/scored")} == {
        ("in/a.txt", None, "in/a.txt"),
        ("in/deep/b.txt.gz", None, "in/deep/b.txt.gz"),
    }
    # The results lie in the folder of the inputs, and are not taken for inputs.
    score_archive(
        ["in"], here / "in/scored", classifier=classifier, settings=ArchiveSettings(format="jsonl"), resume=True
    )


WRONG = {"nothing.txt": "no such file", "*.pdf": "matches no file", "nope://y": "cannot be opened"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("given", ["in", "in/*.txt", "in/**"])
def test_a_pipe_counts_only_if_it_is_named(given: str, here: Path, caplog: pytest.LogCaptureFixture) -> None:
    (here / "in").mkdir()
    (here / "in/a.txt").write_text(TEXTS["parc"], "utf-8")
    (here / "in/link.txt").symlink_to("a.txt")
    os.mkfifo(here / "in/pipe.txt")
    assert [file.name for file in find_inputs([given])] == ["in/a.txt", "in/link.txt"]
    assert f"{given}: 1 file is not read, as only regular files are: " in caplog.text
    assert [file.name for file in find_inputs(["in/pipe.txt"])] == ["in/pipe.txt"]


def test_an_archive_without_any_input_is_refused(here: Path, classifier: CertaintyClassifier) -> None:
    for wrong, message in WRONG.items():
        with pytest.raises(CertaintyError, match=f"^{re.escape(wrong)}: {message}"):
            score_archive(wrong, "other", classifier=classifier)
    with pytest.raises(CertaintyError, match=r"^none of the 3 inputs can be read\. The first: nothing\.txt: no such"):
        score_archive(WRONG, "other", classifier=classifier)
    assert not (here / "other").exists()


def test_an_input_that_is_not_there_is_an_error_of_its_own(
    here: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    (here / "b.csv").write_bytes(csv())
    command = ["archive", "a.txt", *WRONG, "b.csv", "--threads", "1", "-q"]
    assert main([*command, "-o", "strict", "--strict"]) == 2
    assert "nothing.txt: no such file" in capsys.readouterr().err and not Path("strict").exists()
    assert main([*command, "-o", "scored"]) == 0
    assert caplog.messages[0] == "nothing.txt: no such file; check the name and the folder. The others are scored."
    assert "3 documents or inputs could not be read" in capsys.readouterr().err
    errors = rows_of(here / "scored", "errors")
    assert [(e["file"], e["row"], e["id"], e["stage"]) for e in errors] == [(w, None, w, "find") for w in WRONG]
    assert all(message in error["error"] for error, message in zip(errors, WRONG.values(), strict=True))
    assert {row["file"] for row in rows_of(here / "scored")} == {"a.txt", "b.csv"}
    # It is not tried again, also if its part is; what was read before is another matter.
    (here / "nothing.txt").write_text("Il pleut.")
    next((here / "scored/parts").iterdir()).unlink()
    assert main([*command, "-o", "scored", "--resume"]) == 0
    assert rows_of(here / "scored", "errors") == errors
    (here / "a.txt").unlink()
    capsys.readouterr()
    assert main([*command, "-o", "scored", "--resume"]) == 2
    assert "scored: an input was found before: a.txt: no such file; check the name and the folder. Resume with" in (
        capsys.readouterr().err
    )


def test_any_file_system_of_fsspec_is_read(here: Path, classifier: CertaintyClassifier) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe({"/press/a.jsonl.gz": gzip.compress(jsonl()), "/press/b.parquet": parquet()})
    result = score_archive("memory://press", "scored", classifier=classifier)
    assert result.sentences == 2 * SENTENCES
    assert {row["file"] for row in rows_of(here / "scored")} == {
        "memory:///press/a.jsonl.gz",
        "memory:///press/b.parquet",
    }


def test_a_library_that_is_missing_is_told_before_anything_is_written(
    here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.xlsx").write_bytes(xlsx())
    with monkeypatch.context() as patch, pytest.raises(CertaintyError, match=r"^a\.xlsx: an Excel file needs openpyxl"):
        patch.setitem(sys.modules, "openpyxl", None)
        score_archive("a.xlsx", "scored", classifier=classifier)
    assert not Path("scored").exists()
    score_archive("a.xlsx", "scored", classifier=classifier)
    assert {row["section"] for row in rows_of(here / "scored")} == {"ville"}


@pytest.mark.parametrize("url", ["gs://press/a.txt", "abfs://press/a.txt", "sftp://press/a.txt"])
def test_a_url_whose_library_is_missing_stops_the_run(
    url: str, here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    for module in ("aiohttp", "gcsfs", "adlfs", "paramiko"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"^{url}: .*(gcsfs|adlfs|paramiko).*[^.]\.$"):
        score_archive(["a.txt", url], "scored", classifier=classifier)
    assert not Path("scored").exists()


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


def test_csv_under_another_name_is_refused_unless_forced(here: Path, classifier: CertaintyClassifier) -> None:
    (here / "table.txt").write_bytes(csv())
    (here / "b.txt.gz").write_bytes(gzip.compress(csv()))
    score_archive(["table.txt", "b.txt.gz"], "scored", classifier=classifier)
    assert [(error["file"], error["error"]) for error in rows_of(here / "scored", "errors")] == [
        (
            name,
            f"{name}: looks like a CSV table with the columns id, text, date, section; name it .csv, or force=True to "
            "score it as running text.",
        )
        for name in ("table.txt", "b.txt.gz")
    ]
    forced = score_archive("table.txt", "forced", classifier=classifier, settings=ArchiveSettings(force=True))
    assert (forced.documents, forced.errors) == (1, 0)


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


def killed(step: int, run: Callable[[], object]) -> None:
    """Do the run in a child process, which is killed at a step: before it flushes a folder, or writes a record."""

    def child() -> None:
        steps = iter(range(10_000))

        def dying(function: Callable[..., None], *args: Any) -> None:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            function(*args)

        for name in ("sync_folder", "write_whole"):
            setattr(archive_parts, name, partial(dying, getattr(archive_parts, name)))
        run()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(90)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(("form", "is_held_by_size"), [("parquet", False), ("parquet", True), ("jsonl", False)])
def test_a_killed_run_loses_and_doubles_nothing(
    form: Any, is_held_by_size: bool, here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_held_by_size:  # each document by itself, and a few rows in each group
        monkeypatch.setattr(archive_scoring, "_COLUMNS_AHEAD", 50)
        monkeypatch.setattr(archive_parts, "_ROW_GROUP_BYTES", 2_000)
    (here / "a.jsonl").write_bytes(jsonl([*many(14), "no object"]))
    (here / "b.csv").write_bytes(csv(many(8)))
    settings = ArchiveSettings(part_sentences=12, format=form)

    def run() -> ArchiveResult:
        return score_archive(["a.jsonl", "b.csv"], "killed", settings=settings, resume=True, classifier=classifier)

    for step in (0, 1, 4, 5, 9):
        killed(step, run)
    assert rows_of(here / "killed")
    assert run().sentences == 22 * 3
    monkeypatch.undo()
    monkeypatch.chdir(here)
    score_archive(["a.jsonl", "b.csv"], "whole", classifier=classifier, settings=settings)
    for table in ("sentences", "errors"):
        assert rows_of(here / "killed", table) == rows_of(here / "whole", table)
    assert len(set(places(here / "killed"))) == 22 * 3


def test_a_part_that_has_vanished_or_is_damaged_is_scored_again(here: Path, classifier: CertaintyClassifier) -> None:
    (here / "a.jsonl").write_bytes(jsonl(many(30)))
    settings = ArchiveSettings(part_sentences=30)
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings)
    whole = rows_of(here / "scored")
    first, second, _ = sorted((here / "scored/sentences").iterdir())
    second.write_bytes(second.read_bytes()[:-7])
    kept = first.stat().st_mtime_ns
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert rows_of(here / "scored") == whole
    assert first.stat().st_mtime_ns == kept


def test_an_archive_whose_empty_folders_a_copy_has_lost_goes_on(here: Path, classifier: CertaintyClassifier) -> None:
    (here / "a.jsonl").write_bytes(jsonl([*many(4), "no object"]))
    settings = ArchiveSettings(part_sentences=4)
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings)
    for path in (*(here / "scored/errors").iterdir(), *sorted((here / "scored/parts").iterdir())[1:]):
        path.unlink()
    (here / "scored/errors").rmdir()
    result = score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert (result.documents, result.errors) == (4, 1)
    assert len(rows_of(here / "scored", "errors")) == 1


@pytest.mark.parametrize("again", [0, 1, 2, 3])
def test_a_partly_scored_file_that_may_no_longer_be_read_is_an_error(
    again: int, here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.jsonl").write_bytes(jsonl(many(12)))
    settings = ArchiveSettings(part_sentences=4)
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings)
    for record in sorted((here / "scored/parts").iterdir())[1:]:
        record.unlink()  # two documents are left
    parse, calls = archive_documents.parse_json_line, iter(range(100))

    def refused(*given: Any) -> Any:
        if next(calls) == again:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return parse(*given)

    monkeypatch.setattr(archive_documents, "parse_json_line", refused)
    with pytest.raises(CertaintyError, match=r"^a\.jsonl: cannot be read \(Permission denied\).*--strict stops here"):
        score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True, strict=True)
    calls = iter(range(100))
    result = score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert (result.documents, result.errors) == (max(2, again), 1)
    (error,) = rows_of(here / "scored", "errors")
    assert (error["file"], error["row"], error["stage"]) == ("a.jsonl", None, "read")


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_full_disk_leaves_whole_parts_and_the_run_goes_on(
    form: Any, here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    (here / "a.jsonl").write_bytes(jsonl(many(30)))
    settings = ArchiveSettings(part_sentences=30, format=form)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, before[1]))  # less than a part has
        with pytest.raises(CertaintyError, match=r"part-000000000-000000.*cannot be written \(File too large\)"):
            score_archive("a.jsonl", "scored", classifier=classifier, settings=settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert rows_of(here / "scored") == []
    # Some file systems only find out when the content is flushed.
    fsync, calls = os.fsync, iter(range(1000))

    def full(descriptor: int) -> None:
        if next(calls) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("certainty.writing.os.fsync", full)
        with pytest.raises(CertaintyError, match="No space left on device"):
            score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert len(rows_of(here / "scored")) in (30, 60)
    score_archive("a.jsonl", "scored", classifier=classifier, settings=settings, resume=True)
    assert len(set(places(here / "scored"))) == len(places(here / "scored")) == 90


def test_what_the_model_cannot_tell_is_null_and_an_archive_that_did_not_say_so_goes_on(
    here: Path, tiny_model: Path
) -> None:
    folder = Path(shutil.copytree(tiny_model, here / "cut"))
    settings = json.loads((folder / "certainty.json").read_text())
    (folder / "certainty.json").write_text(json.dumps(settings | {"heads": []}))
    classifier = certainty.load(folder, threads=1)
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    score_archive("a.txt", "scored", classifier=classifier)
    for row in rows_of(here / "scored"):
        assert [row[name] for name in ("claim_probability", "is_claim", "attributed")] == [None] * 3
        assert row["label"] != "no_claim"
    manifest = json.loads((here / "scored/manifest.json").read_text())
    assert manifest["model"].pop("heads") == []
    (here / "scored/manifest.json").write_text(json.dumps(manifest))
    score_archive("a.txt", "scored", classifier=classifier, resume=True)


def test_another_model_settings_or_inputs_are_refused(
    here: Path, classifier: CertaintyClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    score_archive("a.txt", "scored", classifier=classifier)
    before = {path: path.read_bytes() for path in (here / "scored").rglob("part-*")}

    def refused(message: str, inputs: Any = "a.txt", resume: bool = True, **given: Any) -> None:
        with pytest.raises(CertaintyError, match=message):
            score_archive(inputs, "scored", **{"classifier": classifier, "resume": resume} | given)

    refused("already exists; give --resume", resume=False)
    refused(r"settings.force is True, and was False", settings=ArchiveSettings(force=True))
    refused(r"thresholds.claim_threshold is 0.9, and was 0.55", classifier=classifier.with_thresholds(claim=0.9))
    used = classifier.engine
    swapped = certainty.load(engine="onnx" if used == "onnx-int8" else "onnx-int8", threads=1)
    refused(f"engine is {swapped.engine!r}, and was {used!r}", classifier=swapped)
    other = certainty.load(threads=1)
    vars(other)["model"] = certainty.ModelInfo("mine", None, "0" * 64)
    refused(r"model.digest is '0000.*, and was '[0-9a-f]{64}'", classifier=other)
    classifier.save_pretrained("retyped")  # the same weights, and another tokenizer
    tokenizer = here / "retyped/tokenizer.json"
    tokenizer.write_text(tokenizer.read_text("utf-8") + "\n", "utf-8")
    refused(r"files.tokenizer.json is '[0-9a-f]{64}', and was '", classifier=certainty.load("retyped", threads=1))
    (here / "b.txt").write_text("Il pleut.")
    refused("the inputs have changed: b.txt is where no further file was", ["a.txt", "b.txt"])
    (here / "a.txt").write_text("Il pleut.")
    refused("a.txt has changed: it has 9 bytes, and had")
    assert {path: path.read_bytes() for path in (here / "scored").rglob("part-*")} == before
    (here / "mine").mkdir()
    (here / "mine/thesis.odt").touch()
    assert main(["archive", "a.txt", "-o", "mine", "--resume", "--threads", "1"]) == 2
    assert "has other files, such as thesis.odt" in capsys.readouterr().err


def test_a_manifest_or_a_list_of_inputs_of_something_else_is_refused(
    here: Path, classifier: CertaintyClassifier
) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    (here / "app").mkdir()
    (here / "app/manifest.json").write_text('{"name": "my web app"}')
    with pytest.raises(CertaintyError, match=r"^app/manifest\.json: damaged \('format_version'\)"):
        score_archive("a.txt", "app", classifier=classifier, resume=True)
    assert [path.name for path in (here / "app").iterdir()] == ["manifest.json"]
    score_archive("a.txt", "scored", classifier=classifier)
    for line in ('{"error": "late"}', '{"size": 3}', '{"name": "a.txt", "size": 3, "error": 4}'):
        (here / "scored/inputs.jsonl").write_text(f"{line}\n")
        with pytest.raises(CertaintyError, match=r"^scored/inputs\.jsonl, line 1: is not an input; get the file again"):
            score_archive("a.txt", "scored", classifier=classifier, resume=True)


def test_two_runs_do_not_write_the_same_archive(here: Path, classifier: CertaintyClassifier) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    nested = []

    def progress(sentences: int, share: float | None) -> None:
        if not nested:
            with pytest.raises(CertaintyError, match="another process is writing it"):
                score_archive("a.txt", "scored", classifier=classifier, resume=True)
            nested.append(share)

    score_archive("a.txt", "scored", classifier=classifier, show_progress=progress)
    assert nested


def test_a_run_that_begins_while_another_does_is_compared_with_it(
    here: Path, classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.txt").write_text(TEXTS["port"], "utf-8")
    of = archive_scoring.KeptColumns.of

    def meanwhile(*args: Any) -> Any:
        monkeypatch.undo()
        monkeypatch.chdir(here)
        score_archive("a.txt", "scored", classifier=classifier, resume=True)
        return of(*args)

    monkeypatch.setattr(archive_scoring.KeptColumns, "of", meanwhile)
    with pytest.raises(CertaintyError, match="was scored otherwise"):
        score_archive("a.txt", "scored", classifier=classifier, resume=True, settings=ArchiveSettings(force=True))


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


def test_at_most_a_thousand_columns_are_kept(here: Path, classifier: CertaintyClassifier) -> None:
    keys = {f"k{i}": str(i) for i in range(1_500)}
    (here / "a.jsonl").write_bytes(jsonl([keys | {"n" * 2_000: "long", "id": "a", "text": TEXTS["parc"]}]))
    score_archive("a.jsonl", "scored", classifier=classifier)
    (row,) = rows_of(here / "scored")
    assert row["id"] == "a"
    assert [row[f"k{i}"] for i in range(1_000)] == [str(i) for i in range(1_000)]
    assert "k1000" not in row
    assert json.loads(row["other"]) == {f"k{i}": str(i) for i in range(1_000, 1_500)} | {"n" * 2_000: "long"}


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


def test_files_on_the_web_are_read(here: Path, classifier: CertaintyClassifier) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed: pip install '.[http]'")
    (here / "web").mkdir()
    (here / "web/a.parquet").write_bytes(parquet())
    (here / "web/b.jsonl.gz").write_bytes(gzip.compress(jsonl()))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory="web")) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}"
        result = score_archive([f"{address}/a.parquet", f"{address}/b.jsonl.gz"], "scored", classifier=classifier)
        with pytest.raises(CertaintyError, match=r"c\.txt: no such file"):
            score_archive(f"{address}/c.txt", "other", classifier=classifier)
        server.shutdown()
    assert (result.sentences, result.errors) == (2 * SENTENCES, 0)
    assert {row["file"] for row in rows_of(here / "scored")} == {f"{address}/a.parquet", f"{address}/b.jsonl.gz"}
