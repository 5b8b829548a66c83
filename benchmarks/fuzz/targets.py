"""What is fuzzed: each target takes any bytes, and fails if a promise is broken. Our own errors are kept promises."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.fuzz import exports, streams
from benchmarks.fuzz.exports import importers
from benchmarks.fuzz.made import folder, zipped
from benchmarks.fuzz.streams import archive
from certainty.documents.reader import read_texts
from certainty.errors import CertaintyError
from certainty.labels import LABELS, Label
from certainty.model_folder import default_model
from certainty.reading import decode
from certainty.results import Document
from certainty.sentence_score import SentenceScore
from certainty.sentences import Sentence, split_sentences
from certainty.tokenising import SentenceTokenizer
from certainty.unread import read_form

Target = Callable[[bytes], None]

_CONTAINER = b'<container><rootfiles><rootfile full-path="p.opf"/></rootfiles></container>'
_PACKAGE = b'<package><manifest><item id="a" href="a.xhtml"/></manifest><spine><itemref idref="a"/></spine></package>'
_ROUTES = ("/v1/score", "/v1/view", "/v1/score/stream")
_TYPES = (b"application/json", b"application/json", b"application/x-ndjson")
_MOST_STATUS = 500


def split(data: bytes) -> None:
    """Sentences are in order and stand where they say; what the model reads of each is part of it."""
    text = data.decode("utf-8", "surrogateescape")
    done = 0
    for sentence in split_sentences(text):
        assert done <= sentence.start < sentence.end, sentence
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip(), sentence
        done = sentence.end
        form = read_form(sentence.text)
        assert len(form.text) == len(form.ends) == len(form.offsets) - 1
        assert all(0 <= a < b <= len(sentence.text) for a, b in zip(form.offsets, form.ends, strict=False))


def tokenise(data: bytes) -> None:
    """Tokens are inside the text, in order."""
    text = data.decode("utf-8", "surrogateescape")
    (encoding,) = _tokenizer()([text])
    starts = [start for start, _ in encoding.offsets]
    assert starts == sorted(starts) and all(0 <= a <= b <= len(text) for a, b in encoding.offsets)


def read(data: bytes) -> None:
    """Any bytes are a text, or one error that names the file."""
    try:
        assert decode(data, "name").strip()
    except CertaintyError as error:
        assert str(error).startswith("name"), error


def tables(data: bytes) -> None:
    """Any bytes are rows with texts, or one error that names the file."""
    endings = (".csv", ".tsv", ".json", ".jsonl", ".jsonl.gz", ".csv.gz", ".json.xz")
    ending = endings[data[0] % len(endings)] if data else ".csv"
    path = folder() / f"a{ending}"
    path.write_bytes(data[1:])
    _texts(path, f"name{ending}")


def documents(data: bytes) -> None:
    """Any page, book, PDF, Word, Excel, OpenDocument or RTF file is a text, or one error that names the file."""
    kinds = (_as_html, _as_docx, _as_odt, _as_epub, _as_pdf, _as_rtf, bytes, _as_xlsx)
    content = kinds[data[0] % len(kinds)](data[1:]) if data else b""
    path = folder() / "a"
    path.write_bytes(content)
    _texts(path)


def requests(data: bytes) -> None:
    """Any request has one answer, which is no failure of the server."""
    choice, body = (data[0], data[1:]) if data else (0, b"")
    route = choice % len(_ROUTES)
    headers = [(b"content-type", _TYPES[route])]
    headers += [(b"content-encoding", b"gzip")] if choice & 64 else []
    half = len(body) // 2 if choice & 128 else 0
    messages = [
        {"type": "http.request", "body": body[:half], "more_body": True},
        {"type": "http.request", "body": body[half:], "more_body": False},
    ]
    scope = {
        "type": "http", "method": "POST", "path": _ROUTES[route], "raw_path": b"", "root_path": "", "query_string": b"",
        "headers": headers, "scheme": "http", "http_version": "1.1", "client": None, "server": ("a", 80),
        "asgi": {"version": "3.0"},
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    loop, app = _served()
    loop.run_until_complete(asyncio.wait_for(app(scope, receive, send), 20))
    (start,) = [message for message in sent if message["type"] == "http.response.start"]
    assert start["status"] < _MOST_STATUS, start
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    if start["status"] != 200 or route == 0:
        json.loads(content)
    elif route == 2:
        assert not any(
            json.loads(line).get("error", {}).get("status", 0) >= _MOST_STATUS for line in content.splitlines()
        )


TARGETS: dict[str, Target] = {
    target.__name__: target for target in (split, tokenise, read, tables, documents, requests, importers, archive)
}


_SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {"importers": exports.seeds, "archive": streams.seeds}
"""Those of targets whose files have many parts."""


def _texts(path: Path, name: str = "name") -> None:
    try:
        texts = list(read_texts(path, name).named)
    except CertaintyError as error:
        assert str(error).startswith("name") or str(path) in str(error), error
    else:
        assert all(text.strip() for _, text in texts)


@cache
def _tokenizer() -> SentenceTokenizer:
    return SentenceTokenizer.from_folder(default_model())


class _Scorer:
    """A classifier that gives every sentence the same score, so that the server is fuzzed and not the model."""

    model = None

    def score_split(self, texts: list[str], split: list[list[Sentence]]) -> list[Document]:
        shares = dict.fromkeys(LABELS, 0.25)
        return [
            Document(
                text, tuple(SentenceScore(*sentence, Label.ASSERTED, shares, 1.0, False, ()) for sentence in sentences)
            )
            for text, sentences in zip(texts, split, strict=True)
        ]


@cache
def _served() -> tuple[asyncio.AbstractEventLoop, Any]:
    from certainty.server.app import create_app
    from certainty.server.settings import ServerSettings

    loop = asyncio.new_event_loop()
    app = create_app(_Scorer(), ServerSettings(batch_delay=0, max_body_bytes=20_000))  # type: ignore[arg-type]
    loop.run_until_complete(_started(app))
    return loop, app


async def _started(app: Any) -> None:
    app.state.service.batcher.start()


def _as_html(data: bytes) -> bytes:
    return b"<html><body>" + data


def _as_docx(data: bytes) -> bytes:
    return zipped({name: data if name == "word/document.xml" else content for name, content in _docx_members()})


@cache
def _docx_members() -> list[tuple[str, bytes]]:
    from docx import Document as Word

    out = io.BytesIO()
    Word().save(out)
    with zipfile.ZipFile(out) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def _as_xlsx(data: bytes) -> bytes:
    return zipped({name: data if "sheet" in name else content for name, content in _xlsx_members()})


@cache
def _xlsx_members() -> list[tuple[str, bytes]]:
    from openpyxl import Workbook

    out = io.BytesIO()
    Workbook().save(out)
    with zipfile.ZipFile(out) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def _as_odt(data: bytes) -> bytes:
    return zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": data})


def _as_epub(data: bytes) -> bytes:
    return zipped({"META-INF/container.xml": _CONTAINER, "p.opf": _PACKAGE, "a.xhtml": data})


def _as_pdf(data: bytes) -> bytes:
    return b"%PDF-1.4\n" + data


def _as_rtf(data: bytes) -> bytes:
    return b"{\\rtf1 " + data


def seeds(target: str) -> Iterator[bytes]:
    """Yield inputs to begin with."""
    if target in _SEEDS:
        yield from _SEEDS[target]()
        return
    texts = ["Le maire dément. Il a 3,5 km. « Oui », dit-il.", "a-\nb\f1\n<p>&eacute;", '[{"text": "Il pleut."}]', ""]
    word = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
    word += b"<w:t>Il pleut.</w:t></w:r></w:p></w:body></w:document>"
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row><c '
    sheet += b't="inlineStr"><is><t>text</t></is></c></row><row><c t="inlineStr"><is><t>Il pleut.</t></is></c></row>'
    sheet += b"</sheetData></worksheet>"
    bodies = [b'{"text": "Il pleut."}', b'{"texts": ["a", "b"]}', b'{"sentences": ["Il pleut."], "claims_only": true}']
    first = bytes(range(8)) if target in ("tables", "documents", "requests") else b""
    for content in [text.encode() for text in texts] + [word, sheet, b"text;id\nIl pleut.;1\n", *bodies]:
        yield content
        for byte in first:
            yield bytes([byte]) + content
