"""Compute the logits of dev with the windows, batches and averaging of scoring, for any engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

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
"""Function from token ids and attention mask, both (rows, length), to logits."""

TOKEN_BUDGET = 1024


class DevSentences:
    """Tokenised held-out sentences.

    Attributes:
        gold: Label indices, shape (n,); -1 for sentences without a claim.
        name: What messages call the sentences.

    Args:
        sentences: The sentences.
        tokenizer: Reads the sentences as in scoring.
        max_length: Maximum window length in tokens, including special tokens.
        pad_token_id: Id used to pad shorter rows.
        name: What messages call the sentences.
    """

    def __init__(
        self,
        sentences: Sequence[LabelledSentence],
        tokenizer: SentenceTokenizer,
        max_length: int,
        pad_token_id: int,
        name: str = "dev",
    ) -> None:
        self.sentences = sentences
        self.name = name
        self.gold = np.array([LABELS.index(s.label) if s.label else -1 for s in sentences])
        self._encodings = tokenizer(s.text for s in sentences)
        self._windows = cut_windows([e.ids for e in self._encodings], tokenizer.special, max_length)
        self._pad_token_id = pad_token_id

    def logits(self, run: Run) -> SentenceLogits:
        """Run the model on the sentences and return their logits."""
        logits = self.no_logits()
        self.add(logits, range(len(self.sentences)), run)
        return logits

    def no_logits(self) -> SentenceLogits:
        """Return logits of the sentences to which each sentence has yet to be added."""
        return SentenceLogits(self._windows, len(self.sentences))

    def add(self, logits: SentenceLogits, sentences: Collection[int], run: Run) -> None:
        """Run a model on some of the sentences and add what it returns to the logits.

        Args:
            logits: The logits, which do not have these sentences yet.
            sentences: Indices of the sentences.
            run: The model.
        """
        wanted = set(sentences)
        own = [i for i, window in enumerate(self._windows) if window.sentence in wanted]
        rows = [self._windows[i].ids for i in own]
        for indices in batches([len(row) for row in rows], TOKEN_BUDGET):
            logits.add([own[i] for i in indices], run(*pad([rows[i] for i in indices], self._pad_token_id)))

    def scores(self, logits: SentenceLogits, settings: ModelSettings) -> list[SentenceScore]:
        """Return the scores that a user would get with these settings."""
        sentences = [Sentence(s.text, 0, len(s.text)) for s in self.sentences]
        return list(sentence_scores(sentences, self._encodings, logits, settings))


def runner(model: CertaintyModel) -> Run:
    """Return a function that runs a torch model, which must be on the CPU and in evaluation mode."""

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Logits:
        return model.logits(torch.from_numpy(ids), torch.from_numpy(mask))

    return run
