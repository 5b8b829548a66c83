"""Average the weights of the trained model with those of the model that it continued from.

On few sentences, training moves away from much that the initial model knew for little that is new; a part of the way
keeps most of both (WiSE-FT; Wortsman et al. 2022, "Robust fine-tuning of zero-shot models",
https://arxiv.org/abs/2109.01903).
"""

from __future__ import annotations

import torch

from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.start import Start

__all__ = ["averaged"]


@torch.no_grad()
def averaged(model: CertaintyModel, settings: FinetuningSettings, start: Start) -> CertaintyModel:
    """Average the weights of a trained model in place, and return it.

    Heads that the initial model did not have stay as they are.

    Args:
        model: The trained model, on the CPU.
        settings: The settings, whose `initial_share` is the share of the initial weights.
        start: The model that the run started from.
    """
    if start.model is None or not settings.initial_share:
        return model
    initial = start.weights(settings)
    parts = [(model.classifier, initial.classifier)]
    parts += [(head, initial.heads[name]) for name, head in model.heads.items() if name in start.heads]
    for trained, before in parts:
        for own, other in zip(trained.parameters(), before.parameters(), strict=True):
            own.lerp_(other, settings.initial_share)
    return model
