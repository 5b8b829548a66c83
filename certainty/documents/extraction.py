"""Extract the text of a file of any kind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from certainty.documents.confined import NoProcessError
from certainty.documents.kinds import Kind
from certainty.documents.office import docx_text, odt_text, rtf_text
from certainty.documents.pages import epub_text, html_text
from certainty.documents.pdf import pdf_text
from certainty.errors import CertaintyError
from certainty.reading import decode

_READERS: dict[Kind, Callable[[bytes, str], str]] = {
    "pdf": pdf_text,
    "docx": docx_text,
    "odt": odt_text,
    "epub": epub_text,
    "rtf": rtf_text,
}
_LIBRARIES = ("pypdf", "trafilatura", "htmldate", "justext", "odfdo", "docx")


def extracted_text(data: bytes, kind: Kind, name: str, encoding: str | None = None) -> str:
    """Return the text of a file.

    Args:
        data: Content of the file.
        kind: Kind of the file, which is not a table.
        name: Name of the file in messages.
        encoding: Encoding of a text or a web page; None detects it.

    Raises:
        CertaintyError: If the file is damaged or has no text.
        MissingExtraError: If a library that reads this kind of file is not installed.
        NoProcessError: If the process that reads PDFs cannot be started; another attempt may succeed.
    """
    if kind == "text":
        return decode(data, name, encoding, has_choice=True)
    with quiet():
        try:
            text = html_text(data, name, encoding) if kind == "html" else _READERS[kind](data, name)
        except (CertaintyError, NoProcessError):
            raise
        except Exception as error:  # on damaged files, these libraries raise exceptions of almost any type
            raise unreadable(name, kind, error) from error
    if not text.strip():
        raise CertaintyError(f"{name}: is a {kind.upper()} file without text; give one that contains text.")
    return text


def unreadable(name: str, kind: Kind, error: Exception) -> CertaintyError:
    """Return the error of a file that is damaged, or of a library that stumbles over it."""
    return CertaintyError(
        f"{name}: cannot be read as {kind.upper()} ({type(error).__name__}: {error}); save it again, or save its text."
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the libraries, which log problems even in files that they can read."""
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
