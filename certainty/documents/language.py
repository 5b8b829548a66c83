"""How much of a text is in another language than French."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.util import find_spec
from typing import Any

_PIECE = re.compile(r"\S(?:.{0,400}(?!\S)|\S{1,400})", re.DOTALL)
_LEAST_LETTERS = 40  # of a piece; less is not told apart
_MOST_PIECES = 50  # of a text, from all over it
# Words by which French is told without the detector, whose model takes half a second to load.
_FRENCH = re.compile(
    "le|les|des|du|une|et|est|dans|pour|par|sur|ils?|elles?|pas|aux?|ce|cette|sont|avec|été|ont|leur|qui|[nv]ous|à|où|qu|"
    "[cdjlnsy]"
)
_LEAST_FRENCH = 0.17  # prose has 0.2 to 0.35, Italian and Catalan up to 0.15
_WORD = re.compile(r"[^\W\d_]+")
# A part of the 97 that it knows, so that French is not taken for a small neighbour.
_LANGUAGES = "ar bg ca cs da de el en es fi fr he hi hr hu id it ja ko nl no pl pt ro ru sk sv tr uk vi zh".split()  # noqa: SIM905


def foreign_share(text: str) -> tuple[float, str] | None:
    """Return the share of a text that is not French, and the language of most of that.

    Returns:
        Share of the pieces of a text, in characters, and an ISO 639-1 code; None where the text is too short to tell,
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
