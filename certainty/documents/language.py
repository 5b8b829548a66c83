"""Estimate how much of a text is in a language other than French."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.util import find_spec
from typing import Any

_PIECE = re.compile(r"\S(?:.{0,400}(?!\S)|\S{1,400})", re.DOTALL)
_LEAST_LETTERS = 40  # in a piece; the language of a shorter one cannot be detected
_MOST_PIECES = 50  # of a text, spread evenly over it
# Words that identify French without the detector, whose model takes half a second to load.
_FRENCH = re.compile(
    "le|les|des|du|une|et|est|dans|pour|par|sur|ils?|elles?|pas|aux?|ce|cette|sont|avec|été|ont|leur|qui|[nv]ous|à|où|qu|"
    "[cdjlnsy]"
)
_LEAST_FRENCH = 0.17  # prose has 0.2 to 0.35, Italian and Catalan up to 0.15
_WORD = re.compile(r"[^\W\d_]+")
# Some of the 97 languages of the detector, so that French is not taken for a small related language.
_LANGUAGES = "ar bg ca cs da de el en es fi fr he hi hr hu id it ja ko nl no pl pt ro ru sk sv tr uk vi zh".split()  # noqa: SIM905


def foreign_share(text: str) -> tuple[float, str] | None:
    """Return the share of a text that is not French, and the main language of this share.

    Returns:
        Share of the characters of the text, and an ISO 639-1 code; None if the text is too short to detect a language,
        or py3langid is not installed.
    """
    if find_spec("py3langid") is None:
        return None
    pieces = [piece for piece in _PIECE.findall(text) if len("".join(_WORD.findall(piece))) >= _LEAST_LETTERS]
    pieces = pieces[:: max(1, len(pieces) // _MOST_PIECES)]
    if not pieces:
        return None
    characters = Counter[str]()
    for piece in pieces:
        characters[_language(piece)] += len(piece)
    french = characters.pop("fr", 0)
    if not characters:
        return 0.0, "fr"
    return characters.total() / (characters.total() + french), characters.most_common(1)[0][0]


def _language(piece: str) -> str:
    words = _WORD.findall(piece.lower())
    if sum(map(bool, map(_FRENCH.fullmatch, words))) >= _LEAST_FRENCH * len(words):
        return "fr"
    return str(_detector().classify(piece)[0])


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    detector = LanguageIdentifier.from_model_file(MODEL_FILE)
    detector.set_languages(_LANGUAGES)
    return detector
