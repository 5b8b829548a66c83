"""Two versions of a text in HTML: the summary, and the pairs of sentences, one below the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from certainty.sentence_score import ScoredText, SentenceScore
from certainty.views.categories import category_counts
from certainty.views.language import Language
from certainty.views.markup import (
    cue_data,
    escape,
    fold,
    help_text,
    name_tag,
    overview,
    said,
    sentence_element,
    untold_text,
)

if TYPE_CHECKING:
    from certainty.comparison import Comparison, SentencePair

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_WORDS = 1000  # with spaces and punctuation; of a longer sentence all words are marked
_SAME = ("unchanged", "moved")
Spans = list[tuple[int, int]]


def summary(comparison: Comparison, lang: Language) -> str:
    """Return the numbers of sentences and of changes in one line."""
    sizes = {
        "before": lang.counted("sentences", len(comparison.old)),
        "after": lang.counted("sentences", len(comparison.new)),
    }
    changes = [lang.say("tally", name=lang.say(change.value), n=n) for change, n in comparison.counts().items()]
    return " · ".join([lang.say("compared", **sizes), *changes])


def verdict(pair: SentencePair, lang: Language) -> str:
    """Return in words how the commitment of a sentence changed; empty unless both versions have the sentence."""
    old, new = pair.old, pair.new
    if old is None or new is None:
        return ""
    parts = []
    if pair.label_changed:
        parts.append(f"{lang.say(old.label.value)} → {lang.say(new.label.value)}")
    if pair.attribution_changed:
        parts.append(lang.say("now_attributed" if new.attributed else "no_longer_attributed"))
    if old.certainty is not None and new.certainty is not None:
        before, after = lang.percent(old.certainty), lang.percent(new.certainty)
        parts += [f"{lang.say('certainty')} {before} → {after}"] if before != after else []
    return " · ".join(parts)


def comparison_head(comparison: Comparison, lang: Language, folded: bool = False) -> str:
    """Return the summary, the shares of the changes, the labels before and after, and how to read a pair."""
    if not comparison.pairs:
        return said("p", "no_pair", lang)
    counts = {change.value: n for change, n in comparison.counts().items()}
    help_shown = help_text(None, lang) + said("p", "help_compare", lang, ' class="certainty-help"')
    sizes = f'data-before="{len(comparison.old)}" data-after="{len(comparison.new)}"'
    return (
        f'<p class="certainty-summary" {sizes}>{escape(summary(comparison, lang))}</p>\n'
        f"{overview(counts, lang, 'changes')}\n{_label_table(comparison, lang)}\n"
        f"{untold_text((comparison.old, comparison.new), lang)}{fold(help_shown, lang) if folded else help_shown}"
    )


def pair_list(comparison: Comparison, lang: Language) -> str:
    """Return the pairs, in order."""
    data = cue_data(comparison.old), cue_data(comparison.new)
    pairs = "\n".join(_pair(pair, data, lang) for pair in comparison)
    return f'<div class="certainty-pairs">\n{pairs}\n</div>'


def _label_table(comparison: Comparison, lang: Language) -> str:
    old, new = _counts(comparison.old), _counts(comparison.new)
    head = "".join(said("th", key, lang, ' scope="col"') for key in ("label", "before", "after"))
    rows = "".join(
        f'<tr><th scope="row">{name_tag(label, lang)}</th><td>{n}</td><td>{new[label]}</td></tr>'
        for label, n in old.items()
    )
    return f'<table class="certainty-labels"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _counts(document: ScoredText) -> dict[str, int]:
    return category_counts([document])


def _pair(pair: SentencePair, data: tuple[str, str], lang: Language) -> str:
    """Return a pair; `data` are attributes for the sentences of the old version and for those of the new one."""
    old, new = pair.old, pair.new
    of_old, of_new = data
    if old is None or new is None:
        both = ((old, of_old), (new, of_new))
        versions = "".join(f"<p{of_one}>{_text(one, [], 'ins', lang)}</p>" for one, of_one in both if one)
    elif pair.change in _SAME:
        # Equal sentences are shown once; the old one is kept, hidden, for the export.
        versions = f"<p hidden>{_text(old, [], 'del', lang)}</p><p{of_new}>{_text(new, [], 'ins', lang)}</p>"
    else:
        gone, come = _differences(old.text, new.text)
        versions = _version(old, "before", of_old, gone, "del", lang)
        versions += _version(new, "after", of_new, come, "ins", lang)
    told = f'<span class="certainty-verdict">{escape(verdict(pair, lang))}</span>'
    head = f'<p class="certainty-change">{name_tag(pair.change.value, lang)} {told}</p>'
    return f'<div class="certainty-pair" data-category="{pair.change.value}">{head}{versions}</div>'


def _version(sentence: SentenceScore, side: str, data: str, spans: Spans, tag: str, lang: Language) -> str:
    name = said("span", side, lang, ' class="certainty-side"')
    return f'<p class="certainty-{side}"{data}>{name} {_text(sentence, spans, tag, lang)}</p>'


def _text(sentence: SentenceScore, spans: Spans, tag: str, lang: Language) -> str:
    element = sentence_element(sentence, lang, changed=spans, change_tag=tag)
    return f'<span class="certainty-text" lang="fr">{element}</span>'


def _differences(old: str, new: str) -> tuple[Spans, Spans]:
    """Return the spans of the words that are only in the old sentence, and of those only in the new one."""
    olds, news = list(_WORD.finditer(old)), list(_WORD.finditer(new))
    if max(len(olds), len(news)) > _MOST_WORDS:  # the time would grow with its square
        return [(0, len(old))], [(0, len(new))]
    matcher = SequenceMatcher(None, [word[0] for word in olds], [word[0] for word in news])
    steps = [step for step in matcher.get_opcodes() if step[0] != "equal"]
    return list(_spans(olds, [step[1:3] for step in steps])), list(_spans(news, [step[3:5] for step in steps]))


def _spans(words: list[re.Match[str]], ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, end in ranges:
        if first < end:
            yield words[first].start(), words[end - 1].end()
