"""What an engine is: token ids and attention mask → logits of the four heads."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Logits(NamedTuple):
    """Outputs of the four heads for a batch of `rows` windows of `length` tokens.

    Attributes:
        label: Shape (rows, 4), in `LABELS` order; their softmax is the calibrated probability.
        claim: Shape (rows,): the sentence makes a claim.
        attributed: Shape (rows,): its claim is attributed.
        cue: Shape (rows, length): the token is one of the words that decide.
    """

    label: Floats
    claim: Floats
    attributed: Floats
    cue: Floats


class Engine(Protocol):
    """Runs the model on one padded batch; safe to call from many threads.

    Attributes:
        workers: How many batches to run at the same time.
        token_budget: Tokens of a batch, padding included, at which it runs best.
    """

    workers: int
    token_budget: int

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], alone: bool = False) -> Logits:
        """Return the logits for arrays of shape (rows, length); `alone` tells that no other batch runs beside it."""
        ...
