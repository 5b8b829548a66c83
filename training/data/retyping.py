"""Rewrite French text as people type it: in capitals, without accents, without *ne*, with other apostrophes.

Each kind of typing is a pure function from a text to its edits, so that character spans (cues, sources) can be mapped
to the new text. `retyped` chooses a kind that only depends on the text and a seed. Pretraining and fine-tuning retype a
share of their rows, so that a model is as good on capitals as on carefully edited text.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from certainty import CertaintyError

__all__ = ["KINDS", "Edit", "Retyped", "apply", "retype", "retyped"]

APOSTROPHES = "'’ʼ‘"
_ELIDED = rf"(?i:\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu))[{APOSTROPHES}](?=\w)"
_NEGATION = re.compile(
    rf"\b(?P<ne>[Nn](?:e\s+|[{APOSTROPHES}]))(?P<verb>(?:[\w{APOSTROPHES}-]+\s+){{1,3}})"
    r"(?=(?:pas|plus|jamais|rien|personne|aucune?|guère)\b)"
)


class Edit(NamedTuple):
    """The characters from `start` to `end` of a text (end exclusive) become `new`."""

    start: int
    end: int
    new: str


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Apply edits, which must be in order and must not overlap, to a text."""
    parts, last = [], 0
    for start, end, new in edits:
        parts += [text[last:start], new]
        last = end
    return "".join([*parts, text[last:]])


@dataclass(frozen=True)
class Retyped:
    """A retyped text.

    Attributes:
        text: The new text.
        steps: The edits of each step, in order.
    """

    text: str
    steps: tuple[tuple[Edit, ...], ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the new text for the characters from `start` to `end` (exclusive) of the original text.

        If nothing of a span is left, the result is empty, with equal ends.
        """
        for edits in self.steps:
            start, end = _moved(start, edits, after=False), _moved(end, edits, after=True)
            end = max(start, end)
        return start, end


def _moved(position: int, edits: Sequence[Edit], *, after: bool) -> int:
    shift = 0
    for start, end, new in edits:
        if position <= start:
            break
        if position < end:  # inside replaced text: use its start for the start of a span, and its end for the end
            return start + shift + (len(new) if after else 0)
        shift += len(new) - (end - start)
    return position + shift


def capitals(text: str) -> list[Edit]:
    """Write all letters as capitals, keeping accents."""
    return _by_character(text, str.upper)


def lower_case(text: str) -> list[Edit]:
    """Write all letters in lower case."""
    return _by_character(text, str.lower)


def without_accents(text: str) -> list[Edit]:
    """Remove accents and cedillas, and write œ and æ as two letters."""
    return _by_character(text, _bare)


def without_ne(text: str) -> list[Edit]:
    """Drop the *ne* of a negation, as in speech: *il ne vient pas* → *il vient pas*."""
    return [Edit(*match.span("ne"), "") for match in _NEGATION.finditer(text)]


def without_apostrophes(text: str) -> list[Edit]:
    """Write elisions as one word: *c'est* → *cest*."""
    return [Edit(match.end() - 1, match.end(), "") for match in re.finditer(_ELIDED, text)]


def spaced_apostrophes(text: str) -> list[Edit]:
    """Write elisions with a space: *c'est* → *c est*."""
    return [Edit(match.end() - 1, match.end(), " ") for match in re.finditer(_ELIDED, text)]


def typographic_apostrophes(text: str) -> list[Edit]:
    """Replace straight apostrophes by typographic ones."""
    return [Edit(match.start(), match.end(), "’") for match in re.finditer("'", text)]


def without_punctuation(text: str) -> list[Edit]:
    """Drop full stops, commas and other marks before white space or at the end."""
    return [Edit(m.start(), m.end(), "") for m in re.finditer(r"(?<=\w)[.,;:!?…]+(?=\s|$)", text)]


def without_final_stop(text: str) -> list[Edit]:
    """Drop the full stop at the end."""
    return [Edit(m.start(), m.end(), "") for m in re.finditer(r"(?<=\w)\s?\.\s*$", text)]


def lower_case_start(text: str) -> list[Edit]:
    """Start in lower case."""
    return [Edit(0, 1, new)] if text and (new := text[0].lower()) != text[0] else []


def straight_quotes(text: str) -> list[Edit]:
    """Replace guillemets, with the spaces inside them, and curly quotation marks by straight ones."""
    return [Edit(*match.span(), '"') for match in re.finditer(r"«\s?|\s?»|[“”]", text)]


def guillemets(text: str) -> list[Edit]:
    """Replace pairs of straight or curly quotation marks by guillemets."""
    edits = []
    for match in re.finditer(r'["“]([^"“”]*)["”]', text):
        start, end = match.span()
        edits += [Edit(start, start + 1, "« "), Edit(end - 1, end, " »")]
    return edits


KINDS: dict[str, tuple[Callable[[str], list[Edit]], ...]] = {
    "capitals": (capitals,),
    "capitals_without_accents": (capitals, without_accents),
    "lower_case": (lower_case,),
    "without_accents": (without_accents,),
    "without_ne": (without_ne,),
    "without_apostrophes": (without_apostrophes,),
    "spaced_apostrophes": (spaced_apostrophes,),
    "typographic_apostrophes": (typographic_apostrophes,),
    "without_punctuation": (without_punctuation,),
    "without_final_stop": (without_final_stop,),
    "lower_case_start": (lower_case_start,),
    "straight_quotes": (straight_quotes,),
    "guillemets": (guillemets,),
    "hurried": (lower_case, without_accents, without_ne, without_punctuation),
}
"""The steps of each kind of typing."""


def retype(text: str, kind: str) -> Retyped:
    """Retype a text in the given way.

    Args:
        text: Any text; it is unchanged if there is nothing to change for this kind.
        kind: A name in `KINDS`.

    Raises:
        CertaintyError: If the kind is unknown.
    """
    if kind not in KINDS:
        raise CertaintyError(f"kind of typing {kind!r} is unknown. Allowed: {', '.join(KINDS)}.")
    steps = []
    for step in KINDS[kind]:
        edits = tuple(step(text))
        text = apply(text, edits)
        steps.append(edits)
    return Retyped(text, tuple(steps))


def retyped(text: str, seed: int, share: float, kinds: Sequence[str] = tuple(KINDS)) -> Retyped:
    """Retype a share of all texts, each in one of the ways that change it, and return the others unchanged.

    Args:
        text: The text.
        seed: Seed for the choice of texts and kinds.
        share: Share of the texts to retype, from 0 to 1.
        kinds: Names in `KINDS` to choose from.

    Raises:
        CertaintyError: If the share is out of range, or a kind is unknown.
    """
    if not 0 <= share <= 1:
        raise CertaintyError(f"share is {share}; it must be in [0, 1].")
    drawn = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=str(seed).encode()).digest()
    if int.from_bytes(drawn[:8], "big") >= share * 2**64:
        return Retyped(text)
    results = [result for kind in kinds if (result := retype(text, kind)).text != text]
    return results[int.from_bytes(drawn[8:], "big") % len(results)] if results else Retyped(text)


def _by_character(text: str, change: Callable[[str], str]) -> list[Edit]:
    return [Edit(i, i + 1, new) for i, c in enumerate(text) if c.isalpha() and (new := change(c)) != c]


def _bare(character: str) -> str:
    ligatures = {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"}
    if character in ligatures:
        return ligatures[character]
    return "".join(c for c in unicodedata.normalize("NFD", character) if not unicodedata.combining(c))
