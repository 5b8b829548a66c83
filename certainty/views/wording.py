"""Wording that several views share."""

from __future__ import annotations

from collections.abc import Iterator

from certainty.sentence_score import SentenceScore

ATTRIBUTED = "attributed"


def category_name(category: str) -> str:
    """Return the name of a label or another category for people: "personal opinion"."""
    return category.replace("_", " ")


def percent(probability: float) -> str:
    """Return a whole percentage that is never rounded to 0 or 100: ">99%", "87%", "<1%"."""
    if 0.995 <= probability < 1:
        return ">99%"
    if 0 < probability < 0.005:
        return "<1%"
    return f"{probability:.0%}"


def split_at_cues(sentence: SentenceScore) -> Iterator[tuple[str, bool]]:
    """Split a sentence into pieces (text, whether it is a cue), which together are the sentence."""
    done = 0
    for cue in sorted(sentence.cues):
        start = max(cue.start - sentence.start, done)
        end = min(cue.end - sentence.start, len(sentence.text))
        if start >= end:
            continue
        if start > done:
            yield sentence.text[done:start], False
        yield sentence.text[start:end], True
        done = end
    if done < len(sentence.text):
        yield sentence.text[done:], False
