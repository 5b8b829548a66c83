"""Group lines into blocks: the end of a line is a boundary unless the sentence continues in the next line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from certainty.normalising import page_breaks
from certainty.splitting.abbreviations import TITLES, UNFINISHED

__all__ = ["Span", "blocks"]

Span = tuple[int, int]

_NEVER_FIRST = ".,;:!?…)]}»›%"
_LIST_ITEM = re.compile(r"[-–—*•·◦▪►‣○●■✓✔➤➢→]\s|(?:\d{1,3}|[a-z])[.)]\s")
_FIRST_WORD = re.compile(r"\S{1,60}")
_LAST_WORD = re.compile(r"[^\W\d_]+\Z")
_TITLE = re.compile(r"([^\W\d_]+)\.\Z")
_BROKEN_WORD = re.compile(r"[^\W\d_][-\u2010\u2011¬\xad]\Z")
_WIDTHS = range(20, 201)


class _Wrap(NamedTuple):
    """How the lines of a paragraph were wrapped.

    Attributes:
        width: Length of the longest line.
        even: Whether lines were wrapped where the next word did not fit, as mail programs and editors do.
        ragged: Whether most lines end within a sentence, as in a column set in a proportional font.
    """

    width: int = 0
    even: bool = False
    ragged: bool = False


_UNWRAPPED = _Wrap()


def blocks(text: str) -> Iterator[Span]:
    """Yield the offsets of the blocks of a text, inside which only a stop can end a sentence.

    Blocks have no white space at either end. Text between two pages, such as a page number, belongs to no block unless
    a sentence continues across it.
    """
    wrap = _UNWRAPPED
    start = 0  # of the block
    last: Span | None = None  # the line before
    for lines, new_page in _paragraphs(text):
        if (found := _wrap(text, lines)).even or found.ragged:
            wrap = found
        elif wrap.ragged:
            wrap = wrap._replace(ragged=False)
        for number, line in enumerate(lines):
            goes_on = last is not None and (number > 0 or new_page) and _goes_on(text, last, line[0], wrap, number)
            if not goes_on:
                if last is not None:
                    yield start, last[1]
                start = line[0]
            last = line
    if last is not None:
        yield start, last[1]


def _paragraphs(text: str) -> Iterator[tuple[list[Span], bool]]:
    """Yield the lines of each paragraph, without surrounding white space, and whether the paragraph begins a page.

    Paragraphs end at blank lines and at page breaks.
    """
    done, new_page = 0, False
    for page_end, page_start in [*page_breaks(text), (len(text), len(text))]:
        lines: list[Span] = []
        offset = done
        for raw in text[done:page_end].splitlines(keepends=True):
            if line := raw.strip():
                start = offset + len(raw) - len(raw.lstrip())
                lines.append((start, start + len(line)))
            elif lines:
                yield lines, new_page
                lines, new_page = [], False
            offset += len(raw)
        if lines:
            yield lines, new_page
        done, new_page = page_start, True


def _goes_on(text: str, line: Span, next_start: int, wrap: _Wrap, number: int) -> bool:
    """Return whether the sentence at the end of a line may continue in the next line.

    Args:
        text: The text.
        line: The line.
        next_start: Offset of the next line.
        wrap: How the paragraph was wrapped.
        number: Index of the next line in its paragraph; 0 if it begins a page.
    """
    if _LIST_ITEM.match(text, next_start):
        return False
    start, end = line
    last = text[end - 1]
    if last in ",([{«‹“" or text[next_start] in _NEVER_FIRST or _BROKEN_WORD.search(text, max(start, end - 2), end):
        return True
    if number and wrap.even and _is_full(text, line, next_start, wrap.width):
        return True
    if last == ".":
        title = _TITLE.search(text, max(start, end - 6), end)
        return title is not None and title[1] in TITLES
    if last in "!?…;:":
        return False
    if number > 1 and wrap.ragged and end - start > 0.7 * wrap.width:
        return True
    word = _LAST_WORD.search(text, max(start, end - 8), end)
    return text[next_start].islower() or (word is not None and word.group().lower() in UNFINISHED)


def _wrap(text: str, lines: list[Span]) -> _Wrap:
    if len(lines) < 3 or (width := max(end - start for start, end in lines)) not in _WIDTHS:
        return _UNWRAPPED
    breaks = len(lines) - 1
    full = sum(_is_full(text, line, next_start, width) for line, (next_start, _) in pairwise(lines))
    within = sum(_is_within(text, line, next_start) for line, (next_start, _) in pairwise(lines))
    # Short lines are full by chance, but capitals at the beginning of lines distinguish a list of names from a column.
    even = full >= 0.75 * breaks and (width >= 50 or within >= 0.5 * breaks)
    return _Wrap(width, even, breaks > 2 and within >= 0.6 * breaks)


def _is_within(text: str, line: Span, next_start: int) -> bool:
    """Return whether a line clearly ends within a sentence."""
    return text[next_start].islower() and text[line[1] - 1] not in ".!?…;:"


def _is_full(text: str, line: Span, next_start: int, width: int) -> bool:
    """Return whether the first word of the next line did not fit into this line."""
    length = line[1] - line[0]
    if not width // 2 < length <= width:
        return False
    word = _FIRST_WORD.match(text, next_start)
    return word is not None and length + 1 + len(word.group()) > width
