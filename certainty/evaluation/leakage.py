"""Find held-out sentences that are also in the training data."""

from __future__ import annotations

from collections.abc import Iterable

from certainty.labelled import LabelledSentence


def leaked(train: Iterable[LabelledSentence], held_out: Iterable[LabelledSentence]) -> list[LabelledSentence]:
    """Return the held-out sentences whose text is also in train, ignoring case, spaces and punctuation."""
    known = {text_key(sentence.text) for sentence in train}
    return [sentence for sentence in held_out if text_key(sentence.text) in known]


def text_key(text: str) -> str:
    """Return the letters and digits of a text in lower case, or the text if it has none.

    Texts with the same key count as equal.
    """
    return "".join(filter(str.isalnum, text.lower())) or text.strip()
