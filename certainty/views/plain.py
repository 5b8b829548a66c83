"""Plain lines for pipes and files: one per sentence, in aligned columns, neither cut nor wrapped, for grep and awk."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from certainty.labels import LABELS
from certainty.sentence_score import ScoredText, SentenceScore
from certainty.views.categories import category, category_counts
from certainty.views.palette import ATTRIBUTED_MARK
from certainty.views.wording import ATTRIBUTED, category_name, percent

if TYPE_CHECKING:
    from certainty.comparison import Comparison

_LABEL_WIDTH = max(len(label.value) for label in LABELS)
_ATTRIBUTION = {True: ATTRIBUTED, False: "-", None: "?"}
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+| {2,}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def one_line(text: str) -> str:
    """Return the text with each line break or run of spaces as one space, and control characters replaced."""
    return _CONTROLS.sub("\ufffd", _BREAKS.sub(" ", text))


def headline(name: str, document: ScoredText, min_confidence: float | None = None) -> str:
    """Return a `#` line with the name, if there is one, and the counts."""
    counts = category_counts([document], min_confidence)
    return f"# {f'{one_line(name)}: ' if name else ''}" + ", ".join(f"{n} {shown}" for shown, n in counts.items())


def write_plain(scored: Iterable[tuple[str, ScoredText]], out: TextIO, min_confidence: float | None = None) -> None:
    """Write a `#` line with name and counts for each document, then label, probability, attribution, text and cues.

    The attribution is `-` if there is none, `?` if the model cannot tell. A second claim follows after `+`, a source
    after its mark.

    Args:
        scored: Names and documents; each is written as it arrives.
        out: The output.
        min_confidence: Claims whose label is less probable are shown as undecided.
    """
    for name, document in scored:
        print(headline(name, document, min_confidence), file=out)
        for sentence in document:
            print(_line(sentence, min_confidence), file=out)


def plain_table(document: ScoredText) -> str:
    """Return what `write_plain` writes for a document without a name."""
    out = io.StringIO()
    write_plain([("", document)], out)
    return out.getvalue().removesuffix("\n")


def plain_comparison(comparison: Comparison) -> str:
    """Return a `#` line with the summary, then the sentences that changed: old ones after `-`, new ones after `+`."""
    lines = [f"# {comparison.summary()}"]
    for pair in comparison:
        if pair.change.value in ("unchanged", "moved"):
            continue
        lines.append(f"{pair.change.value}:")
        lines += [
            f"  {mark} {_line(sentence, None)}" for mark, sentence in (("-", pair.old), ("+", pair.new)) if sentence
        ]
    return "\n".join(lines)


def _line(sentence: SentenceScore, min_confidence: float | None) -> str:
    probability = percent(sentence.probability)
    attributed = _ATTRIBUTION[sentence.attributed]
    cues = "; ".join(one_line(cue.text) for cue in sentence.cues)
    columns = (
        f"{category(sentence, min_confidence):{_LABEL_WIDTH}}  {probability:>4}  {attributed:{len(ATTRIBUTED)}}  "
        f"{one_line(sentence.text)}"
    )
    return "  ".join([columns, *([f"[{cues}]"] if cues else []), *remarks(sentence)])


def remarks(sentence: SentenceScore) -> list[str]:
    """Return the second claim after `+`, the source after its mark, and what was not read, if the sentence has them."""
    found = []
    if sentence.second:
        cues = "; ".join(one_line(cue.text) for cue in sentence.second_cues)
        found.append(f"+ {category_name(sentence.second)}{f' [{cues}]' if cues else ''}")
    if sentence.source:
        found.append(f"{ATTRIBUTED_MARK} {one_line(sentence.source.text)}")
    if sentence.unread:
        found.append(f"({sentence.unread} characters not read)")
    return found
