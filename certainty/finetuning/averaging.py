"""Average the weights of the trained model with those of the model that it continued from.

On few sentences, training moves away from much that the initial model knew for little that is new; a part of the way
keeps most of both (WiSE-FT; Wortsman et al. 2022, "Robust fine-tuning of zero-shot models",
https://arxiv.org/abs/2109.01903). How far to go, held-out sentences decide.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.calibration import choose_calibration, negative_log_likelihoods
from certainty.finetuning.dev_logits import DevSentences, runner
from certainty.finetuning.precision import round_weights
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.start import Start
from certainty.scoring import SentenceLogits

__all__ = ["SHARES", "Averages", "best_average", "choose_share"]

SHARES = (0.0, 0.25, 0.5, 0.75)
"""Shares of the initial weights among which the likelihood of held-out sentences chooses."""


class Averages:
    """The averages of a trained model with its initial one.

    Heads that the initial model did not have stay as they were trained.

    Attributes:
        shares: The shares of the initial weights to choose from; one if the settings give it, or if there is no initial
            model.

    Args:
        model: The trained model, on the CPU.
        settings: The settings of the run.
        start: The model that the run started from.
    """

    def __init__(self, model: CertaintyModel, settings: FinetuningSettings, start: Start) -> None:
        self._model = model
        self._weights: list[tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]] = []
        self.shares = SHARES if settings.initial_share is None else (settings.initial_share,)
        if start.model is None:
            self.shares = (0.0,)
        if not any(self.shares):
            return
        initial = start.weights(settings)
        parts = [(model.classifier, initial.classifier)]
        parts += [(head, initial.heads[name]) for name, head in model.heads.items() if name in start.heads]
        for trained, before in parts:
            for own, other in zip(trained.parameters(), before.parameters(), strict=True):
                self._weights.append((own, own.detach().clone(), other.detach()))

    @torch.no_grad()
    def at(self, share: float) -> CertaintyModel:
        """Give the model the average weights in place, and return it.

        Args:
            share: Share of the initial weights, one of `shares`.
        """
        for own, trained, initial in self._weights:
            own.copy_(trained.lerp(initial, share))
        return self._model


def best_average(averages: Averages, dev: DevSentences) -> tuple[float, SentenceLogits]:
    """Return the share of the initial weights with which the model is best on dev, and its logits.

    Args:
        averages: The averages of the trained model and the initial one.
        dev: The sentences of dev.
    """
    logits = {share: dev.logits(runner(round_weights(averages.at(share)))) for share in averages.shares}
    share = choose_share({share: of_share.label for share, of_share in logits.items()}, dev.gold)
    return share, logits[share]


def choose_share(logits: Mapping[float, NDArray[np.floating]], gold: NDArray[np.int64]) -> float:
    """Return the share whose model gives held-out claims the highest likelihood; of equal ones, the first.

    Each is calibrated as the finished model will be: what a temperature mends does not speak against it.

    Args:
        logits: For each share, the label logits of the sentences, shape (n, 4).
        gold: Label indices, shape (n,); -1 for sentences without a claim.
    """
    claims = gold >= 0

    def loss(share: float) -> float:
        own = logits[share][claims]
        calibrated = choose_calibration(own, gold[claims]).apply(own)
        return float(negative_log_likelihoods(calibrated, gold[claims]).mean())

    return min(logits, key=loss)
