r"""Normalise a text for the splitter and the model: no invisible characters or tags; entities and escapes decoded.

For the model, lines are also joined, as are words that were broken at the end of a line.

Unicode composition, apostrophes and runs of white space are left to the normaliser of the tokenizer. Every character of
a result keeps its position in the given text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from typing import NamedTuple

__all__ = ["LINE_END", "Normalised", "page_breaks", "reading_form", "without_invisible", "without_spans"]

Span = tuple[int, int]


class Normalised(NamedTuple):
    """A normalised text, with the position of each character in the given text.

    Attributes:
        text: The normalised text.
        offsets: Where each character begins in the given text, followed by the length of the given text; length
            `len(text) + 1`, strictly increasing. A space that replaces a break has the position of the break's last
            character.
        ends: Where each character ends in the given text; length `len(text)`.
    """

    text: str
    offsets: Sequence[int]
    ends: Sequence[int]

    @property
    def is_given(self) -> bool:
        """Whether the text is the given text, unchanged."""
        return isinstance(self.offsets, range)

    def spans(self, spans: Iterable[Span]) -> list[Span]:
        """Apply `span` to each of several spans."""
        return [self.span(start, end) for start, end in spans]

    def first(self, characters: int) -> Normalised:
        """Return the beginning of the text."""
        return Normalised(self.text[:characters], self.offsets[: characters + 1], self.ends[:characters])

    def span(self, start: int, end: int) -> Span:
        """Return the span of `text[start:end]`, without leading white space, in the given text."""
        while start < end and self.text[start].isspace():
            start += 1
        if start >= end:
            return self.offsets[start], self.offsets[start]
        return self.offsets[start], self.ends[end - 1]


# Control characters that are not white space (only Python counts U+001F as white space), and the characters that
# Unicode calls default-ignorable: the soft hyphen, zero-width and directional characters, variation selectors, tags.
_IGNORABLE = (
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff"
)
LINE_END = r"(?:\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029])"
_INVISIBLE = re.compile(f"[{_IGNORABLE}\xad]+")
# Remains of web pages or JSON in a text. Only tags of running text are matched; others may not be tags at all.
_BLOCK_TAGS = "br|p|div|li|ul|ol|tr|td|th|table|h[1-6]|hr|blockquote|section|article"
_TAGS = f"{_BLOCK_TAGS}|a|abbr|b|cite|em|font|i|img|mark|q|s|small|span|strike|strong|su[bp]|time|u"
_MARKUP = re.compile(
    rf"[{_IGNORABLE}\xad]+ | &(?:\#\d{{1,7}}|\#[xX][\da-fA-F]{{1,6}}|[A-Za-z][A-Za-z\d]{{1,30}}); "
    rf"| </?(?:{_TAGS})(?:\s[^<>]{{0,1000}})?/?> | <!--.{{0,1000}}?-->"
    # An escaped line end that was never decoded, after a stop or before the beginning of a line; not part of a path.
    r"| (?:\\r)? \\n (?: (?<=[.!?…»”)\"]\\n) | (?<=[.!?…»”)\"]\\r\\n)"
    r"                | (?= [\s«“\"–-] | (?-i: [A-ZÀ-Ý] ) | \\[rn] | \Z ) )",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK_TAGS})[\s/>]", re.IGNORECASE)
_LINE_BELOW = re.compile(rf"[ \t]{{0,3}}{LINE_END}[ \t]{{0,40}}[^\W\d_]")
_LINE_BREAK = re.compile(LINE_END)
_WHITE_SPACE = re.compile(r"\s*")


def without_invisible(text: str) -> Normalised:
    r"""Remove invisible characters and the tags of web pages, and decode entities.

    Args:
        text: Any text.

    Returns:
        The text without them. The tag of a block, such as `<br>` or `</p>`, becomes a line break, as does an escaped
        `\n` at the end of a line; an entity becomes the character that it stands for.
    """
    return _replaced(text, _invisible(text))


def reading_form(text: str) -> Normalised:
    r"""Normalise a sentence to the form that the model reads.

    Args:
        text: A sentence, or any other text.

    Returns:
        The text without invisible characters, markup, and page numbers between two pages. Each line break becomes a
        space, and words broken at the end of a line are joined (« pro-\nposé »; « peut-\nêtre » keeps its hyphen). A
        text with none of these is returned unchanged.
    """
    visible = without_invisible(text)
    if not _LINE_BREAK.search(visible.text):
        return visible
    return _edited(visible, (_joint(visible.text, *span) for span in _breaks(visible.text)))


def without_spans(normalised: Normalised, spans: Iterable[Span]) -> Normalised:
    """Remove spans, in order, from a normalised text."""
    return _edited(normalised, ((start, end, "") for start, end in spans))


def _edited(normalised: Normalised, edits: Iterator[tuple[int, int, str]]) -> Normalised:
    """Apply edits to a normalised text; see `_replaced`."""
    edited = _replaced(normalised.text, edits)
    if edited.is_given:
        return normalised
    offsets = [normalised.offsets[i] for i in edited.offsets]
    return Normalised(edited.text, offsets, [normalised.ends[i - 1] for i in edited.ends])


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
            yield start, hyphen, ""  # keep a soft hyphen at the end of a line: its word continues in the next line
            start = hyphen + 1
        yield start, end, ""


def _character(markup: str) -> str | None:
    """Return the replacement of a tag, an entity or an escape; None leaves it as it is."""
    if markup[0] == "\\":
        return "\n"
    if markup[0] == "<":
        return "\n" if _BLOCK_TAG.match(markup) else ""
    character = unescape(markup)
    if len(character) != 1:  # not an entity, or one of the few that stand for two characters
        return None
    return "" if _INVISIBLE.match(character) else character


def _replaced(text: str, edits: Iterator[tuple[int, int, str]]) -> Normalised:
    """Replace each span, in order, with at most one character."""
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
    r"""Return the spans between pages: the form feed that `pdftotext` writes, page numbers and white space."""
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
    """Yield the page breaks and the line breaks between them, with the white space around each."""
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
    """Extend a span by the white space around it, but not to before `least`."""
    while start > least and text[start - 1].isspace():
        start -= 1
    match = _WHITE_SPACE.match(text, end)
    return start, match.end() if match else end


def _joint(text: str, start: int, end: int) -> tuple[int, int, str]:
    """Return the replacement of a break from `start` to `end`, including the hyphen before it if that is removed."""
    hyphen, before, after = text[start - 1 : start], text[max(0, start - 32) : start - 1], text[end : end + 32]
    if hyphen not in set("-\u2010\u2011\xad¬") or not before[-1:].isalnum() or not after[:1].isalnum():
        return start, end, " "
    from certainty.hyphens import keeps_hyphen  # its patterns take longer to compile than most texts to read

    broken = hyphen in "\xad¬" or not keeps_hyphen(before, after)
    return start - broken, end, ""
