"""Damaged texts: accents decoded twice, markup or binary data in place of words."""

from __future__ import annotations

import re

from certainty.extras import needs
from certainty.normalising import without_invisible

# UTF-8 read as Windows-1252: « Ã© » for « é », « â€™ » for « ’ », « Â« » for « « », « Å“ » for « œ ».
_MOJIBAKE = re.compile("Ã[\xa0-\xbf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—™š›œ\x80-\x9f]|â€[\x80-\xbf™œ˜“”¦¢]|Â[\xa0«»°·]|Å[“’]")
_ACCENT = re.compile("[àâçèéêîïôùûœÀÇÉÈÊ’«»]")
_LEAST_MOJIBAKE = 0.2  # share of accents; a text that quotes some has fewer

_NO_WORDS = re.compile(r"</?[A-Za-z][^<>]{0,2000}>|[\ufffd\x00-\x08\x0e-\x1f\x7f-\x9f]|(?<!\S)(?!\w{2,9}://)\S{200,}")
MOST_NOISE = 0.25
"""Largest share of a text, in characters, that may be something else than words."""


def mojibake(text: str) -> int:
    """Return how many accents of a text were decoded wrongly; 0 where they are only a few."""
    found = len(_MOJIBAKE.findall(text))
    if not found:
        return 0
    right = len(_ACCENT.findall(_MOJIBAKE.sub("", text)))
    return found if found >= _LEAST_MOJIBAKE * (found + right) else 0


def repaired(text: str) -> str:
    """Return the text with its wrongly decoded accents mended by ftfy, line by line.

    Raises:
        MissingExtraError: If ftfy is not installed.
    """
    needs("ftfy", extra="documents", user="--fix-encoding")
    from ftfy import fix_encoding

    return "".join(map(fix_encoding, text.splitlines(keepends=True)))


def noise(text: str) -> float:
    """Return the share of characters that are tags, undecodable, or in runs of 200 without a space (addresses aside).

    The tags of running text, which are read as what they show, do not count.
    """
    visible = without_invisible(text).text
    controls = len(re.findall(r"[\x00-\x08\x0e-\x1f]", text))
    return (sum(map(len, _NO_WORDS.findall(visible))) + controls) / max(1, len(visible) + controls)
