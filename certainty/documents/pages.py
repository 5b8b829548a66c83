"""Extract the main text of web pages and EPUB books, without menus, scripts and notices."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote, urldefrag

from certainty.documents.archives import opened_archive
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.reading import decode

_CHARSET = re.compile(rb"""<(?:meta|\?xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([\w:.-]{1,40})""", re.I)
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"


def html_text(data: bytes, name: str, encoding: str | None = None) -> str:
    """Return the main text of a web page, with one paragraph per line.

    Args:
        data: The page.
        name: Name of the page in messages.
        encoding: Encoding of the page; None takes UTF-8 if the page is valid UTF-8, else the encoding that the page
            names, else the one that `certainty.reading` detects.

    Raises:
        CertaintyError: If the page has no text, or cannot be decoded.
        MissingExtraError: If trafilatura is not installed.
    """
    needs("trafilatura", extra="documents", user=f"{name}: a web page")
    import trafilatura

    html = decode(data, name, encoding or _declared(data), has_choice=True)
    text = trafilatura.extract(html, include_comments=False) or _whole_text(html)
    if not text.strip():
        raise CertaintyError(
            f"{name}: is a web page without text, which scripts may load; save the page from the browser."
        )
    return text


def epub_text(data: bytes, name: str) -> str:
    """Return the text of an EPUB, chapter after chapter in reading order, with blank lines between them.

    Raises:
        CertaintyError: If the EPUB is damaged, too large, or protected against copying.
        MissingExtraError: If trafilatura or lxml is not installed.
    """
    needs("trafilatura", "lxml", extra="documents", user=f"{name}: an EPUB")
    import trafilatura

    with opened_archive(data, name) as archive:
        protected = archive.read(_ENCRYPTION) if _ENCRYPTION in archive.namelist() else b""
        chapters = []
        for path in _spine(archive, name):
            if path.encode() in protected:
                raise CertaintyError(f"{name}: is protected against copying (DRM); its text cannot be read.")
            html = decode(archive.read(path), f"{name}, {path}", _declared(archive.read(path)))
            chapters.append(trafilatura.extract(html, favor_recall=True, include_comments=False) or _whole_text(html))
    return "\n\n".join(filter(None, map(str.strip, chapters)))


def _declared(data: bytes) -> str | None:
    """Return the encoding that a page names, unless it is UTF-8 or has a byte order mark."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        found = _CHARSET.search(data, 0, 4096)
        if not found or data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return None
        named = found[1].decode().lower()
        # Browsers read these as Windows-1252 (https://encoding.spec.whatwg.org); `decode` repairs invalid UTF-8.
        return {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "utf-8": None}.get(named, named)
    return None


def _whole_text(html: str) -> str:
    """Return all text of a page that is too short to detect its main text."""
    from trafilatura import baseline

    return baseline(html)[1]


def _spine(archive: zipfile.ZipFile, name: str) -> Iterator[str]:
    """Yield the paths of the chapters in reading order."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(archive.read(_CONTAINER), parser)
        package = root.xpath("string(//*[local-name()='rootfile']/@full-path)")
        content = etree.fromstring(archive.read(package), parser)
        items = {item.get("id"): item.get("href") for item in content.iterfind(".//{*}manifest/{*}item")}
        chapters = [items[ref.get("idref")] for ref in content.iterfind(".//{*}spine/{*}itemref")]
    except (KeyError, etree.XMLSyntaxError) as error:
        raise CertaintyError(f"{name}: is a damaged EPUB ({error}); get it again.") from error
    members = set(archive.namelist())
    for href in dict.fromkeys(chapters):  # each is in the book once
        path = posixpath.normpath(posixpath.join(posixpath.dirname(package), unquote(urldefrag(href)[0])))
        if path not in members:
            raise CertaintyError(f"{name}: is a damaged EPUB (there is no {path}); get it again.")
        yield path
