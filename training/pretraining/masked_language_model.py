"""Predict the masked tokens (BERT, https://arxiv.org/abs/1810.04805)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import CamembertForMaskedLM


class MaskedLanguageModel(nn.Module):
    """A CamemBERT masked language model that computes the vocabulary logits of the masked positions only."""

    def __init__(self, model: CamembertForMaskedLM) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, positions: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return as `loss` the mean cross-entropy at `positions` (n,) of the flattened `ids` (rows, length)."""
        return {"loss": self.held_out_loss(ids, positions, labels)}

    def held_out_loss(self, ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy of the masked tokens."""
        hidden = self.model.roberta(input_ids=ids).last_hidden_state
        logits = self.model.lm_head(hidden.flatten(0, 1)[positions])
        return nn.functional.cross_entropy(logits.float(), labels)

    def encoder(self) -> CamembertForMaskedLM:
        """Return the encoder as it is to be written."""
        return self.model
