"""Interface of classifiers that can be evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from certainty import SentenceScore


class Scorer(Protocol):
    """A `CertaintyClassifier`, or any object with its `score_sentences` method."""

    def score_sentences(self, sentences: Sequence[str], /) -> list[SentenceScore]:
        """Return one score for each sentence."""
        ...
