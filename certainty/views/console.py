"""What the coloured terminal views share: the console, wrapping, styles and the summary below a text."""

from __future__ import annotations

import os
from typing import TextIO

from rich.console import Console
from rich.text import Text

from certainty.sentence_score import ScoredText, SentenceScore
from certainty.views.categories import NO_CLAIM, category_counts
from certainty.views.palette import ATTRIBUTED_MARK, INKS, MARKS
from certainty.views.plain import one_line
from certainty.views.wording import ATTRIBUTED, category_name, split_at_cues

# rich also breaks lines at no-break spaces, which French uses inside quotation marks and before ? ! : and ;
_PROTECT = str.maketrans("\u00a0\u202f", "\ue000\ue001")
_RESTORE = str.maketrans("\ue000\ue001", "\u00a0\u202f")


def open_console(out: TextIO, width: int | None = None) -> Console:
    """Return a console that always writes ANSI codes; if `width` is None, it has the width of the terminal."""
    return Console(
        file=out,
        width=width,
        force_terminal=True,
        no_color=False,
        color_system="truecolor" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256",
        highlight=False,
    )


def ink(category: str) -> str:
    """Return the style of a category's label."""
    return INKS.get(category, "dim" if category == NO_CLAIM else "bold")


def with_cues(sentence: SentenceScore, category: str) -> Text:
    """Return the sentence on one line, with bold and underlined cues, ready for `wrapped`."""
    text = Text(style="dim" if category == NO_CLAIM else "")
    for piece, is_cue in split_at_cues(sentence):
        text.append(protected(piece), f"bold underline {INKS.get(category, '')}" if is_cue else None)
    return text


def protected(text: str) -> str:
    """Return the text on one line, with its no-break spaces replaced so that `wrapped` keeps and restores them."""
    return one_line(text).translate(_PROTECT)


def wrapped(text: Text, console: Console, width: int) -> list[Text]:
    """Break a text into lines of at most `width` columns, but never at a no-break space."""
    lines = list(text.wrap(console, width))
    for line in lines:
        line.rstrip()
        line.plain = line.plain.translate(_RESTORE)
    return lines


def summary(document: ScoredText, min_confidence: float | None, console: Console) -> Text:
    """Return the counts of a document, with a key to the marks."""
    counts = []
    for category, n in category_counts([document], min_confidence).items():
        mark, name = MARKS[category], category_name(category)
        counts.append(Text.assemble((f"{mark} ", ink(category)), f"{n} ", (name, ink(category))))
    rows = [counts.pop(0)]
    for count in counts:
        if rows[-1].cell_len + 2 + count.cell_len <= console.width:
            rows[-1].append("  ").append_text(count)
        else:
            rows.append(count)
    key = Text.assemble(f"{ATTRIBUTED_MARK} {ATTRIBUTED}  ", ("words that decided", "bold underline"))
    return Text("\n").join([*rows, key])
