"""HTML: pages and notebook fragments that stand on their own; nothing is asked of the network.

A page reads well without its script, which adds filters and a panel of probabilities. Its content security policy
admits this one script and style sheet, by their digests, and nothing else.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import quote

from certainty.sentence_score import ScoredText, checked_probability
from certainty.views.categories import category_counts
from certainty.views.markup import HELP, bar, escape, overview, text_block
from certainty.views.style import style_sheet

UNTITLED = "How a text commits itself to what it claims"
GENERATOR = '<meta name="generator" content="certainty">'
"""By which a page of ours is known."""

_PAGE_RULES = "body{margin:0}body>.certainty{min-height:100vh;box-sizing:border-box}\n"


class IndexEntry(NamedTuple):
    """A text in an index: its title, the address of its page, how many sentences are in each category."""

    title: str
    address: str
    counts: dict[str, int]


def render_page(
    documents: Sequence[ScoredText],
    titles: Sequence[str] | None = None,
    min_confidence: float | None = None,
    index: str | None = None,
) -> str:
    """Return a complete page that shows the documents one under the other, light or dark as the reader's system is.

    Args:
        documents: What to show.
        titles: A heading for each document, such as its file name.
        min_confidence: Claims whose label is less probable are shown as undecided; None shows all labels.
        index: Address of the index that the page belongs to.

    Raises:
        CertaintyError: `min_confidence` is not between 0 and 1.
        ValueError: there are not as many titles as documents.
    """
    several = len(documents) > 1
    headings = [""] * len(documents) if titles is None else list(titles)
    title = f"{len(documents)} texts" if several else "".join(headings) or UNTITLED
    back = f'<p class="certainty-back"><a href="{escape(quote(index))}">All texts</a></p>\n' if index else ""
    head = f"{back}{_heading(1, title)}{_overview(documents, min_confidence)}"
    sections = []
    for heading, document in zip(headings, documents, strict=True):
        top = _heading(2, heading) + bar(category_counts([document], min_confidence)) if several else ""
        sections.append(f"<section>\n{top}{text_block(document, min_confidence)}\n</section>")
    return _page(title, _layout(head, "\n".join(sections)))


def render_index(entries: Sequence[IndexEntry]) -> str:
    """Return a page that lists texts, with the shares of the labels in each and in all."""
    items = "\n".join(
        f'<li><a href="{escape(quote(entry.address))}"><bdi>{escape(entry.title)}</bdi></a> '
        f'<span class="certainty-share">{_sentences(sum(entry.counts.values()))}</span> {bar(entry.counts)}</li>'
        for entry in entries
    )
    total: dict[str, int] = {}
    for entry in entries:
        for category, n in entry.counts.items():
            total[category] = total.get(category, 0) + n
    title = "1 text" if len(entries) == 1 else f"{len(entries)} texts"
    head = f"{_heading(1, title)}{overview(total)}"
    return _page(title, _layout(head, f'<ul class="certainty-index">\n{items}\n</ul>'))


def render_fragment(document: ScoredText, min_confidence: float | None = None) -> str:
    """Return one document as a `<div>` with its own style sheet and script, for notebooks.

    It is no higher than a screen, with filters and help folded up, and light or dark as the notebook is.

    Raises:
        CertaintyError: `min_confidence` is not between 0 and 1.
    """
    layout = _layout(_overview([document], min_confidence, folded=True), text_block(document, min_confidence))
    style, script = f"<style>{style_sheet()}</style>", f"<script>{_script()}</script>"
    return f'<div class="certainty certainty-notebook">{style}\n{layout}\n{script}</div>'


def _overview(documents: Sequence[ScoredText], min_confidence: float | None, folded: bool = False) -> str:
    if min_confidence is not None:
        min_confidence = checked_probability(min_confidence, "min_confidence")
    undecided = (
        f'\n<p class="certainty-help">Undecided: the label has a probability under {min_confidence:.4g}.</p>'
        if min_confidence
        else ""
    )
    help_text = f"{HELP}{undecided}"
    if folded:
        help_text = f'<details class="certainty-more"><summary>Filters and help</summary>{help_text}</details>'
    return f"{overview(category_counts(documents, min_confidence))}\n{help_text}"


def _sentences(count: int) -> str:
    return "1 sentence" if count == 1 else f"{count} sentences"


def _layout(head: str, content: str) -> str:
    return (
        f'<div class="certainty-layout">\n<div class="certainty-overview">\n{head}\n</div>\n'
        f'<div class="certainty-content">\n{content}\n</div>\n</div>'
    )


def _heading(level: int, title: str) -> str:
    breakable = escape(title).replace("/", "/<wbr>")
    return f"<h{level}><bdi>{breakable}</bdi></h{level}>\n" if title else ""


def _page(title: str, content: str) -> str:
    style, script = _PAGE_RULES + style_sheet(), _script()
    # Style attributes hold numbers that we wrote; they cannot be admitted by a digest in every browser.
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; style-src-attr 'unsafe-inline'; "
        f"script-src {_digest(script)}; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n{GENERATOR}\n'
        f"<title>{escape(title)} – certainty</title>\n<style>{style}</style>\n</head>\n"
        f'<body>\n<main class="certainty">\n{content}\n</main>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


@cache
def _script() -> str:
    return (files("certainty.views") / "script.js").read_text(encoding="utf-8")
