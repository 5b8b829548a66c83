"""The running text for a terminal: sentences in the colour of their label, after its mark, with underlined cues."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

from certainty.sentence_score import ScoredText, SentenceScore
from certainty.views.categories import category
from certainty.views.palette import ATTRIBUTED_MARK, INKS, MARKS
from certainty.views.plain import headline, one_line
from certainty.views.wording import ATTRIBUTED, category_name, split_at_cues

_LINE_ENDS = re.compile(r"\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")


def write_text(
    scored: Iterable[tuple[str, ScoredText]],
    out: TextIO,
    min_confidence: float | None = None,
    width: int | None = None,
) -> None:
    """Write each document as running text in colour, wrapped to the width, with a summary below it.

    Args:
        scored: Names and documents; each is written as it arrives.
        out: The output; ANSI codes are always written.
        min_confidence: Claims whose label is less probable are shown as undecided.
        width: Width in columns; None takes that of the terminal.
    """
    from rich.text import Text

    from certainty.views.console import ink, open_console, protected, summary, with_cues, wrapped

    console = open_console(out, width)
    for name, document in scored:
        console.print(Text(one_line(name), style="bold"), end="\n\n")
        text = Text()
        for rest, sentence in _pieces(document):
            text.append("\n".join(map(protected, _LINE_ENDS.split(rest))))
            if sentence is None:
                continue
            shown = category(sentence, min_confidence)
            source = _source_mark(sentence)
            marked = with_cues(sentence, shown)
            marked.stylize_before(INKS.get(shown, ""))
            text.append(protected(f"{MARKS[shown]}\u00a0"), f"bold {ink(shown)}").append_text(marked).append(source)
        for line in text.split("\n", allow_blank=True):
            for row in wrapped(line, console, console.width):
                console.print(row, soft_wrap=True)
        console.print(Text("\n").append_text(summary(document, min_confidence, console)), end="\n\n")


def write_marked_text(
    scored: Iterable[tuple[str, ScoredText]], out: TextIO, min_confidence: float | None = None
) -> None:
    """Write each document as running text without colour: marks before the sentences, `_` around the cues.

    The lines are those of the text, neither wrapped nor cut.

    Args:
        scored: Names and documents; each is written as it arrives.
        out: The output.
        min_confidence: Claims whose label is less probable are shown as undecided.
    """
    key = [f"{mark} {category_name(shown)}" for shown, mark in MARKS.items()]
    for name, document in scored:
        print(headline(name, document, min_confidence), file=out)
        print("#", ", ".join([*key, f"{ATTRIBUTED_MARK} {ATTRIBUTED}", "_words that decided_"]), end="\n\n", file=out)
        for rest, sentence in _pieces(document):
            out.write("\n".join(map(one_line, _LINE_ENDS.split(rest))))
            if sentence is None:
                continue
            mark = MARKS[category(sentence, min_confidence)]
            pieces = (f"_{one_line(text)}_" if is_cue else one_line(text) for text, is_cue in split_at_cues(sentence))
            out.write(f"{mark} {''.join(pieces)}{_source_mark(sentence)}")
        out.write("\n\n")


def _pieces(document: ScoredText) -> Iterable[tuple[str, SentenceScore | None]]:
    """Yield each sentence with the text before it, then the rest of the text."""
    done = 0
    for sentence in document:
        yield document.text[done : sentence.start], sentence
        done = sentence.end
    yield document.text[done:].rstrip(), None


def _source_mark(sentence: SentenceScore) -> str:
    """Return the mark to write after a sentence that is attributed to a source."""
    return f" {ATTRIBUTED_MARK}" if sentence.attributed else ""
