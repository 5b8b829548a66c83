"""Inputs on the web and in S3: what fails for a moment is tried again, the rest is one clear error."""

from __future__ import annotations

import gzip
import http.server
import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import certainty
from certainty import CertaintyClassifier, CertaintyError
from certainty.archive import remote, score_archive
from certainty.cli import main

for _module in ("duckdb", "filelock", "fsspec", "pyarrow", "tenacity"):
    pytest.importorskip(_module, reason=f"{_module} is not installed: pip install '.[archive]'")
pytest.importorskip("aiohttp", reason="aiohttp is not installed: pip install '.[http]'")

ROWS = [{"id": f"d{i}", "text": f"Le quai {i} ouvrira en mars."} for i in range(30)]
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
DROP = 0
"""In place of a status: the connection breaks in the middle of the content."""


class Web(http.server.ThreadingHTTPServer):
    """A server that fails as it is told to before it answers.

    Attributes:
        files: The content of each path.
        failures: The answers to the next requests for the content of each path, before it is given.
        ranges: Whether parts of a file are given.
        asked: The paths of all requests for content.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.failures: dict[str, list[int]] = {}
        self.heads: dict[str, int] = {}
        self.ranges = True
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Web

    def do_HEAD(self) -> None:
        if status := self.server.heads.get(self.path):
            self._refuse(status)
        elif self.path in self.server.files:
            self._head(200, len(self.server.files[self.path]))
        else:
            self._refuse(404)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if status := self.server.heads.get(self.path):
            self._refuse(status)
            return
        failures = self.server.failures.get(self.path)
        failure = failures.pop(0) if failures else None
        if failure:
            self._refuse(failure)
            return
        content = self.server.files[self.path]
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        part = content[int(found[1]) : int(found[2]) + 1] if found and self.server.ranges else content
        self._head(206 if part is not content else 200, len(part))
        self.wfile.write(part[: len(part) // 2] if failure == DROP else part)
        self.close_connection = True

    def _head(self, status: int, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(size))
        if self.server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds before each further attempt, which are not waited for."""
    waited: list[float] = []
    monkeypatch.setattr(remote._retrying(), "sleep", waited.append)
    return waited


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def classifier() -> CertaintyClassifier:
    return certainty.load(threads=1)


def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(ROWS), out, row_group_size=5)
    return bytes(out.getvalue().to_pybytes())


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("failure", [500, 503, 429, DROP])
@pytest.mark.parametrize("name", ["/a.jsonl", "/a.parquet"])
def test_passing_failures_are_tried_again(
    name: str, failure: int, ranges: bool, web: Web, here: Path, classifier: CertaintyClassifier, waits: list[float]
) -> None:
    web.ranges = ranges
    web.files[name] = parquet() if name == "/a.parquet" else JSONL
    web.failures[name] = [failure, failure]
    result = score_archive(web.url(name), "scored", classifier=classifier)
    assert (result.documents, result.errors) == (30, 0)
    assert waits == [1, 2]


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("name", ["/a.jsonl.gz", "/a.parquet"])
def test_lasting_failures_stop_the_run_and_it_goes_on(
    name: str, ranges: bool, web: Web, here: Path, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    web.ranges = ranges
    web.files = {"/0.jsonl": JSONL, name: parquet() if name == "/a.parquet" else gzip.compress(JSONL)}
    command = ["archive", web.url("/0.jsonl"), web.url(name), "-o", "scored", "--threads", "1", "-q"]
    web.failures[name] = [503] * 4
    assert main(command) == 2
    told = capsys.readouterr().err
    assert f"stopped ({web.url(name)}: cannot be read now: status 503" in told and "--resume continues scored" in told
    assert waits == [1, 2, 4]
    assert main([*command, "--resume"]) == 0
    assert "60 sentences of 60 documents" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (403, "cannot be read (status 403 (Forbidden)); check the address, and that you may read it."),
        (401, "cannot be read (status 401 (Unauthorized)); check the address, and that you may read it."),
        (404, "no such file; check the name and the folder."),
    ],
)
def test_what_may_not_be_read_is_told_before_anything_is_written(
    status: int, told: str, web: Web, here: Path, classifier: CertaintyClassifier, waits: list[float]
) -> None:
    web.heads["/a.jsonl"] = status
    with pytest.raises(CertaintyError, match=re.escape(f"{web.url('/a.jsonl')}: {told}")):
        score_archive(web.url("/a.jsonl"), "scored", classifier=classifier)
    assert not Path("scored").exists() and not waits


def test_a_server_that_cannot_be_reached_is_named(
    web: Web, here: Path, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    web.heads["/a.jsonl"] = 500
    address = web.url("/a.jsonl")
    nobody = "http://127.0.0.1:9/a.jsonl"
    for url, why in ((address, "status 500 (Internal Server Error)"), (nobody, "ConnectionRefusedError")):
        assert main(["archive", url, "-o", "scored", "--threads", "1", "-q"]) == 2
        told = capsys.readouterr().err
        assert f"{url}: cannot be read now: {why}" in told and "Traceback" not in told
    assert waits == [1, 2, 4] * 2 and not Path("scored").exists()


def test_a_right_that_expires_stops_the_run(
    web: Web, here: Path, classifier: CertaintyClassifier, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    web.files["/a.txt"] = b"Il pleut."
    web.failures["/a.txt"] = [401]
    mend = "; renew your right to read, or begin a new folder without it"
    with pytest.raises(OSError, match=rf"{web.url('/a.txt')}: cannot be read now: status 401 .*{mend}"):
        score_archive(web.url("/a.txt"), "scored", classifier=classifier)
    assert score_archive(web.url("/a.txt"), "scored", classifier=classifier, resume=True).documents == 1

    import fsspec
    from fsspec.implementations.memory import MemoryFileSystem

    botocore = pytest.importorskip("botocore.exceptions", reason="botocore is not installed: pip install '.[s3]'")

    def expired(*_: Any, **__: Any) -> Any:
        answer = {"Error": {"Code": "InvalidAccessKeyId"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise PermissionError("no such key") from botocore.ClientError(answer, "GetObject")

    fsspec.filesystem("memory").pipe({"/right/a.txt": b"Il pleut."})
    for call in ("_open", "info"):  # as it is read, and as it is looked up
        with monkeypatch.context() as patch, pytest.raises(OSError, match=f"cannot be read now: status 403 .*{mend}"):
            patch.setattr(MemoryFileSystem, call, expired)
            score_archive("memory://right/a.txt", call, classifier=classifier)
    assert not waits


@pytest.mark.parametrize("ranges", [True, False])
def test_what_may_not_be_read_is_a_row_and_the_others_are_scored(
    ranges: bool, web: Web, here: Path, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    web.ranges = ranges
    web.heads = {"/gone.jsonl": 404, "/secret.jsonl": 403}
    refused = {"/late.jsonl": 403, "/late.parquet": 404, "/late.jsonl.gz": 410}  # once they are read
    web.failures = {path: [status] * 9 for path, status in refused.items()}
    paths = ["/a.jsonl", *web.heads, *refused, "/z.jsonl"]
    web.files = dict.fromkeys(paths, JSONL)
    command = ["archive", *map(web.url, paths), "--format", "jsonl", "--threads", "1", "-q"]
    assert main([*command, "-o", "scored"]) == 0
    captured = capsys.readouterr()
    assert "60 sentences of 60 documents" in captured.out and "5 documents or inputs could not be read" in captured.err
    (errors,) = (path.read_text(encoding="utf-8") for path in Path("scored/errors").iterdir())
    gone, forbidden = "no such file; check", r"cannot be read \(status 403 \(Forbidden\)\); check the address"
    for line, (path, stage, message) in zip(
        errors.splitlines(),
        [
            ("/gone.jsonl", "find", gone),
            ("/secret.jsonl", "find", forbidden),
            ("/late.jsonl", "read", forbidden),
            ("/late.parquet", "read", gone),
            ("/late.jsonl.gz", "read", gone),
        ],
        strict=True,
    ):
        row = json.loads(line)
        assert (row["file"], row["row"], row["id"], row["stage"]) == (web.url(path), None, web.url(path), stage)
        assert re.match(f"{web.url(path)}: {message}", row["error"])
    # They can be read now, and are not tried again.
    web.heads, web.failures = {}, {}
    web.asked.clear()
    assert main([*command, "-o", "scored", "--resume"]) == 0
    assert "5 documents or inputs could not be read" in capsys.readouterr().err and not web.asked
    web.failures = {path: [status] * 9 for path, status in refused.items()}
    assert main([*command, "-o", "strict", "--strict"]) == 2
    assert re.search(f"{web.url('/late.jsonl')}: {forbidden}.*--strict stops here", capsys.readouterr().err)
    only = ["archive", web.url("/late.jsonl"), "-o", "nothing", "--threads", "1", "-q"]
    assert main(only) == 2
    assert "0 sentences of 0 documents" in capsys.readouterr().out and not waits


def test_a_large_file_is_read_in_parts_only_where_the_server_gives_them(
    web: Web, here: Path, classifier: CertaintyClassifier
) -> None:
    text = b'{"text": "Il pleut.", "ballast": "%b"}\n' % (b"x" * 6_000_000)  # more than fsspec asks for at once
    web.files["/a.jsonl"] = text + b'{"text": "Il neige."}\n'
    for ranges, requests in ((True, 2), (False, 1)):
        web.ranges = ranges
        web.asked.clear()
        result = score_archive(web.url("/a.jsonl"), f"scored-{ranges}", classifier=classifier)
        assert (result.documents, result.errors) == (2, 0)
        assert len(web.asked) % requests == 0 and len(web.asked) >= 2


# ---- S3 --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A local S3 with the bucket `press`."""
    for module in ("s3fs", "moto", "flask", "flask_cors"):
        pytest.importorskip(module, reason=f"{module} is not installed: pip install --group remote")
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "nobody"),
        ("AWS_SECRET_ACCESS_KEY", "nothing"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    S3FileSystem.clear_instance_cache()
    files = S3FileSystem()
    files.mkdir("press")
    yield files
    S3FileSystem.clear_instance_cache()
    server.stop()


def test_s3(s3: Any, here: Path, classifier: CertaintyClassifier, waits: list[float]) -> None:
    s3.pipe("press/2025/a.jsonl.gz", gzip.compress(JSONL))
    s3.pipe("press/2025/deep/b.parquet", parquet())
    s3.pipe("press/2025/c.png", b"\x89PNG")
    result = score_archive("s3://press/2025/", "scored", classifier=classifier)
    assert (result.documents, result.sentences, result.errors) == (60, 60, 0)
    inputs = [json.loads(line)["name"] for line in Path("scored/inputs.jsonl").read_text().splitlines()]
    assert inputs == ["s3://press/2025/a.jsonl.gz", "s3://press/2025/deep/b.parquet"]
    result = score_archive("s3://press/2025/*.jsonl.gz", "pattern", classifier=classifier)
    assert result.documents == 30
    for missing in ("s3://press/none.jsonl", "s3://nowhere/a.jsonl"):
        with pytest.raises(CertaintyError, match=f"{missing}: no such file"):
            score_archive(missing, "other", classifier=classifier)
    with pytest.raises(CertaintyError, match=r"s3://press/\*\.csv: matches no file"):
        score_archive("s3://press/*.csv", "other", classifier=classifier)
    assert not waits


def test_an_object_of_s3_that_may_not_be_read_is_a_row(
    s3: Any, here: Path, classifier: CertaintyClassifier, waits: list[float]
) -> None:
    import pyarrow.parquet as pq

    for name in ("a", "secret", "z"):
        s3.pipe(f"press/{name}.jsonl", JSONL)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::press/secret.jsonl"}
    s3.call_s3("put_bucket_policy", Bucket="press", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    given = ["s3://press/", "s3://press/none.jsonl", "s3://nowhere/*.jsonl"]
    for resume in (False, True):
        result = score_archive(given, "scored", classifier=classifier, resume=resume)
        assert (result.documents, result.errors) == (60, 3)
    errors = pq.read_table("scored/errors").to_pylist()
    assert [(error["file"], error["stage"]) for error in errors] == [
        ("s3://press/secret.jsonl", "read"),
        ("s3://press/none.jsonl", "find"),
        ("s3://nowhere/*.jsonl", "find"),
    ]
    assert "s3://press/secret.jsonl: cannot be read (status 403" in errors[0]["error"] and not waits


def test_an_archive_is_kept_in_s3(s3: Any, here: Path, classifier: CertaintyClassifier) -> None:
    import pyarrow.parquet as pq

    s3.pipe("press/a.jsonl", JSONL)
    with pytest.raises(CertaintyError, match="aws s3 cp --recursive scored s3://press/scored"):
        score_archive("s3://press/a.jsonl", "s3://press/scored", classifier=classifier)
    score_archive("s3://press/a.jsonl", "scored", classifier=classifier)
    s3.put("scored", "press/", recursive=True)
    assert pq.read_table("press/scored/sentences", filesystem=s3).num_rows == 30
    s3.get("press/scored", "copy", recursive=True)
    before = {path.name: path.stat().st_mtime_ns for path in Path("copy/sentences").iterdir()}
    result = score_archive("s3://press/a.jsonl", "copy", classifier=classifier, resume=True)
    assert result.sentences == 30
    assert {path.name: path.stat().st_mtime_ns for path in Path("copy/sentences").iterdir()} == before
