"""Initialise an encoder for pretraining, so that its loss does not plateau at that of a unigram model."""

from __future__ import annotations

import math

import numpy as np
import torch
from transformers import CamembertForMaskedLM


@torch.no_grad()
def warm_start(model: CamembertForMaskedLM, embeddings: np.ndarray, frequencies: np.ndarray) -> None:
    """Initialise the model as a continuous bag of words, so that its loss does not plateau at that of a unigram model.

    The word embeddings are the given static ones, and the output bias is the log frequency. The first layer adds the
    mean of the neighbours (its values are the identity), and the output layer is the identity. The positions are
    sinusoids (https://arxiv.org/abs/1706.03762), in which "the next word" is the same rotation at every position. All
    weights are then trained.

    Args:
        model: The model, which is changed in place.
        embeddings: Static embeddings with standard deviation 1, shape (vocab_size, hidden_size).
        frequencies: Frequency of each piece, positive and with sum 1, shape (vocab_size,).
    """
    encoder, scale = model.roberta, model.config.initializer_range
    size = model.config.hidden_size
    encoder.embeddings.word_embeddings.weight.copy_(torch.from_numpy(embeddings) * scale)
    model.lm_head.bias.copy_(torch.from_numpy(np.log(frequencies)))
    model.lm_head.dense.weight.copy_(torch.eye(size))
    attention = encoder.encoder.layer[0].attention
    attention.self.value.weight.copy_(torch.eye(size))
    attention.output.dense.weight.copy_(torch.eye(size))
    positions = encoder.embeddings.position_embeddings.weight
    angles = torch.arange(len(positions))[:, None] * torch.exp(-math.log(1000) * torch.arange(0, size, 2) / size)
    sinusoids = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    positions.copy_(2 * math.sqrt(2) * scale * sinusoids)
