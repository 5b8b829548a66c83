"""Masked rows for pretraining, which depend only on the settings and the step."""

from __future__ import annotations

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from training.pretraining.masking import WholeWordMasker
from training.pretraining.packing import TokenRows
from training.pretraining.settings import PretrainingSettings

Batch = tuple[Tensor, Tensor, Tensor]


class Batches:
    """Makes the masked rows of each step, which depend only on the settings and the step."""

    def __init__(self, settings: PretrainingSettings, sources: list[np.ndarray], repeats: list[int], tok: Tokenizer):
        self.settings = settings
        self.masker = WholeWordMasker.for_tokenizer(tok, settings.mask_rate)
        held_out = [max(2048, min(50_000, len(s) // 100)) for s in sources]
        lengths = settings.row_lengths
        training = [s[: len(s) - n] for s, n in zip(sources, held_out, strict=True)]
        self.rows = {n: TokenRows.cut(training, repeats, n) for n in lengths}
        validation = [s[len(s) - n :] for s, n in zip(sources, held_out, strict=True)]
        self.validation = TokenRows.cut(validation, [1] * len(sources), lengths[0])
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def __call__(self, step: int) -> Batch:
        """Return the masked ids, positions and labels of a training step."""
        length = self.settings.row_length(step)
        rows, size = self.rows[length], self.settings.batch_tokens // length
        first = step * size
        chosen = np.arange(first, first + size)
        ids = rows[
            np.concatenate(
                [
                    self._epoch(length, e)[chosen[chosen // len(rows) == e] % len(rows)]
                    for e in np.unique(chosen // len(rows))
                ]
            )
        ]
        return self._mask(ids, np.random.default_rng([self.settings.seed, step]))

    def held_out(self, size: int = 128) -> list[Batch]:
        """Return full batches of the held-out rows, always with the same masks."""
        rng = np.random.default_rng(0)
        order = rng.permutation(len(self.validation))
        size = min(size, len(order))
        starts = range(0, min(len(order) - size, 2048) + 1, size)
        return [self._mask(self.validation[order[start : start + size]], rng) for start in starts]

    def _epoch(self, length: int, epoch: int) -> np.ndarray:
        if length not in self._orders or self._orders[length][0] != epoch:
            rng = np.random.default_rng([self.settings.seed, length, epoch])
            self._orders[length] = epoch, rng.permutation(len(self.rows[length]))
        return self._orders[length][1]

    def _mask(self, ids: np.ndarray, rng: np.random.Generator) -> Batch:
        masked, positions, labels = self.masker(ids, rng)
        return torch.from_numpy(masked), torch.from_numpy(positions), torch.from_numpy(labels)
