"""What several views say in the same words."""

from __future__ import annotations

from collections.abc import Iterator

from certainty.sentence_score import SentenceScore

ATTRIBUTED = "attributed"


def category_name(category: str) -> str:
    """Return the name of a label or another category for people: "personal opinion"."""
    return category.replace("_", " ")


def percent(probability: float) -> str:
    """Return a whole percentage that never rounds to certainty: ">99%", "87%", "<1%"."""
    if 0.995 <= probability < 1:
        return ">99%"
    if 0 < probability < 0.005:
        return "<1%"
    return f"{probability:.0%}"


def split_at_cues(sentence: SentenceScore) -> Iterator[tuple[str, bool]]:
    """Cut a sentence into (text, is a cue) pieces, which joined give the sentence again."""
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
