"""The loss of masked language modelling (BERT, https://arxiv.org/abs/1810.04805)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F
from transformers import CamembertForMaskedLM


def masked_loss(model: CamembertForMaskedLM, ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of the masked tokens, computing vocabulary logits for these only.

    Args:
        model: The encoder with its language-model head.
        ids: Masked rows, shape (rows, length).
        positions: Positions to predict in the flattened rows, shape (n,).
        labels: The true ids at these positions, shape (n,).
    """
    hidden = model.roberta(input_ids=ids).last_hidden_state
    logits = model.lm_head(hidden.flatten(0, 1)[positions])
    return F.cross_entropy(logits.float(), labels)
