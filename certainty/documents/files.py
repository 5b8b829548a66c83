"""Files, patterns and folders → their texts, as the commands read them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from certainty.documents.finding import find_files
from certainty.documents.reader import ReadingOptions, read_texts


def read_files(
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    recursive: bool = False,
    encoding: str | None = None,
    text_column: str = "text",
    id_column: str | None = None,
    fix_encoding: bool = False,
    force: bool = False,
) -> Iterator[tuple[str, str]]:
    """Read the texts of files as `certainty score` does: text, web pages, PDF, DOCX, ODT, EPUB, RTF, tables.

    All but text and tables need the extra `documents`. The files are read one after the other, as their texts are
    asked for. `stream(…, as_tuples=True)` takes what is yielded.

    Args:
        files: A file or several; patterns such as `articles/*.txt` are understood.
        recursive: Read the files in folders and their subfolders.
        encoding: Encoding of texts, web pages and CSV; None detects it.
        text_column: Column of a table that holds the texts.
        id_column: Column of a table that names its rows; None takes `id`, or numbers them.
        fix_encoding: Mend accents that were decoded wrongly (« Ã© »).
        force: Also take what is mostly markup or undecodable.

    Returns:
        Texts and their names: the file, of a table the id of the row, or `table.csv#id` where there are several files.

    Raises:
        CertaintyError: If a file cannot be read, or a pattern or folder stands for none; partly raised by the iterator.
    """
    given = [files] if isinstance(files, (str, os.PathLike)) else files
    names = find_files([os.fspath(file) for file in given], recursive)
    options = ReadingOptions(encoding, text_column, id_column, force, fix_encoding)
    return (
        (text, key)
        for name in names
        for key, text in read_texts(Path(name), name, options, several=len(names) > 1).named
    )
