"""Apply a calibration to logits; `certainty.finetuning.calibration` fits one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from certainty.labels import LABELS
from certainty.scoring import softmax

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Temperature scaling with a bias: calibrated logits are `logits / temperature + bias`.

    Attributes:
        temperature: A single temperature for all labels (Guo et al. 2017, https://arxiv.org/abs/1706.04599).
        bias: Shape (4,), with mean 0. Corrects for the label frequencies of the enriched training data (logit
            adjustment, https://arxiv.org/abs/2007.07314).
    """

    temperature: float
    bias: tuple[float, ...]

    def apply(self, logits: NDArray[np.floating]) -> Array:
        """Return the calibrated logits, of shape (n, 4)."""
        return np.asarray(logits / self.temperature + np.asarray(self.bias))

    def undo(self, probabilities: Array) -> Array:
        """Return the uncalibrated probabilities for calibrated ones, both of shape (n, 4).

        The logits are not needed, because log-probabilities have the same softmax.
        """
        with np.errstate(divide="ignore"):  # a probability of 0 stays 0
            return softmax((np.log(probabilities) - np.asarray(self.bias)) * self.temperature)


NONE = Calibration(1.0, (0.0,) * len(LABELS))
"""The identity: leaves logits unchanged."""
