"""What an archive may be given: tables of every kind, folders, patterns, addresses, and inputs that are not there."""

from __future__ import annotations

import bz2
import gzip
import http.server
import io
import json
import lzma
import os
import re
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from archiving import ROWS, SENTENCES, TEXTS, csv, jsonl, parquet, rows_of, zst

from certainty import CertaintyClassifier, CertaintyError
from certainty.archive import ArchiveSettings, score_archive
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
