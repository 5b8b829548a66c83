"""The logits of dev, through the windows, batches and means of scoring, from whatever runs the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from certainty.batching import batches, cut_windows, pad
from certainty.engines.base import Logits
from certainty.engines.modeling import CertaintyModel
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS
from certainty.model_folder import ModelSettings
from certainty.results import SentenceScore
from certainty.scoring import SentenceLogits, sentence_scores
from certainty.sentences import Sentence
from certainty.tokenising import SentenceTokenizer

__all__ = ["DevSentences", "runner"]

Run = Callable[[NDArray[np.int64], NDArray[np.int64]], Logits]
"""Token ids and attention mask, both (rows, length) → logits."""

TOKEN_BUDGET = 1024


class DevSentences:
    """Held-out sentences and their tokens.

    Attributes:
        gold: Shape (n,): number of the label, -1 where the sentence makes no claim.

    Args:
        sentences: The sentences.
        tokenizer: Reads the sentences.
        max_length: Longest window in tokens, special tokens included.
        pad_token_id: Fills up shorter rows.
    """

    def __init__(
        self, sentences: Sequence[LabelledSentence], tokenizer: SentenceTokenizer, max_length: int, pad_token_id: int
    ) -> None:
        self.sentences = sentences
        self.gold = np.array([LABELS.index(s.label) if s.label else -1 for s in sentences])
        self._encodings = tokenizer(s.text for s in sentences)
        self._windows = cut_windows([e.ids for e in self._encodings], tokenizer.special, max_length)
        self._pad_token_id = pad_token_id

    def logits(self, run: Run) -> SentenceLogits:
        """Run the model over the sentences."""
        logits = SentenceLogits(self._windows, len(self.sentences))
        rows = [window.ids for window in self._windows]
        for indices in batches([len(row) for row in rows], TOKEN_BUDGET):
            logits.add(indices, run(*pad([rows[i] for i in indices], self._pad_token_id)))
        return logits

    def scores(self, logits: SentenceLogits, settings: ModelSettings) -> list[SentenceScore]:
        """Turn the logits into what a user would get with these settings."""
        sentences = [Sentence(s.text, 0, len(s.text)) for s in self.sentences]
        return list(sentence_scores(sentences, self._encodings, logits, settings))


def runner(model: CertaintyModel) -> Run:
    """Return what runs a torch model, in evaluation mode and on the CPU."""

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Logits:
        return model.logits(torch.from_numpy(ids), torch.from_numpy(mask))

    return run
