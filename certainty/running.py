"""Run a model on sentences: tokenise, cut into windows, run batches, and combine their logits."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from certainty.batching import batches, cut_windows, pad
from certainty.engines.base import Engine, Logits
from certainty.messages import counted
from certainty.model_folder import ModelSettings
from certainty.progress import Count, uncounted
from certainty.scoring import SentenceLogits
from certainty.sentences import Sentence
from certainty.tokenising import Encoding, SentenceTokenizer
from certainty.unread import SCORED_CHARACTERS, unread_characters

CHUNK = 2048
"""Number of sentences that are tokenised, sorted and held in memory at a time."""

logger = logging.getLogger(__name__)


class Runner:
    """Runs an engine on sentences of any number and length, in batches of windows of similar length.

    Args:
        engine: The engine.
        tokenizer: The tokenizer of its model.
        settings: The settings of the model; the thresholds play no part.
    """

    def __init__(self, engine: Engine, tokenizer: SentenceTokenizer, settings: ModelSettings) -> None:
        self._engine, self._tokenizer = engine, tokenizer
        self._max_length, self._pad_token_id = settings.max_length, settings.pad_token_id

    def chunks(
        self, sentences: list[Sentence], count: Count
    ) -> Iterator[tuple[list[Sentence], Sequence[Encoding], SentenceLogits]]:
        """Yield chunks of `CHUNK` sentences, in order, with their encodings and logits."""
        for start in range(0, len(sentences), CHUNK):
            chunk = sentences[start : start + CHUNK]
            unread = [(unread_characters(sentence.text), sentence.start) for sentence in chunk]
            if skipped := [one for one in unread if one[0]]:
                logger.warning(
                    "%s not read to the end because of encoded data or more than %d characters; the longest, at offset "
                    "%d, without %d characters",
                    f"{counted(len(skipped), 'sentence')} {'is' if len(skipped) == 1 else 'are'}",
                    *(SCORED_CHARACTERS, max(skipped)[1], max(skipped)[0]),
                )
            encodings = self._tokenizer(sentence.text for sentence in chunk)
            yield chunk, encodings, self.logits([encoding.ids for encoding in encodings], count)

    def logits(self, token_ids: Sequence[list[int]], count: Count = uncounted) -> SentenceLogits:
        """Return the logits of sentences.

        Args:
            token_ids: Token ids of each sentence, without special tokens.
            count: Called with the number of sentences that each batch has brought.
        """
        windows = cut_windows(token_ids, self._tokenizer.special, self._max_length)
        logits = SentenceLogits(windows, len(token_ids))
        tokens = sum(len(window.ids) for window in windows)
        done = counted = 0
        for indices, output in self._run([window.ids for window in windows]):
            logits.add(indices, output)
            # The longest come first: counted by their tokens, sentences are done at an even rate.
            done += sum(len(windows[i].ids) for i in indices)
            count(len(token_ids) * done // tokens - counted)
            counted = len(token_ids) * done // tokens
        return logits

    def _run(self, rows: list[list[int]]) -> Iterator[tuple[list[int], Logits]]:
        """Run the engine on rows of token ids; yield the row indices and the logits of each batch."""

        def run(indices: list[int]) -> tuple[list[int], Logits]:
            ids, mask = pad([rows[i] for i in indices], self._pad_token_id)
            return indices, self._engine.run(ids, mask, alone=len(made) == 1)

        made = batches([len(row) for row in rows], self._engine.token_budget, self._engine.workers)
        if len(made) == 1 or self._engine.workers == 1:
            yield from map(run, made)
            return
        with ThreadPoolExecutor(self._engine.workers) as pool:
            yield from pool.map(run, made)
