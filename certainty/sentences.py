"""Split French text into sentences, using regular expressions and closed word classes."""

from __future__ import annotations

from typing import NamedTuple

from certainty.normalising import without_invisible
from certainty.splitting.lines import blocks
from certainty.splitting.stops import split_block


class Sentence(NamedTuple):
    """A sentence, without white space at either end, and its offsets: `given[start:end] == text`."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """Split a French text into sentences.

    Args:
        text: Any string.

    Returns:
        The sentences in order. Each character belongs to exactly one sentence, except for white space, invisible
        characters (control and zero-width characters, byte order marks, soft hyphens), HTML tags and page numbers next
        to a form feed: these belong to a sentence only if they are inside it. Block tags count as line breaks.
    """
    visible = without_invisible(text)
    spans = (visible.span(*span) for block in blocks(visible.text) for span in split_block(visible.text, *block))
    return [Sentence(text[start:end], start, end) for start, end in spans]
