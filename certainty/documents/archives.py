"""Check untrusted zip archives before anything is unpacked."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from certainty.errors import CertaintyError

_LARGEST = 300_000_000  # bytes of all members together
_RATIO = 200  # text is compressed by a factor of 10 to 20, a zip bomb by a factor of 1,000
_SMALL = 1_000_000  # bytes of a member whose compression is not limited
_MOST_MEMBERS = 10_000
_LARGEST_MARKUP = 50_000_000  # bytes of a member that is parsed; its tree takes ten times as much memory
_ARCHIVES = (".docx", ".odt", ".epub", ".xlsx", ".pptx", ".ods", ".odp")
_MARKUP = (".xml", ".rels", ".opf", ".ncx", ".xhtml", ".html", ".htm")
_BEFORE_MARKUP = b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"  # byte order marks and white space, in UTF-8 or UTF-16
_BLOCK = 1 << 16
# XML is also valid in UTF-16.
_DECLARATIONS = [
    word.encode(code) for word in ("<!DOCTYPE", "<!ENTITY") for code in ("ascii", "utf-16-le", "utf-16-be")
]

# Of pictures and pages inside a document: without a part in brackets, it declares none.
_HARMLESS = re.compile(rb"<!DOCTYPE\s+(?:svg|html)\b[^\[<>]{0,300}>")


@contextmanager
def opened_archive(data: bytes, name: str) -> Iterator[zipfile.ZipFile]:
    """Yield a zip archive whose members are small enough to be read.

    Raises:
        CertaintyError: If the archive is damaged or encrypted, or is too large: over 300 MB or 200 times its size
            when unpacked, a member to parse over 50 MB, or over 10,000 members.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(data))
        _check(archive, name)
    except CertaintyError:
        raise
    except Exception as error:  # of damaged archives, zipfile raises exceptions of almost any type
        raise damaged_archive(name, error) from error
    with archive:
        try:
            yield archive
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise damaged_archive(name, error) from error


def read_member(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    """Return the content of a member of an archive that `opened_archive` has checked.

    Raises:
        CertaintyError: If the member is damaged.
    """
    try:
        return archive.read(member)
    except Exception as error:  # also those of what decompresses the member
        raise damaged_archive(name, error) from error


def damaged_archive(name: str, error: Exception) -> CertaintyError:
    """Return the error of an archive that cannot be opened; its ending says what it would be."""
    ending = Path(name).suffix.lower()
    what = f"{ending[1:].upper()} file" if ending in _ARCHIVES else "zip archive"
    return CertaintyError(f"{name}: is a damaged {what} ({error}); get it again.")


def is_markup(archive: zipfile.ZipFile, member: str) -> bool:
    """Return whether a member is markup by its ending or, as an archive may give it any name, by how it begins."""
    if member.lower().endswith(_MARKUP):
        return True
    with archive.open(member) as part:
        while block := part.read(_BLOCK):
            if begun := block.lstrip(_BEFORE_MARKUP):
                return begun.startswith(b"<")
    return False


def refuse_entities(xml: bytes, name: str) -> None:
    """Refuse XML with a document type, which office files never have: its entities may expand endlessly or read files.

    Of pictures and pages inside a document, the plain document types of SVG and HTML are let through.

    Raises:
        CertaintyError: If there is a document type.
    """
    xml = _HARMLESS.sub(b"", xml)
    if any(declaration in xml for declaration in _DECLARATIONS):
        raise CertaintyError(f"{name}: declares XML entities, which no office program writes; it is not read.")


def _check(archive: zipfile.ZipFile, name: str) -> None:
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise CertaintyError(
            f"{name}: has {len(members):,} members, more than is allowed ({_MOST_MEMBERS:,}); save its text as plain "
            "text."
        )
    total = sum(member.file_size for member in members)
    if total > _LARGEST or any(member.file_size > max(_SMALL, _RATIO * member.compress_size) for member in members):
        raise CertaintyError(
            f"{name}: would unpack to {total / 1e6:,.0f} MB, more than is allowed (300 MB, or 200 times its "
            "size); save its text as plain text."
        )
    if any(member.flag_bits & 1 for member in members):
        raise CertaintyError(f"{name}: is encrypted; save it without a password.")
    for member in members:
        if member.file_size > _LARGEST_MARKUP and is_markup(archive, member.filename):
            raise CertaintyError(
                f"{name}: its member {member.filename} would unpack to {member.file_size / 1e6:,.0f} MB, more than is "
                "allowed (50 MB); save its text as plain text."
            )
