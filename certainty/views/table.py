"""The table on a terminal: labels in colour, cues bold and underlined, wrapped to the width of the window."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.text import Text

from certainty.labels import LABELS
from certainty.results import Document, SentenceScore
from certainty.views.palette import ATTRIBUTED_MARK, INKS, MARKS
from certainty.views.plain import one_line
from certainty.views.wording import ATTRIBUTED, NO_CLAIM, claimless, label_name, percent, split_at_cues

_LABEL_WIDTH = max(len(label_name(label)) for label in LABELS)
_NARROW = 60  # columns; below, the mark stands alone for the label
_LEAST_TEXT = 16
# rich breaks lines at no-break spaces too, which French sets within quotation marks and before ? ! : and ;
_PROTECT = str.maketrans("\u00a0\u202f", "\ue000\ue001")
_RESTORE = str.maketrans("\ue000\ue001", "\u00a0\u202f")


def write_table(scored: Iterable[tuple[str, Document]], out: TextIO, width: int | None = None) -> None:
    """Write each document as a coloured table with a summary under it.

    Args:
        scored: Names and documents; each is written as it comes.
        out: Where to; ANSI codes are written whatever it is.
        width: Columns; None takes those of the terminal.
    """
    console = Console(
        file=out,
        width=width,
        force_terminal=True,
        no_color=False,
        color_system="truecolor" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256",
        highlight=False,
    )
    for name, document in scored:
        console.print(Text(one_line(name), style="bold"), end="\n\n")
        for sentence in document:
            console.print(_rows(sentence, console), soft_wrap=True)
        console.print(Text("\n").append_text(_summary(document)), end="\n\n")


def _rows(sentence: SentenceScore, console: Console) -> Text:
    ink = INKS[sentence.label] if sentence.is_claim else "dim"
    mark = MARKS[sentence.label] if sentence.is_claim else " "
    name = label_name(sentence.label) if sentence.is_claim else NO_CLAIM
    label = mark if console.width < _NARROW else f"{mark} {name:{_LABEL_WIDTH}}"
    rows = Text.assemble((label, ink))
    rows.append(f" {percent(sentence.probability) if sentence.is_claim else '':>4} ", "dim")
    rows.append(f"{ATTRIBUTED_MARK if sentence.is_claim and sentence.attributed else ' '} ")
    indent = rows.cell_len

    text = Text(style="" if sentence.is_claim else "dim")
    for piece, is_cue in split_at_cues(sentence):
        text.append(one_line(piece).translate(_PROTECT), f"bold underline {ink}" if is_cue else None)
    lines = text.wrap(console, max(console.width - indent, _LEAST_TEXT))
    for line in lines:
        line.rstrip()
        line.plain = line.plain.translate(_RESTORE)
    return rows.append_text(Text("\n" + " " * indent).join(lines))


def _summary(document: Document) -> Text:
    counts = [
        Text.assemble((MARKS[label], INKS[label]), f" {n} ", (label_name(label), INKS[label]))
        for label, n in document.counts().items()
    ]
    counts.append(Text(f"{claimless(document)} {NO_CLAIM}", style="dim"))
    key = Text.assemble(f"\n{ATTRIBUTED_MARK} {ATTRIBUTED}  ", ("words that decided", "bold underline"))
    return Text("  ").join(counts).append_text(key)
