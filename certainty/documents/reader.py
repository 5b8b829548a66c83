"""A file → its texts, with checks for noise, wrong accents and other languages."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from certainty.documents.damage import MOST_NOISE, mojibake, noise, repaired
from certainty.documents.extraction import extracted_text
from certainty.documents.kinds import TABLES, Kind, kind_of
from certainty.documents.language import foreign_share
from certainty.documents.rows import read_rows
from certainty.errors import CertaintyError
from certainty.reading import opening, read_bytes
from certainty.sentences import split_sentences

logger = logging.getLogger(__name__)

_ADDRESS = re.compile(r"(?:https?|ftp)://|www\.", re.IGNORECASE)
_MOST_FOREIGN = 0.3
# What is wrong with one row or with several, and what can be done.
_WRONG_ACCENTS = ("has accents decoded wrongly", "have accents decoded wrongly", "--fix-encoding mends them")
_NO_WORDS = (
    "is mostly markup or undecodable and left out",
    "are mostly markup or undecodable and left out",
    "--force scores such rows",
)
_NOT_FRENCH = ("is not French", "are not French", "the model knows French only")


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How files are read.

    Attributes:
        encoding: Encoding of texts, pages and CSV; None detects it.
        text_column: Column of a table that holds the text.
        id_column: Column of a table that names the row; None takes `id`, or the number of the row.
        force: Take texts that are mostly no words.
        fix_encoding: Mend accents that were decoded wrongly.
    """

    encoding: str | None = None
    text_column: str = "text"
    id_column: str | None = None
    force: bool = False
    fix_encoding: bool = False


class Texts(NamedTuple):
    """The texts of a file.

    Attributes:
        is_table: It is a table, and each of its rows is a text.
        named: Names and texts, read as they are asked for: the ids of rows, else the name of the file.
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

    What is doubtful about them is logged: accents that were decoded wrongly, another language than French.

    Args:
        file: Its path, or all that it holds.
        name: Names it in messages.
        options: How it is read.
        several: It is one of several files: the rows of a table are called by its name too, `table.csv#id`.
        add_up: If given, a table is first read to its end, so that a damaged row is found before the first text is
            taken; `add_up` is given the number of sentences in each row and returns their sum. Reading a table twice
            takes little time compared with scoring.

    Raises:
        CertaintyError: If it cannot be read, or is mostly no words; also raised by the iterator.
        MissingExtraError: If a library that reads its kind is not installed.
    """
    options = options or ReadingOptions()
    if isinstance(file, Path) and not file.exists() and _ADDRESS.match(str(name)):
        raise CertaintyError(f"{name}: is an address, and nothing is fetched; save the page and give its file.")
    if isinstance(file, Path) and not file.is_file():
        file = read_bytes(file)  # a pipe is read once; a folder or a missing file is told
    if isinstance(file, bytes):
        kind = kind_of(file, name)
    else:
        with opening(file):
            kind = kind_of(file, name)
    if kind in TABLES:
        counts = (len(split_sentences(text)) for _, text in _rows(file, kind, name, options))
        sentences = add_up(counts) if add_up else None
        rows = _checked_rows(_rows(file, kind, name, options), name, options)
        return Texts(True, ((f"{name}#{key}", text) for key, text in rows) if several else rows, sentences)
    data = read_bytes(file) if isinstance(file, Path) else file
    return Texts(False, iter([(name, _checked(extracted_text(data, kind, name, options.encoding), name, options))]))


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
                "%s: %d accents look as if UTF-8 had been read as Windows-1252 (« Ã© » for « é »); --fix-encoding "
                "mends them.",
                *(name, wrong),
            )
    if not options.force and (share := noise(text)) > MOST_NOISE:
        raise CertaintyError(
            f"{name}: {share:.0%} of it is markup, encoded or undecodable data; give its text, or --force to score it "
            "all the same."
        )
    if (found := foreign_share(text)) and found[0] > _MOST_FOREIGN:
        share, language = found
        logger.warning(
            "%s: about %.0f %% is not French (%s); the model knows French only.", name, 100 * share, language
        )
    return text


def _checked_rows(rows: Iterator[tuple[str, str]], name: str, options: ReadingOptions) -> Iterator[tuple[str, str]]:
    """Check the rows, and log at the end how many are doubtful, so that a long table is told in a few lines."""
    doubtful: dict[tuple[str, str, str], list[str]] = {}
    empty = True
    for key, text in rows:
        empty = False
        if mojibake(text):
            if options.fix_encoding:
                text = repaired(text)
            else:
                doubtful.setdefault(_WRONG_ACCENTS, []).append(key)
        if not options.force and noise(text) > MOST_NOISE:
            doubtful.setdefault(_NO_WORDS, []).append(key)
            continue
        if (found := foreign_share(text)) and found[0] > _MOST_FOREIGN:
            doubtful.setdefault(_NOT_FRENCH, []).append(key)
        yield key, text
    if empty:
        raise CertaintyError(
            f"{name}: has no row with a text in {options.text_column!r}; name its column by --text-column."
        )
    for (one, several, mend), keys in doubtful.items():
        told = (
            f"1 row {one} (row {keys[0]})" if len(keys) == 1 else f"{len(keys)} rows {several} (first: row {keys[0]})"
        )
        logger.warning("%s: %s; %s.", name, told, mend)
