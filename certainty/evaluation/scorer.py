"""What can be judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from certainty import SentenceScore


class Scorer(Protocol):
    """A `CertaintyClassifier`, or anything with its `score_sentences`."""

    def score_sentences(self, sentences: Sequence[str], /) -> list[SentenceScore]:
        """Return one score for each sentence."""
        ...
