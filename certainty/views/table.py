"""The table for a terminal: coloured labels, bold and underlined cues, wrapped to the width of the window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.text import Text

from certainty.labels import LABELS
from certainty.sentence_score import ScoredText, SentenceScore
from certainty.views.categories import category
from certainty.views.console import ink, open_console, protected, summary, with_cues, wrapped
from certainty.views.palette import ATTRIBUTED_MARK, MARKS
from certainty.views.plain import one_line, remarks
from certainty.views.wording import category_name, percent

_LABEL_WIDTH = max(len(category_name(label)) for label in LABELS)
_NARROW = 60  # columns; in a narrower table, the mark alone stands for the label
_LEAST_TEXT = 16


def write_table(
    scored: Iterable[tuple[str, ScoredText]],
    out: TextIO,
    min_confidence: float | None = None,
    width: int | None = None,
) -> None:
    """Write each document as a coloured table with a summary below it.

    Args:
        scored: Names and documents; each is written as it arrives.
        out: The output; ANSI codes are always written.
        min_confidence: Claims whose label is less probable are shown as undecided.
        width: Width in columns; None takes that of the terminal.
    """
    console = open_console(out, width)
    for name, document in scored:
        console.print(Text(one_line(name), style="bold"), end="\n\n")
        for sentence in document:
            console.print(_rows(sentence, console, min_confidence), soft_wrap=True)
        console.print(Text("\n").append_text(summary(document, min_confidence, console)), end="\n\n")


def _rows(sentence: SentenceScore, console: Console, min_confidence: float | None) -> Text:
    shown = category(sentence, min_confidence)
    label = MARKS[shown] if console.width < _NARROW else f"{MARKS[shown]} {category_name(shown):{_LABEL_WIDTH}}"
    rows = Text.assemble((label, ink(shown)))
    rows.append(f" {percent(sentence.probability):>4} ", "dim")
    rows.append(f"{ATTRIBUTED_MARK if sentence.attributed else ' '} ")
    indent = rows.cell_len
    text = with_cues(sentence, shown)
    for remark in remarks(sentence):
        text.append(protected(f"  {remark}"), "dim")
    lines = wrapped(text, console, max(console.width - indent, _LEAST_TEXT))
    return rows.append_text(Text("\n" + " " * indent).join(lines))
