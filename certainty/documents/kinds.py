"""Detect the kind of a file by its first bytes or the members of an archive, then by its ending."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import Literal

from certainty.documents.archives import damaged_archive
from certainty.documents.compression import uncompressed_name
from certainty.errors import CertaintyError

Kind = Literal["text", "html", "pdf", "docx", "odt", "epub", "rtf", "csv", "json", "json lines", "parquet", "xlsx"]

TABLES: frozenset[Kind] = frozenset({"csv", "json", "json lines", "parquet", "xlsx"})
"""Kinds whose rows are texts."""

ENDINGS: dict[str, Kind] = {
    ".txt": "text",
    ".md": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".odt": "odt",
    ".epub": "epub",
    ".rtf": "rtf",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
"""Endings of the files that are read from a folder, and their kinds."""

READ_COMPRESSED = (".jsonl.gz", ".ndjson.gz")
"""Endings of files that are read line by line, also if they are compressed."""

HEAD = 2048
"""Number of bytes at the beginning of a file that identify its kind."""

_OCR = "make its text readable first, by OCR such as `ocrmypdf`"
_UNPACK = "unpack it, and give the files in it"
_AS_CSV = "save the sheet as CSV"
_TRANSCRIBE = "transcribe it, and give the text"
# First bytes of files that are not read, what these are, and what to do.
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (
        rb"\x89PNG|\xff\xd8\xff|GIF8|II\*\0|MM\0\*|BM....\0\0\0\0|RIFF....WEBP|....ftyp(?:heic|avif|mif1)",
        "an image",
        _OCR,
    ),
    (
        rb"ID3[\2-\4]\0|OggS\0|fLaC|RIFF....(?:WAVE|AVI )|....ftyp|\x1aE\xdf\xa3|\xff[\xfb\xf3\xf2]",
        "a sound or a film",
        _TRANSCRIBE,
    ),
    (rb"\x1f\x8b|BZh\d1AY|\xfd7zXZ|7z\xbc\xaf|Rar!\x1a|\x28\xb5\x2f\xfd", "a compressed file", _UNPACK),
    (rb"%!PS", "PostScript", "turn it into PDF with `ps2pdf`"),
    (rb"AT&TFORM", "DjVu", "turn it into text with `djvutxt`"),
    (rb"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (rb"\x7fELF|MZ.[\0-\3]", "a program", "give a text"),
    (
        rb"(?ms:From: <Saved by .*|(?!.*^(?:Received|Message-I[Dd]):).*\bContent-Type: multipart/related)",
        "a web archive (MHTML)",
        "save the page as HTML only",
    ),
)
_LEGACY = {
    ".xls": ("a legacy Excel file", _AS_CSV),
    ".ppt": ("a legacy PowerPoint file", "save it as PDF"),
    ".msg": ("an Outlook message", "save it as text or HTML"),
}
_DOC = ("a legacy Word file", "save it as .docx (`soffice --headless --convert-to docx FILE`)")
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,800}?-->\s*)*(?:<!doctype\s+html|<html|<head|<body)", re.I | re.S
)
_JSON = re.compile(rb"""\s*(?:\[\s*)?\{\s*"[^"\n]{1,100}"\s*:""")
_BOM = b"\xef\xbb\xbf"


def is_readable(name: str) -> bool:
    """Return whether a file of a folder is read, by its ending, alone or before that of a compression."""
    return Path(uncompressed_name(name)).suffix.lower() in ENDINGS


def kind_of(file: Path | bytes, name: str, ending: str | None = None) -> Kind:
    """Return the kind of a file.

    Args:
        file: Its path, or its content.
        name: Name of the file in messages.
        ending: Its ending, which decides if the content does not identify the kind; None takes that of the name.

    Raises:
        CertaintyError: If files of this kind are not read. The message names the kind and says what to do.
    """
    if isinstance(file, bytes):
        head = file[:HEAD]
    else:
        with file.open("rb") as opened:
            head = opened.read(HEAD)
    if ending is None:
        ending = Path(name).suffix.lower()
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_archive(BytesIO(file) if isinstance(file, bytes) else file, name)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refused(name, *_LEGACY.get(ending, _DOC))
    start = head.removeprefix(_BOM)
    if start.lstrip().startswith(b"%PDF-") or (ending == ".pdf" and b"%PDF-" in head):
        return "pdf"
    if start.startswith(rb"{\rtf"):
        return "rtf"
    if start.startswith(b"PAR1"):
        return "parquet"
    if ending == ".gz" and name.lower().endswith(READ_COMPRESSED):
        return "json lines"
    for beginning, what, mend in _REFUSED:
        if re.match(beginning, start, re.DOTALL):
            raise _refused(name, what, mend)
    if _HTML.match(start):
        return "html"
    return _by_ending(start, ending)


def _by_ending(start: bytes, ending: str) -> Kind:
    kind = ENDINGS.get(ending, "text")
    if kind not in ("html", "csv", "json", "json lines"):  # only the name says so; the content is text
        return "json" if _JSON.match(start) else "text"
    return kind


def _kind_of_archive(file: Path | BytesIO, name: str) -> Kind:
    try:
        with zipfile.ZipFile(file) as archive:
            members = set(archive.namelist())
            with archive.open("mimetype") if "mimetype" in members else BytesIO() as declared:
                mimetype = declared.read(100).decode("ascii", "replace").strip()
    except Exception as error:  # of damaged archives, zipfile raises exceptions of almost any type
        raise damaged_archive(name, error) from error
    if mimetype.startswith("application/epub"):
        return "epub"
    if mimetype.startswith("application/vnd.oasis.opendocument"):
        if mimetype.endswith((".text", ".text-template")):
            return "odt"
        raise _refused(name, "an OpenDocument sheet or presentation", "save a sheet as CSV, slides as PDF")
    return _kind_of_members(members, name)


def _kind_of_members(members: Collection[str], name: str) -> Kind:
    if "word/document.xml" in members:
        return "docx"
    if "META-INF/container.xml" in members:
        return "epub"
    if "xl/workbook.xml" in members:
        return "xlsx"
    if any(member.startswith("xl/") for member in members):
        raise _refused(name, "a binary Excel file", _AS_CSV)
    if any(member.startswith("ppt/") for member in members):
        raise _refused(name, "a PowerPoint file", "save it as PDF")
    raise _refused(name, "a zip archive", _UNPACK)


def _refused(name: str, what: str, mend: str) -> CertaintyError:
    return CertaintyError(f"{name}: is {what}, which is not read; {mend}.")
