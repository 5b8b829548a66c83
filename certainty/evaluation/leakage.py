"""Which held-out sentences a model has seen in training."""

from __future__ import annotations

from collections.abc import Iterable

from certainty.labelled import LabelledSentence


def leaked(train: Iterable[LabelledSentence], held_out: Iterable[LabelledSentence]) -> list[LabelledSentence]:
    """Return the held-out sentences whose text, but for case, spaces and punctuation, is also in train."""
    known = {text_key(sentence.text) for sentence in train}
    return [sentence for sentence in held_out if text_key(sentence.text) in known]


def text_key(text: str) -> str:
    """Return the letters and digits of a text in small letters: texts of one key count as the same."""
    return "".join(filter(str.isalnum, text.lower()))
