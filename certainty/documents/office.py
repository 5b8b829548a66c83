"""Extract the text of documents of word processors: DOCX, ODT, RTF."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from certainty.documents.archives import is_markup, opened_archive, refuse_entities
from certainty.extras import needs

_BETWEEN = "\n\n"  # between paragraphs: ends a sentence
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SHOWN = {f"{_WORD}tab": "\t", f"{_WORD}br": "\n", f"{_WORD}cr": "\n", f"{_WORD}noBreakHyphen": "-"}
# Deleted text, moved text in its old place, and the copy of a text box for old programs.
_NOT_SHOWN = {
    f"{_WORD}del",
    f"{_WORD}moveFrom",
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}
_ODT_PARAGRAPHS = "//text:p[not({0})] | //text:h[not({0})]".format(
    "ancestor::text:tracked-changes or ancestor::office:annotation or ancestor::text:note"
)


def docx_text(data: bytes, name: str) -> str:
    """Return the paragraphs of a Word file with all changes accepted, including those of tables and text boxes.

    Headers, footers, notes and comments are left out.

    Raises:
        CertaintyError: If it is damaged, too large, or holds what no office program writes.
        MissingExtraError: If python-docx is not installed.
    """
    needs("docx", extra="documents", user=f"{name}: a Word file")
    from docx import Document

    check_members(data, name)
    body = Document(BytesIO(data)).element.body
    return _joined("".join(_shown(paragraph)) for paragraph in body.iter(f"{_WORD}p") if not _is_hidden(paragraph))


def odt_text(data: bytes, name: str) -> str:
    """Return the paragraphs of an OpenDocument text; notes, comments and deleted text are left out.

    Raises:
        CertaintyError: If it is damaged, too large, or holds what no office program writes.
        MissingExtraError: If odfdo is not installed.
    """
    needs("odfdo", extra="documents", user=f"{name}: an OpenDocument text")
    from odfdo import Document

    check_members(data, name)
    body = Document(BytesIO(data)).body
    for note in body.get_elements("//text:note | //office:annotation"):
        note.delete()
    return _joined(paragraph.inner_text for paragraph in body.get_elements(_ODT_PARAGRAPHS))


def rtf_text(data: bytes, name: str) -> str:
    """Return the text of an RTF file.

    Raises:
        MissingExtraError: If striprtf is not installed.
    """
    needs("striprtf", extra="documents", user=f"{name}: an RTF file")
    from striprtf.striprtf import rtf_to_text

    return _joined(str(rtf_to_text(data.decode("cp1252", "replace"), errors="replace")).splitlines())


def _joined(paragraphs: Any) -> str:
    return _BETWEEN.join(filter(None, map(str.strip, paragraphs)))


def check_members(data: bytes, name: str) -> None:
    """Refuse an office file whose members are too large or, whatever their names, declare entities.

    Raises:
        CertaintyError: If it is one, or is damaged.
    """
    with opened_archive(data, name) as archive:
        for member in archive.namelist():
            if is_markup(archive, member):
                with archive.open(member) as part:
                    refuse_entities(part.read(), name)


def _is_hidden(paragraph: Any) -> bool:
    return any(ancestor.tag in _NOT_SHOWN for ancestor in paragraph.iterancestors())


def _shown(element: Any) -> Iterator[str]:
    """Yield the text of the runs of a paragraph; paragraphs inside it, in text boxes, are read separately."""
    for child in element:
        if child.tag == f"{_WORD}t":
            yield child.text or ""
        elif child.tag in _SHOWN:
            yield _SHOWN[child.tag]
        elif child.tag != f"{_WORD}p" and child.tag not in _NOT_SHOWN:
            yield from _shown(child)
