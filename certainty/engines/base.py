"""The interface of engines, which turn token ids and an attention mask into the logits of the heads."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Logits(NamedTuple):
    """Logits of the heads for a batch of `rows` windows, each `length` tokens long.

    Models made before release 0.5 have a single cue channel, and neither of the last two heads.

    Attributes:
        label: The labels, in the order of `LABELS`, shape (rows, 4). Their softmax gives the calibrated probabilities.
        claim: Whether the sentence makes a claim, shape (rows,).
        attributed: Whether the claim is attributed to a source, shape (rows,).
        cue: Whether each token belongs to a cue of each label in `CUED`, shape (rows, length, 3); or of any label,
            shape (rows, length).
        second: No second claim, or its label in the order of `LABELS`, shape (rows, 5); or None.
        source: Whether each token is the first and the last of the words that name the source, shape (rows, length, 2);
            both at the first special token stand for "nobody is named". Or None.
    """

    label: Floats
    claim: Floats
    attributed: Floats
    cue: Floats
    second: Floats | None = None
    source: Floats | None = None


class Engine(Protocol):
    """Runs the model on a padded batch. Engines can be called from several threads.

    Attributes:
        workers: Number of batches to run at the same time.
        token_budget: Number of tokens per batch, including padding, at which the engine is fastest.
    """

    workers: int
    token_budget: int

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], alone: bool = False) -> Logits:
        """Return the logits of a batch.

        Args:
            input_ids: Token ids, shape (rows, length).
            attention_mask: 1 for tokens and 0 for padding, shape (rows, length).
            alone: Whether this is the only batch, so that it can use all cores.
        """
        ...
