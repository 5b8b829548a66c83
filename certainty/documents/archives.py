"""Zip archives from strangers, checked before anything is unpacked."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from certainty.errors import CertaintyError

_LARGEST = 300_000_000  # bytes, of all members together
_RATIO = 200  # text is compressed ten or twenty times, a bomb a thousand times
_SMALL = 1_000_000  # bytes, of a member that may be compressed any number of times


@contextmanager
def opened_archive(data: bytes, name: str) -> Iterator[zipfile.ZipFile]:
    """Yield a zip archive whose members are small enough to be read.

    Raises:
        CertaintyError: If it is damaged, encrypted, or would unpack to more than 300 MB or to 200 times its size.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _check(archive.infolist(), name)
            yield archive
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise CertaintyError(f"{name}: is a damaged zip archive ({error}); get it again.") from error


def refuse_entities(xml: bytes, name: str) -> None:
    """Refuse a document type, which office files never have: its entities may expand without end, or name other files.

    Raises:
        CertaintyError: If there is one.
    """
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise CertaintyError(f"{name}: declares XML entities, which no office program writes; it is not read.")


def _check(members: list[zipfile.ZipInfo], name: str) -> None:
    total = sum(member.file_size for member in members)
    if total > _LARGEST or any(member.file_size > max(_SMALL, _RATIO * member.compress_size) for member in members):
        raise CertaintyError(
            f"{name}: would unpack to {total / 1e6:,.0f} MB, more than is allowed (300 MB, or 200 times its "
            "size); save its text as plain text."
        )
    if any(member.flag_bits & 1 for member in members):
        raise CertaintyError(f"{name}: is encrypted; save it without a password.")
