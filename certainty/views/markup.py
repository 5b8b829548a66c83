"""The HTML elements of pages and notebooks: the text, its summary as a bar, the key to its labels.

Each word of the interface is in an element with its key in `data-word`, so that the script can translate it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape as escape_html
from itertools import pairwise

from certainty.labels import LABELS, Label
from certainty.model_folder import HEADS
from certainty.sentence_score import Cue, ScoredText, SentenceScore, Source
from certainty.views.categories import UNDECIDED, category
from certainty.views.language import Language
from certainty.views.palette import ATTRIBUTED_MARK, tint_opacity
from certainty.views.style import css_class

_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_DECIMALS = 6


def escape(text: str) -> str:
    """Escape text for elements and quoted attributes, so that it keeps its length in a browser."""
    # A lone surrogate, which stands for undecodable bytes in file names, cannot be saved as UTF-8. A browser would drop
    # NUL, and turn a carriage return with a line feed into one line feed.
    return escape_html(_UNREADABLE.sub("\ufffd", text)).replace("\r", "&#13;")


def said(tag: str, key: str, lang: Language, attributes: str = "", **values: object) -> str:
    """Return an element with a word of the interface."""
    return f'<{tag} data-word="{key}"{attributes}>{escape(lang.say(key, **values))}</{tag}>'


def counted(tag: str, key: str, n: int, lang: Language, attributes: str = "") -> str:
    """Return an element with a number and its noun."""
    return f'<{tag} data-word="{key}" data-n="{n}"{attributes}>{escape(lang.counted(key, n))}</{tag}>'


def help_text(min_confidence: float | None, lang: Language) -> str:
    """Return an explanation of how to read a text."""
    hint = said("span", "help_hint", lang, ' class="certainty-hint"')
    parts = (
        said("span", "help_tint", lang),
        said("u", "help_cues", lang),
        f"{ATTRIBUTED_MARK} {said('span', 'help_attributed', lang)}",
        hint,
    )
    undecided = ""
    if min_confidence:
        number = f' class="certainty-help" data-number="{min_confidence:.4g}"'
        undecided = said("p", "help_undecided", lang, number, number=lang.number(min_confidence))
    return f'<p class="certainty-help">{" ".join(parts)}</p>{undecided}'


def untold_text(documents: Iterable[ScoredText], lang: Language) -> str:
    """Return what a model of the documents cannot tell, in one line; empty if they can, or it is not known."""
    known = [doc.model.heads for doc in documents if doc.model is not None and doc.model.heads is not None]
    untold = [said("span", f"untold_{head}", lang) for head in HEADS if not all(head in heads for heads in known)]
    return f'<p class="certainty-help">{said("span", "untold", lang)} {", ".join(untold)}.</p>' if untold else ""


def cue_data(document: ScoredText) -> str:
    """Return an attribute for the text of a model that cannot tell cues; empty if it can, or it is not known."""
    heads = document.model.heads if document.model else None
    return "" if heads is None or "cue" in heads else " data-no-cues"


def overview(counts: Mapping[str, int], lang: Language, key: str = "key") -> str:
    """Return the bar, and the key with the number and share of each category; `key` is the word that names the key."""
    total = sum(counts.values())
    items = "".join(
        f'<li data-category="{shown}">{name_tag(shown, lang)} '
        f'<span class="certainty-share">{n}{f" · {escape(lang.percent(n / total))}" if total else ""}</span></li>'
        for shown, n in counts.items()
    )
    label = escape(lang.say(key))
    return f'{bar(counts, lang)}\n<ul class="certainty-key" aria-label="{label}" data-name="{key}">{items}</ul>'


def name_tag(shown: str, lang: Language) -> str:
    """Return the name of a category in its colour, with its mark."""
    return said("span", shown, lang, f' class="certainty-name {css_class(shown)}"')


def fold(content: str, lang: Language) -> str:
    """Return content that is folded up until the reader opens it."""
    return f'<details class="certainty-more">{said("summary", "more", lang)}{content}</details>'


def bar(counts: Mapping[str, int], lang: Language) -> str:
    """Return the shares of the categories as a stacked bar, described in words; empty if all are 0."""
    total = sum(counts.values())
    if not total:
        return ""
    present = {shown: n for shown, n in counts.items() if n}
    words = ", ".join(f"{lang.say(shown)} {lang.percent(n / total)}" for shown, n in present.items())
    parts = "".join(f'<span class="{css_class(shown)}" style="flex-grow:{n}"></span>' for shown, n in present.items())
    data = " ".join(f"{shown}={n}" for shown, n in counts.items())
    return f'<div class="certainty-bar" role="img" aria-label="{escape(words)}" data-counts="{data}">{parts}</div>'


def text_block(document: ScoredText, name: str, min_confidence: float | None, lang: Language) -> str:
    """Return the whole text as given, with its sentences marked up and line breaks between them as paragraphs."""
    parts: list[str] = []
    done = 0
    for sentence in document:
        rest = document.text[done : sentence.start]
        parts += _rest(rest), "</p><p>" if "\n" in rest else "", sentence_element(sentence, lang, min_confidence)
        done = sentence.end
    parts.append(_rest(document.text[done:]))
    data = f'data-name="{escape(name)}"{cue_data(document)}'
    if document.model:
        data += f' data-model="{escape(json.dumps(document.model.to_dict(), ensure_ascii=False))}"'
    return f'<div class="certainty-text" lang="fr" {data}><p>{"".join(parts)}</p></div>'


def _rest(text: str) -> str:
    # nbconvert drops blank lines from the HTML of a notebook; an element between the line feeds keeps them.
    lines = re.sub("\n(?=\n)", "\n<wbr>", escape(text))
    return f'<span class="certainty-rest">{lines}</span>' if text.strip() else lines


def sentence_element(
    sentence: SentenceScore,
    lang: Language,
    min_confidence: float | None = None,
    changed: Sequence[tuple[int, int]] = (),
    change_tag: str = "ins",
) -> str:
    """Return a sentence with its scores as attributes, which the script uses to explain and export it.

    Args:
        sentence: The sentence.
        lang: Language of its description.
        min_confidence: A claim whose label is less probable is undecided.
        changed: Spans of its text that the other version lacks, in order.
        change_tag: Element for these: "ins" or "del".
    """
    shown = category(sentence, min_confidence)
    verdict = lang.say(sentence.label.value)
    parts = [verdict if shown != UNDECIDED else f"{lang.say(UNDECIDED)}, {verdict}", lang.percent(sentence.probability)]
    classes = f"certainty-sentence {css_class(shown)}"
    if sentence.attributed:
        parts.append(lang.say("attributed"))
        classes += " certainty-attributed"
    if unread := sentence.unread:
        parts.append(lang.counted("unread", unread))
    makes_claim = sentence.label is not Label.NO_CLAIM
    shares = sentence.probabilities if makes_claim else {sentence.label: sentence.probability}
    probabilities = " · ".join(f"{lang.say(label.value)} {lang.percent(p)}" for label, p in shares.items())
    data = {
        "category": shown,
        "label": sentence.label.value,
        "probability": f"{sentence.probability:.4f}",
        "probabilities": " ".join(str(_rounded(sentence.probabilities[label])) for label in LABELS),
        "claim": "" if sentence.claim_probability is None else str(_rounded(sentence.claim_probability)),
        "attributed": "unknown" if sentence.attributed is None else "",
        "span": f"{sentence.start} {sentence.end}",
        "cues": _spans(sentence.cues),
        "second": sentence.second.value if sentence.second else "",
        "second-probability": "" if sentence.second_probability is None else str(_rounded(sentence.second_probability)),
        "second-cues": _spans(sentence.second_cues),
        "source": _spans([sentence.source] if sentence.source else []),
        "unread": str(unread or ""),
    }
    attributes = " ".join(f'data-{name}="{value}"' for name, value in data.items() if value)
    return (
        f'<span class="{classes}" style="--opacity:{tint_opacity(sentence.probability):.2f}" role="group" '
        f'aria-label="{escape(", ".join(parts))}" title="{escape(probabilities)}" {attributes}>'
        f"{_marked(sentence, changed, change_tag)}</span>"
    )


def _rounded(probability: float) -> float:
    return round(probability, _DECIMALS)


def _spans(words: Sequence[Cue | Source]) -> str:
    return " ".join(f"{one.start}-{one.end}" for one in words)


def _marked(sentence: SentenceScore, changed: Sequence[tuple[int, int]], change_tag: str) -> str:
    """Return the text with cues underlined and changes marked, each cut where the other begins or ends."""
    size, start = len(sentence.text), sentence.start
    cues = [(max(0, cue.start - start), min(size, cue.end - start)) for cue in sentence.cues]
    places = sorted({0, size, *(place for span in (*cues, *changed) for place in span)})
    pieces = []
    for left, right in pairwise(places):
        piece = escape(sentence.text[left:right])
        if any(a <= left < b for a, b in cues):
            piece = f"<u>{piece}</u>"
        if any(a <= left < b for a, b in changed):
            piece = f"<{change_tag}>{piece}</{change_tag}>"
        pieces.append(piece)
    return "".join(pieces).replace("</u><u>", "")
