"""Read the texts of files, patterns and folders as the commands do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from certainty.documents.finding import find_files
from certainty.documents.reader import ReadingOptions, read_texts
from certainty.errors import CertaintyError


def read_files(
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    recursive: bool = False,
    encoding: str | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
    fix_encoding: bool = False,
    force: bool = False,
) -> Iterator[tuple[str, str]]:
    """Read the texts of files as `certainty score` does: text, web pages, PDF, DOCX, ODT, EPUB, RTF, tables.

    All kinds but text and tables need the extra `documents`. Each file is read only when its texts are needed, and as
    a whole, except for JSON Lines. The result suits `stream(…, as_tuples=True)`.

    Args:
        files: One or more files; patterns such as `articles/*.txt` are expanded.
        recursive: Read the files in folders and their subfolders.
        encoding: Encoding of texts, web pages and CSV; None detects it.
        text_column: Column of a table that holds the texts; None takes `text`. If it or `id_column` is given, a file of
            text is read as CSV, whatever its name, if it is the only one or its first line names `text_column`.
        id_column: Column of a table that identifies its rows; None takes `id`, or numbers the rows.
        fix_encoding: Repair accents that were decoded wrongly (« Ã© »).
        force: Also accept texts that are mostly markup or undecodable, logs, and sources of mails, subtitles and LaTeX.

    Returns:
        Texts and their names: the name of the file or, for a table, the id of the row (`table.csv#id` if there are
        several files).

    Raises:
        CertaintyError: If an argument is not of its type, a file cannot be read, or a pattern or folder matches no
            file; the iterator raises it, too.
    """
    given: Iterable[object] = [files]
    if isinstance(files, Iterable) and not isinstance(files, (str, bytes, os.PathLike)):
        given = files
    as_table = text_column is not None or id_column is not None
    column = "text" if text_column is None else text_column
    options = ReadingOptions(encoding, column, id_column, force, fix_encoding, as_table)
    names = find_files([_name(file) for file in given], recursive)
    return (
        (text, key)
        for name in names
        for key, text in read_texts(Path(name), name, options, several=len(names) > 1).named
    )


def _name(file: object) -> str:
    if isinstance(file, (str, os.PathLike)):
        return os.fsdecode(file)
    raise CertaintyError(f"{file!r:.60} is not the name of a file; give a string, a path, or several of them.")
