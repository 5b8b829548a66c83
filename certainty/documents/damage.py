"""Detect damaged texts: wrongly decoded accents, and markup, encoded data, logs or mail headers instead of words."""

from __future__ import annotations

import re

from certainty.extras import needs
from certainty.messages import argument
from certainty.normalising import without_invisible

# UTF-8 read as Windows-1252: « Ã© » for « é », « â€™ » for « ’ », « Â« » for « « », « Å“ » for « œ ».
_MOJIBAKE = re.compile("Ã[\xa0-\xbf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—™š›œ\x80-\x9f]|â€[\x80-\xbf™œ˜“”¦¢]|Â[\xa0«»°·]|Å[“’]")
_ACCENT = re.compile("[àâçèéêîïôùûœÀÇÉÈÊ’«»]")
_LEAST_MOJIBAKE = 0.2  # share of the accents; a text that only quotes some has fewer

_NO_WORDS = re.compile(
    r"</?[A-Za-z][^<>]{0,2000}>"
    r"|[\ufffd\x00-\x08\x0e-\x1f\x7f-\x9f]"
    r"|(?<!\S)(?!\w{2,9}://)\S{200,}"
    # A whole line of base64, which has small letters, capitals and digits, or of hexadecimal digits.
    r"|^(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)[A-Za-z\d+/]{32,}={0,2}\r?$|^(?=\S*\d)(?:[\da-f]{32,}|[\dA-F]{32,})\r?$",
    re.MULTILINE,
)
MOST_NOISE = 0.25
"""Largest share of the characters of a text that may be something other than words."""


# A line of a log: a time and a level, a time and a process, or an HTTP request. Times alone also begin lines of chats.
_TIME = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d)?\S*|\d\d:\d\d:\d\d\S*|[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d"
_LOG_LINE = re.compile(
    rf"^\W?(?:{_TIME})\W.{{0,60}}?\b(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)\b"
    rf"|^(?:<\d+>)?(?:{_TIME}) \S+ [\w./-]+(?:\[\d+\])?: "
    r'|"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S+ HTTP/\d'
)
_FEWEST_LOG_LINES = 3
_LEAST_LOG = 0.5  # share of the lines; the others continue an entry
_MAIL_HEADERS = re.compile(r"\s*(?:From \S+ .*\n)?((?:[A-Za-z][\w-]*:.*\n(?:[ \t]+\S.*\n)*)+)")
# Only the source of a mail has these; what a reader copies begins with From, To, Date and Subject.
_TECHNICAL_HEADER = re.compile(
    r"^(?:Received|Return-Path|Delivered-To|Message-ID|MIME-Version|Content-[\w-]+|DKIM-Signature|ARC-[\w-]+|X-[\w-]+):",
    re.MULTILINE | re.IGNORECASE,
)

_GIVE = "give the text that is in it"
_CLOCK = r"(?:\d+:)?\d\d:\d\d[.,]\d{3}"
# What the source is, endings of its files, how it begins, and what to do.
_SOURCES = (
    (
        "a file of subtitles",
        (".srt", ".vtt"),
        re.compile(rf"WEBVTT(?!\S)|\s*\d+\r?\n{_CLOCK} --> {_CLOCK}"),
        "give what is said without numbers and times",
    ),
    (
        "a mailbox",
        (".mbox",),
        re.compile(r"From \S+ .*\d\d:\d\d:\d\d.*\r?\n[A-Za-z][\w-]*:"),
        "save each mail as text",
    ),
    (
        "LaTeX",
        (".tex",),
        re.compile(r"(?:\s|%.*\n)*\\documentclass\b"),
        "turn it into text first (`pandoc -t plain FILE`)",
    ),
)


def machine_text(text: str, ending: str = "") -> tuple[str, str] | None:
    """Return what a text is if it is written for programs, such as "a log file", and what to do; None for all others.

    Args:
        text: The text.
        ending: The ending of its file, such as ".tex".
    """
    for kind, endings, beginning, mend in _SOURCES:
        if ending.lower() in endings or beginning.match(text):
            return kind, mend
    headers = _MAIL_HEADERS.match(text)
    if headers and len({name.lower() for name in _TECHNICAL_HEADER.findall(headers[1])}) > 1:
        return "the source of a mail", _GIVE
    lines = [line for line in text.splitlines() if line.strip()]
    logged = sum(bool(_LOG_LINE.search(line)) for line in lines)
    return ("a log file", _GIVE) if logged >= max(_FEWEST_LOG_LINES, _LEAST_LOG * len(lines)) else None


def mojibake(text: str) -> int:
    """Return how many accents of a text were decoded wrongly; 0 if they are only a few."""
    found = len(_MOJIBAKE.findall(text))
    if not found:
        return 0
    right = len(_ACCENT.findall(_MOJIBAKE.sub("", text)))
    return found if found >= _LEAST_MOJIBAKE * (found + right) else 0


def repaired(text: str) -> str:
    """Repair the wrongly decoded accents of a text with ftfy, line by line.

    Raises:
        MissingExtraError: If ftfy is not installed.
    """
    needs("ftfy", extra="documents", user=argument("fix_encoding", True))
    from ftfy import fix_encoding

    return "".join(map(fix_encoding, text.splitlines(keepends=True)))


def noise(text: str) -> float:
    """Return the share of characters that are tags, undecodable, or encoded.

    Encoded are lines of base64 or hexadecimal digits, and runs of 200 characters without a space (addresses aside).

    The tags that `certainty.normalising` reads as running text do not count.
    """
    visible = without_invisible(text).text
    controls = len(re.findall(r"[\x00-\x08\x0e-\x1f]", text))
    return (sum(map(len, _NO_WORDS.findall(visible))) + controls) / max(1, len(visible) + controls)
