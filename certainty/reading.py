"""Read text from files and bytes in any of the usual encodings of French files."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certainty.errors import CertaintyError
from certainty.messages import argument, counted

logger = logging.getLogger(__name__)

# The encodings used in Western Europe before UTF-8, most likely first. Windows-1252 also covers Latin-1 text.
_OLD_ENCODINGS = {"cp1252": "Windows-1252", "cp850": "the MS-DOS code page 850", "mac-roman": "Mac OS Roman"}
_REPLACEMENT = "\ufffd"
_LEAST_ZEROS = 0.5  # share of the high bytes of UTF-16, which are zero for all of French but the typographic signs
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_MOST_CONTROLS = 0.02  # share of the bytes of a text; random data has a tenth


def read_text(path: Path, encoding: str | None = None) -> str:
    """Read a text file.

    Line breaks are kept as they are in the file, so that offsets point into the decoded text. A byte order mark is
    removed.

    Args:
        path: The file.
        encoding: Its encoding. None detects UTF-8, and UTF-16 by its byte order mark. Damaged UTF-8, with fewer invalid
            bytes than valid accents, is read with U+FFFD in place of invalid bytes. Anything else is read as
            Windows-1252, or as MS-DOS code page 850 or Mac OS Roman if that gives more French accents. In both cases, a
            warning is logged.

    Raises:
        CertaintyError: If the file does not exist, is a directory, or cannot be read or decoded; see `decode`.
    """
    return decode(read_bytes(path), str(path), encoding, has_choice=True)


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        CertaintyError: If the file does not exist, is a directory, or cannot be read.
    """
    with opening(path):
        return path.read_bytes()


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Turn an `OSError` raised while opening or reading a file into a `CertaintyError`."""
    try:
        yield
    except FileNotFoundError:
        raise CertaintyError(f"{path}: no such file; check the name and the folder.") from None
    except IsADirectoryError:
        raise CertaintyError(
            f"{path}: is a directory; give the files in it, such as {path / '*.txt'}, or {argument('recursive', True)}."
        ) from None
    except OSError as error:
        raise CertaintyError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error


def decode(data: bytes, name: str, encoding: str | None = None, *, has_choice: bool = False) -> str:
    """Decode the bytes of a text file; see `read_text`.

    Args:
        data: The content of the file.
        name: Name of the file, for error messages.
        encoding: As for `read_text`.
        has_choice: Whether the user can give an encoding, so that messages advise it.

    Raises:
        CertaintyError: If the text is empty or only white space, has control characters as binary files do, or cannot
            be decoded, or if the encoding is unknown.
    """
    text = _detect(data, name, has_choice) if encoding is None else _decode_as(data, name, encoding)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise CertaintyError(f"{name}: is empty; give a file with text in it.")
    if "\0" in text:
        raise _no_text(data, name, has_choice)
    return text


def _no_text(data: bytes, name: str, has_choice: bool) -> CertaintyError:
    """Return the error of binary data, or of UTF-16 without a byte order mark, half of whose bytes are zero."""
    for encoding, start in (("utf-16-be", 0), ("utf-16-le", 1)):
        if data[start::2].count(0) > _LEAST_ZEROS * len(data[start::2]) and not data[1 - start :: 2].count(0):
            or_give = f", or give the encoding where there is {argument('encoding', encoding)}" if has_choice else ""
            return CertaintyError(f"{name}: looks like UTF-16 without a byte order mark; save it as UTF-8{or_give}.")
    return CertaintyError(f"{name}: is binary data, not plain text (control characters); give a file of text.")


def _detect(data: bytes, name: str, has_choice: bool) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode_as(data, name, "utf-16")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        first = error.start
    text = data.decode("utf-8", "replace")
    if bad := _damages(data, text):
        line, column = _place(data[:first].decode("utf-8"))
        logger.warning(
            "%s: %s not valid UTF-8, the first (0x%02X) in line %d, column %d; each is read as %s.",
            *(name, f"{counted(bad, 'place')} {'is' if bad == 1 else 'are'}", data[first], line, column, _REPLACEMENT),
        )
        return text
    if len(data) - len(data.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(data):
        raise _no_text(data, name, has_choice)
    encoding = _old_encoding(data)
    text = _decode_as(data, name, encoding)
    if "\0" not in text:
        logger.warning(
            "%s: not UTF-8, read as %s; if accents look wrong, save it as UTF-8%s.",
            *(
                name,
                _OLD_ENCODINGS[encoding],
                f" or use {argument('encoding')} where there is one" if has_choice else "",
            ),
        )
    return text


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text of which only the beginning is known: UTF-8, UTF-16 or an old one; see `read_text`.

    Text in UTF-8 may be damaged, so it should be decoded with `errors="replace"`.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut off
    except UnicodeDecodeError:
        if not _damages(head, head.decode("utf-8", "replace")):
            return _old_encoding(head)
    return "utf-8-sig"


def _damages(data: bytes, text: str) -> int:
    """Return the number of places that are not valid UTF-8, or 0 if the text is rather in an old encoding."""
    bad = text.count(_REPLACEMENT) - data.count(_REPLACEMENT.encode())
    # In an old encoding, nearly all accents are invalid UTF-8; in damaged UTF-8, only a few are.
    return bad if bad < len(text) - len(text.encode("ascii", "ignore")) - bad else 0


def _old_encoding(data: bytes) -> str:
    return max(_OLD_ENCODINGS, key=lambda old: _accents(data, old))  # the first, if several have as many


def _accents(data: bytes, encoding: str) -> int:
    """Count the accented letters of French, which are frequent only in the correct encoding."""
    return sum(map(data.decode(encoding, "ignore").count, "àâçèéêîïôùûë"))


def _place(before: str) -> tuple[int, int]:
    lines = (before + "x").splitlines()
    return len(lines), len(lines[-1])


def _decode_as(data: bytes, name: str, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except LookupError:
        raise CertaintyError(
            f"{name}: unknown encoding {encoding!r}; give one that Python knows, such as utf-8, cp1252, latin-1 or "
            "utf-16."
        ) from None
    except UnicodeError as error:
        raise CertaintyError(
            f"{name}: cannot be decoded as {encoding} ({error}); give the correct encoding or save it as UTF-8 text."
        ) from error
