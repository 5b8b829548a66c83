"""Read labelled sentences from files or from rows in memory, and check each row."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from certainty.cells import (
    UnknownLabelError,
    as_boolean,
    as_label,
    as_spans,
    as_text,
    contrast_group,
    is_missing,
    plain,
)
from certainty.errors import CertaintyError
from certainty.given_rows import given_rows
from certainty.json_lines import read_json_lines
from certainty.label_names import LabelNames
from certainty.labels import LABELS, Label
from certainty.messages import argument, counted, names_options
from certainty.tables import read_csv, read_parquet

logger = logging.getLogger(__name__)

READERS: dict[str, Callable[[Path], Iterator[tuple[int, Mapping[str, Any]]]]] = {
    ".jsonl": read_json_lines,
    ".json": read_json_lines,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
}
"""The reader for each file name extension."""
_KNOWN = {"text", "label", "second", "attributed", "claim", "cues", "sources", "id", "corpus", "quad", "annotator"}
_KNOWN |= {"doubtful"}
_SHOWN_NAMES = 10


class Columns(NamedTuple):
    """The names that the required columns, and that of the annotators, have in the data."""

    text: str = "text"
    label: str = "label"
    annotator: str = "annotator"


_STANDARD = Columns()


@dataclass(frozen=True)
class LabelledSentence:
    """One labelled sentence.

    Attributes:
        text: The sentence.
        label: The label of its main claim; None if it makes no claim (in a file: label `no_claim`, or claim false).
        second: The label of a second claim, or None.
        attributed: Whether the main claim is attributed to a source; None if unknown.
        claim: Whether the sentence makes a claim.
        cues: Character spans of the words that decide the label; None if unknown.
        sources: Character spans of the words that name who makes the main claim, then who reports it; empty if nobody
            is named, None if unknown.
        id: Identifier, or "".
        corpus: Name of the corpus that the sentence comes from, or "".
        group: Number of the contrast quadruple that the sentence belongs to, or None. Sentences of a group are held out
            together.
        annotator: Name of the annotator, or "".
        doubtful: Whether a careful reader could give another label.
        second_known: Whether a `second` of None means that there is no second claim, not that it is unknown: whether
            the row has this column. It is ignored when sentences are compared.
        columns: The other columns of the row, as text. They are ignored when sentences are compared.
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
    sources: tuple[tuple[int, int], ...] | None = None
    second_known: bool = field(default=False, compare=False)
    columns: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def source(self) -> tuple[int, int] | None:
        """The span of the words that name who makes the main claim; None if nobody is named, or if unknown."""
        return self.sources[0] if self.sources and self.attributed is not False else None

    @property
    def source_known(self) -> bool:
        """Whether it is known if a source is named: `sources` are given, or the claim is not attributed."""
        return self.sources is not None or self.attributed is False


_GIVEN = [f for f in fields(LabelledSentence) if f.name not in ("group", "second_known", "columns")]


def read_labelled(
    data: str | os.PathLike[str] | Iterable[Any],
    label_names: Mapping[str, str] | LabelNames | None = None,
    *,
    text_column: str = "text",
    label_column: str = "label",
    annotator_column: str = "annotator",
) -> list[LabelledSentence]:
    """Read labelled sentences.

    The columns `text` and `label`, or those given in their place, are required; those for the other attributes of
    `LabelledSentence` are optional. Labels may be written in any case, and with spaces or hyphens; `no_claim` marks a
    sentence that makes no claim. Rows with the same text, label and annotator as an earlier row are dropped with a
    warning.

    Args:
        data: One or more paths, or rows: mappings, `LabelledSentence` objects, a pandas or polars DataFrame, or a
            `datasets.Dataset`. Files may be JSON Lines, CSV, TSV (see `certainty.tables.read_csv`) or Parquet.
        label_names: Other names for labels, such as `{"rumeur": "probable"}`; case, spaces and hyphens do not count. A
            warning names those that no row has, unless they are `LabelNames`, which may be for other data as well.
        text_column: Column that holds the texts. A column `text` beside it is not read. `LabelledSentence` objects are
            read as they are.
        label_column: Column that holds the labels; likewise.
        annotator_column: Column that holds the names of the annotators; likewise. `annotator` may be missing, but not a
            column of another name.

    Raises:
        CertaintyError: If a file cannot be read, a column is missing, a row is invalid, or a name in `label_names`
            stands for no label. The message names the file and line, or the row (counted from 0), and the value.
        MissingExtraError: If a Parquet file is given and pyarrow is not installed.
    """
    columns = Columns(text_column, label_column, annotator_column)
    _check_names(columns)
    names = label_names if isinstance(label_names, LabelNames) else LabelNames(label_names)
    sentences: list[LabelledSentence] = []
    rows: list[tuple[str, Any]] = []
    for where, item in items_of(data, label_column):
        if isinstance(item, (str, os.PathLike)):
            sentences += _read_file(Path(item), names, columns)
        else:
            rows.append((where, item))
    if rows:
        sentences += _parsed(rows, "the rows", names, columns)
    if names is not label_names:
        names.warn_if_unmet()
    unique = list({(s.text, s.label, s.annotator): s for s in reversed(sentences)}.values())[::-1]
    if len(unique) < len(sentences):
        logger.warning("%d duplicated rows (same text and label) were dropped.", len(sentences) - len(unique))
    return unique


def other_columns(row: Mapping[str, Any]) -> dict[str, str]:
    """Return what a row has beside the attributes of `LabelledSentence`, as text, without missing values."""
    return {str(name): str(v) for name, v in row.items() if name not in _KNOWN and not is_missing(v)}


def digest(sentences: Sequence[LabelledSentence]) -> str:
    """Return the SHA-256 of the labels and texts, which identifies a model's training data in `certainty.json`."""
    content = "\n".join(f"{s.label or 'none'}\t{s.text}" for s in sentences)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def items_of(data: Any, label_column: str = "label") -> Iterator[tuple[str, Any]]:
    """Yield paths, mappings and `LabelledSentence` objects, each with a name for messages; see `read_labelled`."""
    for where, item in given_rows(data, label_column):
        if not isinstance(item, (str, os.PathLike, Mapping, LabelledSentence)):
            raise CertaintyError(f"{where}: expected a mapping with `text` and `label`, found {type(item).__name__}.")
        yield where, item


def as_row(sentence: LabelledSentence) -> dict[str, Any]:
    """Return a sentence as a row that `read_labelled` reads back."""
    row = {**sentence.columns, **{f.name: getattr(sentence, f.name) for f in _GIVEN}, "quad": sentence.group}
    return row if sentence.second or sentence.second_known else {k: v for k, v in row.items() if k != "second"}


def _read_file(path: Path, names: LabelNames, columns: Columns) -> list[LabelledSentence]:
    if not path.is_file():
        told = "is a directory, not a file" if path.is_dir() else "no such file; check the name and the folder"
        raise CertaintyError(f"{path}: {told}.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise CertaintyError(
            f"{path}: unknown file type {path.suffix!r}. Allowed: {', '.join(READERS)}; save a spreadsheet as CSV."
        )
    if path.stat().st_size == 0:
        raise CertaintyError(
            f"{path}: the file is empty; it must have rows with `{columns.text}` and `{columns.label}`."
        )
    unit = "row" if reader is read_parquet else "line"
    rows = [(f"{path}, {unit} {number}", row) for number, row in reader(path)]
    if not rows:
        raise CertaintyError(f"{path}: has no rows; give rows with `{columns.text}` and `{columns.label}`.")
    return _parsed(rows, str(path), names, columns)


def _parsed(
    given: Sequence[tuple[str, Mapping[str, Any] | LabelledSentence]], source: str, names: LabelNames, columns: Columns
) -> list[LabelledSentence]:
    _check_columns([row for _, row in given if isinstance(row, Mapping)], source, columns)
    rows = [(where, *_with_standard_names(row, columns)) for where, row in given]
    try:
        return [_parse(row, where, names, given_as) for where, row, given_as in rows]
    except UnknownLabelError as error:
        labels = (row.get("label") for _, row, _ in rows)
        unknown = names.unknown(label for label in labels if isinstance(label, str) and not is_missing(label))
        if sum(unknown.values()) < 2:
            raise
        shown = [f"{label!r} ({n})" for label, n in unknown.items()]
        counts = ", ".join([*shown[:_SHOWN_NAMES], *(["…"] if len(shown) > _SHOWN_NAMES else [])])
        raise CertaintyError(
            f"{error} {source}: {counted(len(unknown), 'unknown label')}: {counts}. If they are your own names, say "
            "what they stand for: label_names in Python, --map on the command line, as in --map "
            f"'{next(iter(unknown))}=LABEL'."
        ) from None


def _check_names(columns: Columns) -> None:
    given: dict[str, str] = {}
    for name, column in columns._asdict().items():
        told = argument(f"{name}_column")
        if not isinstance(column, str):
            raise CertaintyError(f"{told} is {column!r}; give the name of one column.")
        # A column `annotator` may hold the texts or labels: then the annotators are unknown.
        if column in given and (name, column) != ("annotator", _STANDARD.annotator):
            raise CertaintyError(f"{given[column]} and {told} are both {column!r}; give two columns.")
        given[column] = told


def _check_columns(rows: Sequence[Mapping[str, Any]], source: str, columns: Columns) -> None:
    found = {column for row in rows for column in row}
    for name, column in columns._asdict().items():
        if rows and column not in found and (name, column) != ("annotator", _STANDARD.annotator):
            functions = "`read_labelled`" if name == "annotator" else "`read_labelled` or `finetune`"
            of = "" if names_options() else f" (of {functions})"
            raise CertaintyError(
                f"{source}: no column {column!r}. Found: {', '.join(sorted(map(str, found))) or 'none'}. "
                f"Give {argument(f'{name}_column')}{of}, or rename the column that has it."
            )


def _with_standard_names(
    row: Mapping[str, Any] | LabelledSentence, columns: Columns
) -> tuple[Mapping[str, Any], Columns]:
    """Return a row with the columns `text`, `label` and `annotator`, and the names that these have in the data."""
    if isinstance(row, LabelledSentence):
        return as_row(row), _STANDARD
    if columns == _STANDARD:
        return row, columns
    own = {name: row[column] for name, column in columns._asdict().items() if column in row}
    if columns.annotator in columns[:2]:
        own.pop("annotator", None)
    taken = {*_STANDARD, *columns}
    return {name: value for name, value in row.items() if name not in taken} | own, columns


def _parse(row: Mapping[str, Any], where: str, names: LabelNames, given_as: Columns) -> LabelledSentence:
    row = {name: plain(value) for name, value in row.items()}
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise CertaintyError(f"{where}: {given_as.text} is {text!r}; give the sentence or delete the row.")
    if "\0" in text:
        raise CertaintyError(f"{where}: {given_as.text} has NUL characters ({text[:40]!r}); remove them.")
    claim = as_boolean(row.get("claim"), f"{where}: claim")
    label = as_label(row.get("label"), f"{where}: {given_as.label}", tuple(Label), names)
    if claim and label is Label.NO_CLAIM:
        raise CertaintyError(f"{where}: {given_as.label} is no_claim, but claim is true; change one of them.")
    claim = label is not Label.NO_CLAIM and (claim is None or claim)
    if claim and label is None:
        raise CertaintyError(
            f"{where}: {given_as.label} is missing; give one (no_claim if the sentence makes no claim)."
        )
    return LabelledSentence(
        text=text,
        label=label if claim else None,
        second=as_label(row.get("second"), f"{where}: second", LABELS, names),
        second_known="second" in row,
        attributed=as_boolean(row.get("attributed"), f"{where}: attributed"),
        claim=claim,
        cues=as_spans(row.get("cues"), text, f"{where}: cues"),
        sources=as_spans(row.get("sources"), text, f"{where}: sources"),
        id=as_text(row.get("id")),
        corpus=as_text(row.get("corpus")),
        group=contrast_group(row.get("quad"), f"{where}: quad"),
        annotator=as_text(row.get("annotator")),
        doubtful=bool(as_boolean(row.get("doubtful"), f"{where}: doubtful")),
        columns=other_columns(row),
    )
