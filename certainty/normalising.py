r"""What splitter and model read of a text: what shows, without invisible characters, tags, entities and escapes.

The model also reads lines, and the words broken at their ends, joined.

Only what a tokenizer's own normaliser leaves undone is done here; Unicode composition, apostrophes and runs of white
space are its business. Every character of a result keeps its place in the given text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from typing import NamedTuple

from certainty.hyphens import keeps_hyphen

__all__ = ["LINE_END", "Normalised", "page_breaks", "reading_form", "without_invisible"]

Span = tuple[int, int]


class Normalised(NamedTuple):
    """A text made of the characters of another one.

    Attributes:
        text: The text.
        offsets: Length `len(text) + 1`, strictly increasing: where each character stood in the given text, whose length
            comes last. A space that stands for a break stood where the break ends.
        ends: Length `len(text)`: where each ended.
    """

    text: str
    offsets: Sequence[int]
    ends: Sequence[int]

    @property
    def is_given(self) -> bool:
        """Whether nothing was changed."""
        return isinstance(self.offsets, range)

    def spans(self, spans: Iterable[Span]) -> list[Span]:
        """Do `span` for many."""
        return [self.span(start, end) for start, end in spans]

    def span(self, start: int, end: int) -> Span:
        """Return where `text[start:end]`, without white space at its front, stood in the given text."""
        while start < end and self.text[start].isspace():
            start += 1
        if start >= end:
            return self.offsets[start], self.offsets[start]
        return self.offsets[start], self.ends[end - 1]


# Control characters that are no white space (U+001F is some to Python alone), and what Unicode calls default-ignorable:
# the soft hyphen, zero-width and directional characters, variation selectors, tags.
_IGNORABLE = (
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff"
)
LINE_END = r"(?:\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029])"
_INVISIBLE = re.compile(f"[{_IGNORABLE}\xad]+")
# What is left of a web page or of JSON in a text. The tags are those of running text; others may be no tags at all.
_BLOCK_TAGS = "br|p|div|li|ul|ol|tr|td|th|table|h[1-6]|hr|blockquote|section|article"
_TAGS = f"{_BLOCK_TAGS}|a|abbr|b|cite|em|font|i|img|mark|q|s|small|span|strike|strong|su[bp]|time|u"
_MARKUP = re.compile(
    rf"[{_IGNORABLE}\xad]+ | &(?:\#\d{{1,7}}|\#[xX][\da-fA-F]{{1,6}}|[A-Za-z][A-Za-z\d]{{1,30}}); "
    rf"| </?(?:{_TAGS})(?:\s[^<>]{{0,1000}})?/?> | <!--.{{0,1000}}?-->"
    # A line end that was escaped and never read, after a stop or before what begins a line; a path has none.
    r"| (?:\\r)? \\n (?: (?<=[.!?…»”)\"]\\n) | (?<=[.!?…»”)\"]\\r\\n)"
    r"                | (?= [\s«“\"–-] | (?-i: [A-ZÀ-Ý] ) | \\[rn] | \Z ) )",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK_TAGS})[\s/>]", re.IGNORECASE)
_LINE_BELOW = re.compile(rf"[ \t]{{0,3}}{LINE_END}[ \t]{{0,40}}[^\W\d_]")
_LINE_BREAK = re.compile(LINE_END)
_WHITE_SPACE = re.compile(r"\s*")


def without_invisible(text: str) -> Normalised:
    r"""Leave out the characters that nobody sees and the tags of web pages, and read their entities.

    Args:
        text: Any text.

    Returns:
        The text without them; the tag of a block, such as `<br>` and `</p>`, is a line break, as is an escape `\n` at
        the end of a line, an entity the one character that it stands for.
    """
    return _replaced(text, _invisible(text))


def reading_form(text: str) -> Normalised:
    r"""Return a sentence as the model reads it.

    Args:
        text: A sentence, or any other text.

    Returns:
        The text without invisible characters and markup, with a space for each line break, with words joined that were
        broken at the end of a line (« pro-\nposé », but « peut-\nêtre » keeps its hyphen), and without the page numbers
        between two of its parts. A text that has none of these comes back as it is.
    """
    visible = without_invisible(text)
    if not _LINE_BREAK.search(visible.text):
        return visible
    joined = _replaced(visible.text, (_joint(visible.text, *span) for span in _breaks(visible.text)))
    if joined.is_given:
        return visible
    offsets = [visible.offsets[i] for i in joined.offsets]
    return Normalised(joined.text, offsets, [visible.ends[i - 1] for i in joined.ends])


def _invisible(text: str) -> Iterator[tuple[int, int, str]]:
    pattern = _MARKUP if "<" in text or "&" in text or "\\" in text else _INVISIBLE
    for match in pattern.finditer(text):
        start, end = match.span()
        if text[start] in "<&\\":
            character = _character(match.group())
            if character is not None:
                yield start, end, character
            continue
        hyphen = text.find("\xad", start, end)
        if hyphen >= 0 and text[start - 1 : start].isalpha() and _LINE_BELOW.match(text, end):
            yield start, hyphen, ""  # a soft hyphen at the end of a line stays: its word goes on in the next
            start = hyphen + 1
        yield start, end, ""


def _character(markup: str) -> str | None:
    """Return what a tag, an entity or an escape is read as; None leaves it as it is."""
    if markup[0] == "\\":
        return "\n"
    if markup[0] == "<":
        return "\n" if _BLOCK_TAG.match(markup) else ""
    character = unescape(markup)
    if len(character) != 1:  # no entity, or one of the few that stand for two characters
        return None
    return "" if _INVISIBLE.match(character) else character


def _replaced(text: str, edits: Iterator[tuple[int, int, str]]) -> Normalised:
    """Replace each span, in order, by nothing or by one character."""
    parts: list[str] = []
    offsets: list[int] = []
    ends: list[int] = []
    done = 0
    for start, end, replacement in edits:
        parts += text[done:start], replacement
        offsets.extend(range(done, start))
        ends.extend(range(done + 1, start + 1))
        if replacement:
            offsets.append(end - 1 if replacement == " " else start)
            ends.append(end)
        done = end
    if not done:
        return Normalised(text, range(len(text) + 1), range(1, len(text) + 1))
    parts.append(text[done:])
    offsets.extend(range(done, len(text) + 1))
    ends.extend(range(done + 1, len(text) + 1))
    return Normalised("".join(parts), offsets, ends)


# ---- Lines and pages -------------------------------------------------------------------------------------------------

_PAGE_NUMBER = r"""
    [ \t]{0,80} (?:[-–—][ \t]?|[Pp](?:age|\.)[ \t])? (?:\d{1,4}|[ivx]{1,6}) (?:[ \t]?[-–—])?
    (?:[ \t]?(?:/|sur|de)[ \t]?\d{1,4})? [ \t]{0,80}"""
_FOOT = re.compile(rf"[\r\n] {_PAGE_NUMBER} [\r\n]{{0,8}} \Z", re.VERBOSE)
_HEAD = re.compile(rf"{_PAGE_NUMBER} [\r\n]", re.VERBOSE)


def page_breaks(text: str) -> list[Span]:
    r"""Return what lies between two pages: the form feed that `pdftotext` writes, page numbers and white space."""
    spans: list[Span] = []
    at, done = text.find("\f"), 0
    while at >= 0:
        foot = _FOOT.search(text, max(done, at - 200), at)
        head = _HEAD.match(text, at + 1)
        spans.append(_widened(text, foot.start() if foot else at, head.end() if head else at + 1, done))
        done = spans[-1][1]
        at = text.find("\f", done)
    return spans


def _breaks(text: str) -> Iterator[Span]:
    """Yield the page breaks and, between them, the line breaks, with the white space around each."""
    done = 0
    for page in [*page_breaks(text), (len(text), len(text))]:
        for match in _LINE_BREAK.finditer(text, done, page[0]):
            if match.start() >= done:
                start, done = _widened(text, *match.span(), done)
                yield start, done
        if page[0] < len(text):
            yield page
            done = page[1]


def _widened(text: str, start: int, end: int, least: int) -> Span:
    """Take in the white space around a span, but none before `least`."""
    while start > least and text[start - 1].isspace():
        start -= 1
    match = _WHITE_SPACE.match(text, end)
    return start, match.end() if match else end


def _joint(text: str, start: int, end: int) -> tuple[int, int, str]:
    """Return what a break from `start` to `end` is replaced by, with the hyphen before it if that goes too."""
    hyphen, before, after = text[start - 1 : start], text[max(0, start - 32) : start - 1], text[end : end + 32]
    if hyphen not in set("-\u2010\u2011\xad¬") or not before[-1:].isalnum() or not after[:1].isalnum():
        return start, end, " "
    broken = hyphen in "\xad¬" or not keeps_hyphen(before, after)
    return start - broken, end, ""
