"""The stages that `benchmarks.hostile` measures, and the texts that are designed to slow them down."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from certainty.classifier import CertaintyClassifier
from certainty.comparison import compare
from certainty.documents.damage import mojibake, noise
from certainty.documents.kinds import kind_of
from certainty.documents.language import foreign_share
from certainty.documents.reader import read_texts
from certainty.errors import CertaintyError
from certainty.labels import LABELS, Label
from certainty.normalising import reading_form
from certainty.reading import decode
from certainty.results import Document
from certainty.sentence_score import Cue, SentenceScore
from certainty.sentences import split_sentences
from certainty.spans import cue_spans
from certainty.views.plain import write_plain
from certainty.views.records import write_csv
from certainty.views.table import write_table
from certainty.views.terminal import write_text

Stage = Callable[[str], Callable[[], object]]

FAMILIES = {
    "sentences": "Le pont est fermé. ",
    "one sentence": "le pont ",
    "no space": "x",
    "base64": "aGVsbG8gd29ybGQK+/",
    "capitals": "Jean ",
    "spaces": " ",
    "stops": ".",
    "spaced stops": ". ",
    "open quotes": '. "',
    "open guillemets": "« ",
    "open brackets": "(a ; ",
    "words left out": "a : (...) Il ",
    "initials": "A. ",
    "hyphens": "a-",
    "apostrophes": "l'",
    "forgotten spaces": "x.Le",
    "numbers": "1. 000 ",
    "note calls": "mot.1 [",
    "emojis": "😀",
    "combining accents": "e\u0301\u0301",
    "bullets": "• ",
    "blank lines": "\n",
    "unfinished lines": "a,\r\n",
    "broken words": "a-\n",
    "soft hyphens": "a\xad\n",
    "zero-width spaces": "a\u200b",
    "page breaks": "1\n\f",
    "dates": "3 mars 2020 ",
    "space after a date word": "publié" + 500 * " ",
    "entities": "&amp;",
    "ampersands": "&",
    "entity without end": "&a",
    "tags": "<b>",
    "open tags": "<p ",
    "nested tags": "<div>",
    "comments": "<!-- ",
    "escapes": "\\n",
    "double quotes": '"',
    "quoted fields": '"a";',
    "open braces": '{"a":',
    "open lists": "[",
    "mojibake": "Ã©",
    "tabs": "\t",
    "carriage returns": "\r",
    "surrogates": "\udc80",
    "control characters": "\x1b[0m",
}


def _stage(call: Callable[[str], object]) -> Stage:
    return lambda text: lambda: call(text)


@cache
def _classifier() -> CertaintyClassifier:
    return CertaintyClassifier.from_pretrained(threads=1)


def _document(text: str) -> Document:
    """Return a scored document with as many cues as there can be, without running the model."""
    shares = dict.fromkeys(LABELS, 0.25)
    sentences = []
    for text_, start, end in split_sentences(text):
        words = min(end, start + 3)
        cues = (Cue(start, words, text[start:words]),)
        sentences.append(SentenceScore(text_, start, end, Label.PROBABLE, shares, 0.9, False, cues))
    return Document(text, tuple(sentences))


def _shown(view: Callable[[Document], object]) -> Stage:
    def prepared(text: str) -> Callable[[], object]:
        document = _document(text)
        return lambda: view(document)

    return prepared


def _read_as(ending: str, before: str = "", after: str = "", escape: Callable[[str], str] = str) -> Stage:
    """Return a stage that reads a text as a file with an ending; an error of ours is a result, too."""

    def prepared(text: str) -> Callable[[], object]:
        data = f"{before}{escape(text)}{after}".encode("utf-8", "replace")

        def read() -> object:
            try:
                with NamedTemporaryFile(suffix=ending) as file:
                    file.write(data)
                    file.flush()
                    return list(read_texts(Path(file.name), f"a{ending}").named)
            except CertaintyError as error:
                return error

        return read

    return prepared


def _columns(text: str) -> str:
    """Return the names of as many columns as a header of this length can have, all of them different."""
    return ",".join(f"{number:07}" for number in range(len(text) // 8))


def _cues(text: str) -> Callable[[], object]:
    """Decode the cues of a sentence in which no token reaches the threshold, so that all words are looked at."""
    import numpy as np

    offsets = [(i, i + 4) for i in range(0, len(text), 4)]
    logits = np.full(len(offsets), -1.0, dtype=np.float32)
    return lambda: cue_spans(text, offsets, logits, 0.0, at_least_one=True)


def _changed(text: str) -> Callable[[], object]:
    old, new = _document(text), _document(text.replace("e", "a") + " Fin.")
    return lambda: compare(old, new).to_html()


def _bytes(call: Callable[[bytes], object], encoding: str, errors: str) -> Stage:
    """Return a stage that takes the bytes of a text; an error of ours is a result, too."""

    def prepared(text: str) -> Callable[[], object]:
        data = text.encode(encoding, errors)

        def read() -> object:
            try:
                return call(data)
            except CertaintyError as error:
                return error

        return read

    return prepared


def _tokenised(text: str) -> Callable[[], object]:
    sentences = [sentence.text for sentence in split_sentences(text)]
    return lambda: _classifier().tokenize(sentences)


def _json_read(text: str) -> Callable[[], object]:
    content = _document(text).to_json()
    return lambda: Document.from_json(content)


STAGES: dict[str, Stage] = {
    "decode": _bytes(lambda data: decode(data, "a"), "utf-8", "surrogatepass"),
    "old encoding": _bytes(lambda data: decode(data, "a"), "cp1252", "replace"),
    "kind": _bytes(lambda data: kind_of(data, "a"), "utf-8", "replace"),
    "damage": _stage(lambda text: (noise(text), mojibake(text))),
    "language": _stage(foreign_share),
    "split": _stage(split_sentences),
    "reading form": _stage(reading_form),
    "tokenise": lambda text: lambda: _classifier().tokenize([text]),
    "tokenise sentences": _tokenised,
    "cues": _cues,
    "text": _read_as(".txt"),
    "html": _read_as(".html", "<html><body><p>Le pont est fermé. ", "</p></body></html>"),
    "rtf": _read_as(".rtf", "{\\rtf1 "),
    "csv": _read_as(".csv", "text\n"),
    "csv, header": _read_as(".csv", "", "\na\n", _columns),
    "csv, one field": _read_as(".csv", 'text\n"', '"\n', lambda text: text.replace('"', '""')),
    "json": _read_as(".json", '[{"text": ', "}]", json.dumps),
    "json, raw": _read_as(".json"),
    "json lines": _read_as(".jsonl"),
    "page": _shown(lambda document: document.to_html()),
    "notebook": _shown(lambda document: document._repr_html_()),
    "json written": _shown(lambda document: document.to_json()),
    "json read": _json_read,
    "csv written": _shown(lambda document: write_csv([("a", document)], io.StringIO())),
    "plain table": _shown(lambda document: write_plain([("a", document)], io.StringIO())),
    "table": _shown(lambda document: write_table([("a", document)], io.StringIO(), width=80)),
    "running text": _shown(lambda document: write_text([("a", document)], io.StringIO(), width=80)),
    "comparison": _changed,
}
