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
    r"""Split a French text into its sentences.

    Args:
        text: Any string.

    Returns:
        The sentences in order. Every character is in exactly one of them, but for white space, invisible characters
        (control and zero-width ones, byte order marks, soft hyphens), the tags of web pages, escaped line ends (`\n`)
        and the page numbers at a form feed, which are in one only where they interrupt it. A tag that begins or ends a
        block ends a line.
    """
    visible = without_invisible(text)
    spans = [span for block in blocks(visible.text) for span in split_block(visible.text, *block)]
    if not visible.is_given:
        spans = visible.spans(spans)
    return [Sentence(text[start:end], start, end) for start, end in spans]
