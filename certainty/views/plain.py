"""Plain lines for pipes and files: one a sentence, aligned columns, nothing cut or wrapped, good for grep and awk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

from certainty.labels import LABELS
from certainty.results import Document, SentenceScore
from certainty.views.wording import ATTRIBUTED, NO_CLAIM, claimless, percent

_NO_CLAIM = NO_CLAIM.replace(" ", "_")
_LABEL_WIDTH = max(len(label.value) for label in LABELS)
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+| {2,}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def one_line(text: str) -> str:
    """Return the text with line breaks and runs of spaces as one space, and control characters made harmless."""
    return _CONTROLS.sub("\ufffd", _BREAKS.sub(" ", text))


def write_plain(scored: Iterable[tuple[str, Document]], out: TextIO) -> None:
    """Write a `#` line with name and counts for each document, then label, probability, attribution and text.

    Args:
        scored: Names and documents; each is written as it comes.
        out: Where to.
    """
    for name, document in scored:
        counts = {label.value: n for label, n in document.counts().items()} | {_NO_CLAIM: claimless(document)}
        summary = ", ".join(f"{n} {label}" for label, n in counts.items())
        print(f"# {one_line(name)}: {summary}", file=out)
        for sentence in document:
            print(_line(sentence), file=out)


def _line(sentence: SentenceScore) -> str:
    label, probability = (
        (sentence.label.value, percent(sentence.probability)) if sentence.is_claim else (_NO_CLAIM, "-")
    )
    attributed = ATTRIBUTED if sentence.is_claim and sentence.attributed else "-"
    cues = "; ".join(one_line(cue.text) for cue in sentence.cues)
    columns = f"{label:{_LABEL_WIDTH}}  {probability:>4}  {attributed:{len(ATTRIBUTED)}}  {one_line(sentence.text)}"
    return f"{columns}  [{cues}]" if cues else columns
