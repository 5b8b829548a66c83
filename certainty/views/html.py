"""HTML: the text as it was given, its sentences tinted by label; no script, no request to anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from certainty.labels import LABELS, Label
from certainty.results import Document, SentenceScore
from certainty.views.palette import ATTRIBUTED_MARK, tint_opacity
from certainty.views.style import css_class, style_sheet
from certainty.views.wording import ATTRIBUTED, NO_CLAIM, claimless, label_name, percent, split_at_cues

_SURROGATES = re.compile("[\ud800-\udfff]")
_KEY = (
    "A stronger tint is a more probable label; <u>underlined</u> words decided it; "
    f"{ATTRIBUTED_MARK} marks what is attributed to a source. Hover over a sentence for its probabilities."
)


def render_page(documents: Sequence[Document], titles: Sequence[str] | None = None) -> str:
    """Return a complete page that shows the documents one under the other, light or dark as the reader's system is.

    Args:
        documents: What to show.
        titles: A heading for each document, such as its file name.

    Raises:
        ValueError: there are not as many titles as documents.
    """
    headings = [""] * len(documents) if titles is None else [f"<h1>{_escape(title)}</h1>\n" for title in titles]
    sections = "\n".join(
        f"<section>\n{heading}{_body(document)}\n</section>"
        for heading, document in zip(headings, documents, strict=True)
    )
    title = _escape(", ".join(titles)) + " – certainty" if titles else "certainty"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n"
        f"<style>body{{margin:0}}.certainty{{min-height:100vh;box-sizing:border-box}}{style_sheet()}</style>\n"
        f'</head>\n<body>\n<main class="certainty">\n{sections}\n</main>\n</body>\n</html>\n'
    )


def render_fragment(document: Document) -> str:
    """Return one document as a `<div>` with its own style sheet, for notebooks."""
    return f'<div class="certainty"><style>{style_sheet()}</style><section>{_body(document)}</section></div>'


def _body(document: Document) -> str:
    return (
        f"{_counts(document)}\n"
        f'<p class="certainty-key">{_KEY}</p>\n'
        f'<div class="certainty-text" lang="fr">{_text(document)}</div>'
    )


def _counts(document: Document) -> str:
    counts = document.counts()
    items = "".join(
        f'<li class="certainty-claim {css_class(label)}" style="--opacity:{tint_opacity(1):.2f}">'
        f"{counts[label]} {label_name(label)}</li>"
        for label in LABELS
    )
    items += f'<li class="certainty-none">{claimless(document)} {NO_CLAIM}</li>'
    return f'<ul class="certainty-counts" aria-label="Sentences of each label">{items}</ul>'


def _text(document: Document) -> str:
    parts: list[str] = []
    done = 0
    for sentence in document:
        parts += _escape(document.text[done : sentence.start]), _sentence(sentence)
        done = sentence.end
    parts.append(_escape(document.text[done:]))
    return "".join(parts)


def _sentence(sentence: SentenceScore) -> str:
    text = "".join(f"<u>{_escape(t)}</u>" if is_cue else _escape(t) for t, is_cue in split_at_cues(sentence))
    source = f", {ATTRIBUTED}" if sentence.attributed else ""
    if not sentence.is_claim:
        return f'<span class="certainty-none" role="group" aria-label="{NO_CLAIM}" title="{NO_CLAIM}">{text}</span>'
    classes = f"certainty-claim {css_class(sentence.label)}" + (" certainty-attributed" if source else "")
    opacity = tint_opacity(sentence.probability)
    return (
        f'<span class="{classes}" style="--opacity:{opacity:.2f}" role="group" '
        f'aria-label="{label_name(sentence.label)}, {_escape(percent(sentence.probability))}{source}" '
        f'title="{_escape(_probabilities(sentence.probabilities))}{source}">{text}</span>'
    )


def _probabilities(probabilities: dict[Label, float]) -> str:
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    return " · ".join(f"{label_name(label)} {percent(p)}" for label, p in ranked)


def _escape(text: str) -> str:
    # A lone surrogate, as undecodable bytes in file names make, cannot be saved as UTF-8.
    return escape(_SURROGATES.sub("\ufffd", text))
