"""HTML: self-contained pages and notebook fragments that load nothing from the network.

A page is readable without its script, which adds the language of the reader, filters, explanations and export. Its
content security policy allows only this script and style sheet, by their digests.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from certainty.errors import CertaintyError
from certainty.sentence_score import ScoredText, checked_probability
from certainty.views.categories import category_counts
from certainty.views.comparison import comparison_head, pair_list
from certainty.views.language import Language, language, language_script
from certainty.views.markup import bar, counted, escape, fold, help_text, overview, said, text_block, untold_text
from certainty.views.style import style_sheet

if TYPE_CHECKING:
    from certainty.comparison import Comparison

GENERATOR = '<meta name="generator" content="certainty">'
"""Marks the pages that certainty wrote."""

_PAGE_RULES = "body{margin:0}body>.certainty{min-height:100vh;box-sizing:border-box}\n"
_CHOSEN_BY_BROWSER = " data-any-language"
_SCRIPTS = ("bar", "filters", "explanation", "records", "export", "start")


class IndexEntry(NamedTuple):
    """A text in an index: its title, the address of its page, the number of sentences in each category."""

    title: str
    address: str
    counts: dict[str, int]


def render_page(
    documents: Sequence[ScoredText],
    names: Sequence[str] | None = None,
    min_confidence: float | None = None,
    index: str | None = None,
    title: str | None = None,
    lang: str | None = None,
) -> str:
    """Return a complete page that shows the documents one below the other, light or dark like the system of the reader.

    Args:
        documents: The documents to show.
        names: A heading for each document, such as its file name.
        min_confidence: Claims whose label is less probable are shown as undecided; None shows all labels.
        index: Address of the index that the page belongs to.
        title: The heading of the page; None takes the name of a single document, or the number of several.
        lang: Language of the interface, "en" or "fr"; None follows the browser of the reader, with a switch.

    Raises:
        CertaintyError: If `min_confidence` is not between 0 and 1, or there is no such language.
        ValueError: If there are not as many names as documents.
    """
    words, min_confidence = language(lang), _checked(min_confidence)
    several = len(documents) > 1
    headings = [""] * len(documents) if names is None else list(names)
    title = title or ("" if several else "".join(headings))
    tab, heading = _tab_and_heading(title, len(documents) if several else None, words)
    sections = []
    for name, document in zip(headings, documents, strict=True):
        top = _heading(2, name) + bar(category_counts([document], min_confidence), words) if several else ""
        sections.append(f"<section>\n{top}{text_block(document, name or title, min_confidence, words)}\n</section>")
    head = f"{_way_back(index, words)}{heading}{_overview(documents, min_confidence, words)}"
    return _page(tab, _layout(head, "\n".join(sections)), lang)


def render_index(entries: Sequence[IndexEntry], title: str | None = None, lang: str | None = None) -> str:
    """Return a page that lists texts, with the shares of the labels in each and in all of them; see `render_page`."""
    words = language(lang)
    items = "\n".join(_item(entry, words) for entry in entries)
    total: dict[str, int] = {}
    for entry in entries:
        for category, n in entry.counts.items():
            total[category] = total.get(category, 0) + n
    tab, heading = _tab_and_heading(title or "", len(entries), words)
    layout = _layout(f"{heading}{overview(total, words)}", f'<ul class="certainty-index">\n{items}\n</ul>')
    return _page(tab, layout, lang)


def render_fragment(document: ScoredText, min_confidence: float | None = None) -> str:
    """Return one document as a `<div>` with its own style sheet and script, for notebooks.

    It is at most as high as a screen, with filters and help folded up, light or dark like the notebook, in the language
    of the browser.

    Raises:
        CertaintyError: If `min_confidence` is not between 0 and 1.
    """
    words, min_confidence = language(None), _checked(min_confidence)
    head = _overview([document], min_confidence, words, folded=True)
    return _fragment(_layout(head, text_block(document, "", min_confidence, words)))


def render_comparison(comparison: Comparison, title: str | None = None, lang: str | None = None) -> str:
    """Return a complete page that shows what changed between two versions; see `render_page`."""
    words = language(lang)
    tab, heading = _tab_and_heading(title or "", None, words)
    return _page(tab, _layout(heading + comparison_head(comparison, words), pair_list(comparison, words)), lang)


def render_comparison_fragment(comparison: Comparison) -> str:
    """Return two versions as a `<div>` for notebooks; see `render_fragment`."""
    words = language(None)
    return _fragment(_layout(comparison_head(comparison, words, folded=True), pair_list(comparison, words)))


def _checked(min_confidence: float | None) -> float | None:
    return None if min_confidence is None else checked_probability(min_confidence, "min_confidence")


def _tab_and_heading(title: str, texts: int | None, words: Language) -> tuple[str, str]:
    """Return the titles of the tab and of the page: the title, else the number of texts, else a general one."""
    if not isinstance(title, str):
        raise CertaintyError(f"title is {title!r:.60}; give a string.")
    if title:
        return f"<title>{escape(title)} – certainty</title>", _heading(1, title)
    if texts is not None:
        return counted("title", "texts", texts, words), counted("h1", "texts", texts, words) + "\n"
    return said("title", "site", words), ""


def _way_back(index: str | None, words: Language) -> str:
    if not index:
        return ""
    link = said("a", "all_texts", words, f' href="{escape(quote(index))}"')
    return f'<p class="certainty-back">{link}</p>\n'


def _item(entry: IndexEntry, words: Language) -> str:
    size = counted("span", "sentences", sum(entry.counts.values()), words, ' class="certainty-share"')
    link = f'<a href="{escape(quote(entry.address))}"><bdi>{escape(entry.title)}</bdi></a>'
    return f"<li>{link} {size} {bar(entry.counts, words)}</li>"


def _overview(
    documents: Sequence[ScoredText], min_confidence: float | None, words: Language, folded: bool = False
) -> str:
    help_shown = help_text(min_confidence, words)
    if folded:
        help_shown = fold(help_shown, words)
    counts = category_counts(documents, min_confidence)
    return f"{overview(counts, words)}\n{untold_text(documents, words)}{help_shown}"


def _layout(head: str, content: str) -> str:
    return (
        f'<div class="certainty-layout">\n<div class="certainty-overview">\n{head}\n</div>\n'
        f'<div class="certainty-content">\n{content}\n</div>\n</div>'
    )


def _heading(level: int, title: str) -> str:
    breakable = escape(title).replace("/", "/<wbr>")
    return f"<h{level}><bdi>{breakable}</bdi></h{level}>\n" if title else ""


def _page(tab: str, content: str, lang: str | None) -> str:
    style, script = _PAGE_RULES + style_sheet(), _script()
    # Style attributes contain only numbers written here; not every browser can allow them by a digest.
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; style-src-attr 'unsafe-inline'; "
        f"script-src {_digest(script)}; base-uri 'none'; form-action 'none'"
    )
    code = language(lang).code
    return (
        f'<!DOCTYPE html>\n<html lang="{code}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n{GENERATOR}\n'
        f"{tab}\n<style>{style}</style>\n</head>\n"
        f'<body>\n<main class="certainty" lang="{code}"{_CHOSEN_BY_BROWSER if lang is None else ""}>\n{content}\n'
        f"</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _fragment(layout: str) -> str:
    style, script = f"<style>{style_sheet()}</style>", f"<script>{_script()}</script>"
    attributes = f'class="certainty certainty-notebook" lang="{language(None).code}"{_CHOSEN_BY_BROWSER}'
    return f"<div {attributes}>{style}\n{layout}\n{script}</div>"


def _digest(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


@cache
def _script() -> str:
    folder = files("certainty.views") / "script"
    parts = "".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{language_script()}{parts}}})();\n'
