"""Read the texts of a file, with checks for noise, wrongly decoded accents and other languages."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from certainty.documents.compression import decompressor, uncompressed_name, unpacked
from certainty.documents.confined import NoProcessError
from certainty.documents.damage import MOST_NOISE, machine_text, mojibake, noise, repaired
from certainty.documents.extraction import extracted_text
from certainty.documents.kinds import READ_COMPRESSED, TABLES, Kind, kind_of
from certainty.documents.language import foreign_share
from certainty.documents.rows import read_rows
from certainty.errors import CertaintyError
from certainty.messages import argument, left_out
from certainty.reading import opening, read_bytes
from certainty.sentences import split_sentences
from certainty.tables import csv_header, is_plainly_csv

logger = logging.getLogger(__name__)

_ADDRESS = re.compile(r"(?:https?|ftp)://|www\.", re.IGNORECASE)
_MOST_FOREIGN = 0.3
# A problem of one row, the same of several rows, and what to do.
_WRONG_ACCENTS = ("has accents decoded wrongly", "have accents decoded wrongly", "{fix_encoding} repairs them")
_NO_WORDS = (
    "is mostly markup or undecodable and left out",
    "are mostly markup or undecodable and left out",
    "{force} scores such rows",
)
_NO_TEXT = ("has no text and is left out", "have no text and are left out", "name another column with {text_column}")
_NO_ID = ("has no id", "have no id", "it is empty in the output")
_SAME_ID = ("has the id of an earlier row", "have ids of earlier rows", "give each row an id of its own")
_NOT_FRENCH = ("is not French", "are not French", "the model knows only French")


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How to read files.

    Attributes:
        encoding: Encoding of texts, pages and CSV; None detects it.
        text_column: Column of a table that holds the texts.
        id_column: Column of a table that identifies its rows; None takes `id`, or numbers the rows.
        force: Accept texts that are mostly markup, encoded or undecodable, logs, and sources of mails, subtitles and
            LaTeX.
        fix_encoding: Repair accents that were decoded wrongly.
        as_table: Read a file of text as CSV, whatever its name, if it is the only one or its first line names
            `text_column`.

    Raises:
        CertaintyError: If a column or the encoding is not a string.
    """

    encoding: str | None = None
    text_column: str = "text"
    id_column: str | None = None
    force: bool = False
    fix_encoding: bool = False
    as_table: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.text_column, str):
            raise CertaintyError(f"{argument('text_column')} is {self.text_column!r:.60}; give the name of a column.")
        for name in ("encoding", "id_column"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise CertaintyError(f"{argument(name)} is {value!r:.60}; give a string, or {left_out()}.")


class Texts(NamedTuple):
    """The texts of a file.

    Attributes:
        is_table: Whether the file is a table, each of whose rows is a text.
        named: Names and texts, read as they are needed; the name is the id of a row, or the name of the file.
        sentences: Number of sentences in a table that was read to its end; otherwise None.
    """

    is_table: bool
    named: Iterator[tuple[str, str]]
    sentences: int | None = None


def read_texts(
    file: Path | bytes,
    name: str,
    options: ReadingOptions | None = None,
    several: bool = False,
    add_up: Callable[[Iterable[int]], int] | None = None,
) -> Texts:
    """Read the texts of a file of any kind that `certainty.documents.kinds` knows.

    Logs a warning for accents that were decoded wrongly and for languages other than French.

    Args:
        file: Its path, or its content.
        name: Name of the file in messages.
        options: How to read it.
        several: Whether there are several files; the names of rows then include that of the table, `table.csv#id`.
        add_up: If given, a table is first read to its end, so that a damaged row is found before the first text is
            yielded; `add_up` receives the number of sentences in each row and returns their sum. Reading a table twice
            takes little time compared with scoring.

    Raises:
        CertaintyError: If the file cannot be read, or is mostly markup or undecodable; the iterator raises it, too.
        MissingExtraError: If a library that reads this kind of file is not installed.
    """
    options = options or ReadingOptions()
    if isinstance(file, Path) and not file.exists() and _ADDRESS.match(str(name)):
        raise CertaintyError(f"{name}: is a URL, which is not downloaded; save the page and give its file.")
    if isinstance(file, Path) and not file.is_file():
        file = read_bytes(file)  # a pipe can only be read once; a folder or a missing file raises an error
    ending = None
    if decompressor(name) and not name.lower().endswith(READ_COMPRESSED):
        with opening(file) if isinstance(file, Path) else nullcontext():
            file = _unpacked(file, name)
        ending = Path(uncompressed_name(name)).suffix.lower()
    if isinstance(file, bytes):
        kind = kind_of(file, name, ending)
    else:
        with opening(file):
            kind = kind_of(file, name)
    if kind not in TABLES:
        data = read_bytes(file) if isinstance(file, Path) else file
        try:
            text = extracted_text(data, kind, name, options.encoding)
        except NoProcessError as error:
            raise CertaintyError(f"{name}: cannot be read now: {error}.") from error
        if kind != "text" or not _is_csv(text, name, options, several):
            return Texts(False, iter([(name, _checked(text, name, options))]))
        file, kind, options = text.encode(), "csv", replace(options, encoding="utf-8")
    counts = (len(split_sentences(text)) for _, text in _rows(file, kind, name, options))
    sentences = add_up(counts) if add_up else None
    rows = _checked_rows(_rows(file, kind, name, options), name, options)
    return Texts(True, ((f"{name}#{key}", text) for key, text in rows) if several else rows, sentences)


def _unpacked(file: Path | bytes, name: str) -> bytes:
    with file.open("rb") if isinstance(file, Path) else BytesIO(file) as stored:
        return unpacked(stored, name)


def _is_csv(text: str, name: str, options: ReadingOptions, several: bool) -> bool:
    """Return whether a text is to be read as CSV; refuse what is CSV beyond doubt if nothing says so."""
    if options.as_table and (not several or options.text_column in csv_header(text)):
        return True
    if not options.force:
        refuse_csv(text, name, f"name it .csv or give {argument('text_column')}")
    return False


def refuse_csv(text: str, name: str, mend: str = "name it .csv") -> None:
    """Refuse a text that is a CSV table beyond doubt.

    Raises:
        CertaintyError: If it is one. The message has `mend`.
    """
    if is_plainly_csv(text):
        raise CertaintyError(
            f"{name}: looks like a CSV table with the columns {', '.join(csv_header(text))}; {mend}, or "
            f"{argument('force', True)} to score it as running text."
        )


def _rows(file: Path | bytes, kind: Kind, name: str, options: ReadingOptions) -> Iterator[tuple[str, str]]:
    return read_rows(
        file,
        kind,
        name,
        text_column=options.text_column,
        id_column=options.id_column,
        encoding=options.encoding,
    )


def _checked(text: str, name: str, options: ReadingOptions) -> str:
    if wrong := mojibake(text):
        if options.fix_encoding:
            text = repaired(text)
        else:
            logger.warning(
                "%s: %d accents look as if UTF-8 had been read as Windows-1252 (« Ã© » for « é »); %s repairs them.",
                *(name, wrong, argument("fix_encoding", True)),
            )
    if not options.force and (share := noise(text)) > MOST_NOISE:
        raise CertaintyError(
            f"{name}: {share:.0%} of it is markup, encoded or undecodable data; give its text, or "
            f"{argument('force', True)} to score it anyway."
        )
    if not options.force and (found := machine_text(text, Path(uncompressed_name(name)).suffix)):
        what, mend = found
        raise CertaintyError(f"{name}: is {what}; {mend}, or {argument('force', True)} to score it as it is.")
    if (foreign := foreign_share(text)) and foreign[0] > _MOST_FOREIGN:
        share, language = foreign
        logger.warning(
            "%s: about %.0f %% is not French (%s); the model knows only French.", name, 100 * share, language
        )
    return text


def _checked_rows(rows: Iterator[tuple[str, str]], name: str, options: ReadingOptions) -> Iterator[tuple[str, str]]:
    """Check the rows, and log only the number of doubtful ones, so that a long table gives only a few warnings."""
    doubtful: dict[tuple[str, str, str], list[str]] = {}
    seen: set[str] = set()
    for number, (key, text) in enumerate(rows, 1):
        row = key or f"no. {number}"
        if not text:
            doubtful.setdefault(_NO_TEXT, []).append(row)
            continue
        if not key:
            doubtful.setdefault(_NO_ID, []).append(row)
        elif key in seen:
            doubtful.setdefault(_SAME_ID, []).append(row)
        seen.add(key)
        if mojibake(text):
            if options.fix_encoding:
                text = repaired(text)
            else:
                doubtful.setdefault(_WRONG_ACCENTS, []).append(row)
        if not options.force and noise(text) > MOST_NOISE:
            doubtful.setdefault(_NO_WORDS, []).append(row)
            continue
        if (found := foreign_share(text)) and found[0] > _MOST_FOREIGN:
            doubtful.setdefault(_NOT_FRENCH, []).append(row)
        yield key, text
    if not seen:
        raise CertaintyError(
            f"{name}: has no row with a text in {options.text_column!r}; name the column with "
            f"{argument('text_column')}."
        )
    flags = {flag: argument(flag, True) for flag in ("fix_encoding", "force")}
    for (one, several, mend), keys in doubtful.items():
        told = (
            f"1 row {one} (row {keys[0]})" if len(keys) == 1 else f"{len(keys)} rows {several} (first: row {keys[0]})"
        )
        logger.warning("%s: %s; %s.", name, told, mend.format(text_column=argument("text_column"), **flags))
