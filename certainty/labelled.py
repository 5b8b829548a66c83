"""Labelled sentences: read from JSONL, or through `datasets` from CSV, TSV or Parquet, and checked row by row."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.labels import Label

logger = logging.getLogger(__name__)

_KNOWN = {"text", "label", "second", "attributed", "claim", "cues", "id", "corpus", "quad", "annotator", "doubtful"}
LOADERS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class LabelledSentence:
    """One labelled sentence.

    Attributes:
        text: The sentence.
        label: Its label; None where it makes no claim.
        second: The label of a second claim, or None.
        attributed: The main claim is attributed to a source; None where the data does not say.
        claim: The sentence makes a claim.
        cues: Character spans of the deciding words; None where the data does not say.
        id: Identifier, or "".
        corpus: Name of the corpus it comes from, or "".
        group: Sentences of one group (a contrast quadruple) are held out together; or None.
        annotator: Who gave the label, or "".
        doubtful: A careful reader could give another label.
        columns: What else the row has, as text; it is no part of what makes two sentences equal.
    """

    text: str
    label: Label | None
    second: Label | None = None
    attributed: bool | None = None
    claim: bool = True
    cues: tuple[tuple[int, int], ...] | None = None
    id: str = ""
    corpus: str = ""
    group: int | None = None
    annotator: str = ""
    doubtful: bool = False
    columns: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


def read_labelled(paths: str | Path | Sequence[str | Path]) -> list[LabelledSentence]:
    """Read labelled files. Columns `text` and `label` are required, the other attributes are used where present.

    Rows with the same text, label and annotator as an earlier one are dropped with a warning.

    Raises:
        CertaintyError: a file cannot be read, or a row is wrong; the message names file, line, value and mend.
    """
    files = [paths] if isinstance(paths, (str, Path)) else list(paths)
    sentences = [sentence for file in files for sentence in _read_file(Path(file))]
    unique = list({(s.text, s.label, s.annotator): s for s in reversed(sentences)}.values())[::-1]
    if len(unique) < len(sentences):
        logger.warning("%d duplicated rows (same text and label) were dropped.", len(sentences) - len(unique))
    return unique


def digest(sentences: Sequence[LabelledSentence]) -> str:
    """Return the SHA-256 of labels and texts, by which `certainty.json` names the data that a model was made with."""
    content = "\n".join(f"{s.label or 'none'}\t{s.text}" for s in sentences)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _read_file(path: Path) -> list[LabelledSentence]:
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        raise CertaintyError(f"{path}: unknown file type {path.suffix!r}. Allowed: {', '.join(LOADERS)}.")
    if not path.is_file():
        raise CertaintyError(f"{path}: {'is a directory, not a file' if path.is_dir() else 'no such file'}.")
    if path.stat().st_size == 0:
        raise CertaintyError(f"{path}: the file is empty. It needs rows with `text` and `label`.")
    rows = _json_rows(path) if loader == "json" else _table_rows(path, loader)
    columns = set().union(*(row for _, row in rows))
    for required in ("text", "label"):
        if required not in columns:
            raise CertaintyError(
                f"{path}: no column {required!r}. Found: {', '.join(sorted(columns)) or 'none'}. "
                "Rename the column that holds it."
            )
    return [_parse(row, f"{path}, line {line}") for line, row in rows]


def _table_rows(path: Path, loader: str) -> list[tuple[int, dict[str, Any]]]:
    import datasets

    options: dict[str, Any] = {}
    if loader == "csv":
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        # As strings, or a column of numbers and blanks would be guessed to be floats.
        columns = datasets.Features({name: datasets.Value("string") for name in _csv_header(path, separator)})
        options = {"sep": separator, "features": columns, "keep_default_na": False}
    datasets.disable_progress_bars()
    try:
        table = datasets.load_dataset(loader, data_files=str(path), split="train", keep_in_memory=True, **options)
    except Exception as error:  # whatever the parser of that format raises is a fault of the file
        raise CertaintyError(f"{path}: cannot be read as {path.suffix}: {error.__cause__ or error}") from error
    return list(enumerate(table, 2 if loader == "csv" else 1))


def _csv_header(path: Path, separator: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return next(csv.reader(lines, delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise CertaintyError(f"{path}: not UTF-8 ({error}). Save the file as UTF-8.") from error


def _json_rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    # Not by `datasets`, which guesses types over the whole file and turns a date in a text into a timestamp.
    rows = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise CertaintyError(f"{path}, line {number}: not UTF-8 ({error}). Save the file as UTF-8.") from error
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except ValueError as error:
                raise CertaintyError(f"{path}, line {number}: not a JSON object: {error}.") from error
            if not isinstance(row, dict):
                raise CertaintyError(f"{path}, line {number}: expected a JSON object, found {type(row).__name__}.")
            rows.append((number, row))
    return rows


def _parse(row: dict[str, Any], where: str) -> LabelledSentence:
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise CertaintyError(f"{where}: text is {text!r}; give the sentence or delete the row.")
    claim = _boolean(row.get("claim"), f"{where}: claim")
    label = _label(row.get("label"), f"{where}: label")
    claim = claim is None or claim
    if claim and label is None:
        raise CertaintyError(f"{where}: label is missing; give one, or set claim to false.")
    return LabelledSentence(
        text=text,
        label=label if claim else None,
        second=_label(row.get("second"), f"{where}: second"),
        attributed=_boolean(row.get("attributed"), f"{where}: attributed"),
        claim=claim,
        cues=_cues(row.get("cues"), text, f"{where}: cues"),
        id=str(row.get("id") or ""),
        corpus=str(row.get("corpus") or ""),
        group=row.get("quad"),
        annotator=str(row.get("annotator") or ""),
        doubtful=bool(_boolean(row.get("doubtful"), f"{where}: doubtful")),
        columns={
            str(name): str(value) for name, value in row.items() if name not in _KNOWN and value not in (None, "")
        },
    )


def _label(value: Any, where: str) -> Label | None:
    if value in (None, ""):
        return None
    try:
        return Label.parse(value)
    except CertaintyError as error:
        raise CertaintyError(f"{where}: {error}") from None


def _boolean(value: Any, where: str) -> bool | None:
    if value in (None, ""):
        return None
    known = {"true": True, "1": True, "false": False, "0": False}
    if str(value).lower() not in known:
        raise CertaintyError(f"{where} is {value!r}; write true or false.")
    return known[str(value).lower()]


def _cues(value: Any, text: str, where: str) -> tuple[tuple[int, int], ...] | None:
    if value in (None, ""):
        return None
    try:
        spans = json.loads(value) if isinstance(value, str) else value
        cues = tuple((int(start), int(end)) for start, end in spans)
    except (TypeError, ValueError):
        raise CertaintyError(f"{where} is {value!r}; write a list of [start, end] character offsets.") from None
    for start, end in cues:
        if not 0 <= start < end <= len(text):
            raise CertaintyError(f"{where}: [{start}, {end}] lies outside the text of {len(text)} characters.")
    return cues
