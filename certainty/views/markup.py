"""The HTML elements that pages and notebooks are made of: the text, its summary as a bar, the key of its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape as escape_html

from certainty.sentence_score import ScoredText, SentenceScore
from certainty.views.categories import UNDECIDED, category
from certainty.views.palette import ATTRIBUTED_MARK, tint_opacity
from certainty.views.style import css_class
from certainty.views.wording import ATTRIBUTED, category_name, percent, split_at_cues

_SURROGATES = re.compile("[\ud800-\udfff]")
HELP = (
    '<p class="certainty-help">A stronger tint is a more probable label. <u>Underlined</u> words decided it. '
    f"{ATTRIBUTED_MARK} follows what is attributed to a source. "
    '<span class="certainty-hint">Point at a sentence for its probabilities.</span></p>'
)
"""How to read a text."""


def escape(text: str) -> str:
    """Return text that is safe within elements and quoted attributes, and can be encoded."""
    # A lone surrogate, as undecodable bytes in file names make, cannot be saved as UTF-8.
    return escape_html(_SURROGATES.sub("\ufffd", text))


def overview(counts: Mapping[str, int]) -> str:
    """Return the bar, and the key with the number and share of each category."""
    total = sum(counts.values())
    items = "".join(
        f'<li data-category="{shown}"><span class="certainty-name {css_class(shown)}">{category_name(shown)}</span> '
        f'<span class="certainty-share">{n}{f" · {escape(percent(n / total))}" if total else ""}</span></li>'
        for shown, n in counts.items()
    )
    return f'{bar(counts)}\n<ul class="certainty-key" aria-label="Sentences of each label">{items}</ul>'


def bar(counts: Mapping[str, int]) -> str:
    """Return the shares of the categories as a stacked bar, with the same in words; nothing if all are 0."""
    total = sum(counts.values())
    if not total:
        return ""
    present = {shown: n for shown, n in counts.items() if n}
    words = ", ".join(f"{category_name(shown)} {percent(n / total)}" for shown, n in present.items())
    parts = "".join(f'<span class="{css_class(shown)}" style="flex-grow:{n}"></span>' for shown, n in present.items())
    return f'<div class="certainty-bar" role="img" aria-label="{escape(words)}">{parts}</div>'


def text_block(document: ScoredText, min_confidence: float | None) -> str:
    """Return the whole text as it was given, its sentences marked up, with line breaks between them as paragraphs."""
    parts: list[str] = []
    done = 0
    for sentence in document:
        rest = document.text[done : sentence.start]
        parts += _rest(rest), "</p><p>" if "\n" in rest else "", _sentence(sentence, min_confidence)
        done = sentence.end
    parts.append(_rest(document.text[done:]))
    return f'<div class="certainty-text" lang="fr"><p>{"".join(parts)}</p></div>'


def _rest(text: str) -> str:
    # nbconvert drops blank lines from a notebook's HTML; an element between the line feeds keeps them.
    lines = re.sub("\n(?=\n)", "\n<wbr>", escape(text))
    return f'<span class="certainty-rest">{lines}</span>' if text.strip() else lines


def _sentence(sentence: SentenceScore, min_confidence: float | None) -> str:
    shown = category(sentence, min_confidence)
    text = "".join(f"<u>{escape(t)}</u>" if is_cue else escape(t) for t, is_cue in split_at_cues(sentence))
    classes, data = f"certainty-sentence {css_class(shown)}", f'data-category="{shown}"'
    verdict = category_name(sentence.label)
    parts = [verdict if shown != UNDECIDED else f"{UNDECIDED}, {verdict}", percent(sentence.probability)]
    if sentence.attributed:
        parts.append(ATTRIBUTED)
        classes += " certainty-attributed"
    shares = sentence.probabilities if sentence.is_claim else {sentence.label: sentence.probability}
    probabilities = " · ".join(f"{category_name(label)} {percent(p)}" for label, p in shares.items())
    return (
        f'<span class="{classes}" style="--opacity:{tint_opacity(sentence.probability):.2f}" role="group" '
        f'aria-label="{escape(", ".join(parts))}" title="{escape(probabilities)}" {data} '
        f'data-probability="{sentence.probability:.4f}">{text}</span>'
    )
