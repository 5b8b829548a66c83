"""Dynamic masking as in RoBERTa (https://arxiv.org/abs/1907.11692), of whole words as in BERT's variant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.pretraining.tokenizer import SPECIAL_TOKENS, WORD_START

MASK = SPECIAL_TOKENS.index("<mask>")


@dataclass(frozen=True)
class WholeWordMasker:
    """Masks all pieces of randomly chosen words.

    Attributes:
        opens_word: Whether each piece starts a word (`▁…`, punctuation, special tokens), shape (vocab_size,).
        closes_word: Whether the next piece starts a word (after an elision such as `l'`), shape (vocab_size,).
        rate: Share of the tokens to predict.
    """

    opens_word: NDArray[np.bool_]
    closes_word: NDArray[np.bool_]
    rate: float

    @classmethod
    def for_tokenizer(cls, tokenizer: Tokenizer, rate: float) -> WholeWordMasker:
        """Create a masker, taking from the pieces of `tokenizer` where words start and end."""
        pieces = [tokenizer.id_to_token(i) or "" for i in range(tokenizer.get_vocab_size())]
        opens = [p in SPECIAL_TOKENS or p.startswith(WORD_START) or not p[:1].isalnum() for p in pieces]
        return cls(np.array(opens), np.array([p.endswith("'") for p in pieces]), rate)

    def __call__(
        self, ids: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Mask a batch.

        Args:
            ids: Token ids, shape (rows, length).
            rng: Source of randomness.

        Returns:
            The masked ids (rows, length), the positions to predict in the flattened rows (n,), and the true ids at
            these positions (n,). n is always round(rate × rows × length), so that a compiled graph only sees one shape.
        """
        flat = ids.ravel()
        starts = self.opens_word[flat]
        starts[1:] |= self.closes_word[flat[:-1]]
        starts[:: ids.shape[1]] = True
        word = np.cumsum(starts) - 1
        order = rng.random(word[-1] + 1)[word]
        order[flat < len(SPECIAL_TOKENS)] = 2.0  # never predicted
        count = round(self.rate * flat.size)
        positions = np.sort(np.argpartition(order, count)[:count])
        labels = flat[positions]
        masked = flat.copy()
        fate = rng.random(count)
        masked[positions[fate < 0.8]] = MASK
        swapped = positions[fate >= 0.9]
        masked[swapped] = rng.integers(len(SPECIAL_TOKENS), len(self.opens_word), len(swapped))
        return masked.reshape(ids.shape), positions, labels
