"""The category that the views show for a sentence: its label, or undecided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from certainty.labels import LABELS, Label
from certainty.sentence_score import ScoredText, SentenceScore

UNDECIDED = "undecided"
NO_CLAIM = Label.NO_CLAIM.value


def category(sentence: SentenceScore, min_confidence: float | None = None) -> str:
    """Return the label, or `UNDECIDED` for a claim whose label is less probable than `min_confidence`."""
    return UNDECIDED if is_undecided(sentence, min_confidence) else sentence.label.value


def is_undecided(sentence: SentenceScore, min_confidence: float | None) -> bool:
    """Return whether a sentence makes a claim and its label is less probable than `min_confidence` (None: never)."""
    is_labelled = sentence.label is not Label.NO_CLAIM
    return is_labelled and min_confidence is not None and sentence.probability < min_confidence


def category_counts(documents: Iterable[ScoredText], min_confidence: float | None = None) -> dict[str, int]:
    """Count the sentences of each category, in the order of display; includes `UNDECIDED` if it can occur."""
    found = Counter(category(sentence, min_confidence) for document in documents for sentence in document)
    categories = [label.value for label in LABELS]
    categories += [NO_CLAIM] if min_confidence is None else [UNDECIDED, NO_CLAIM]
    return {name: found[name] for name in categories}
