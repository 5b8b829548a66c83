"""The warm start of pretraining, so that it does not idle at the unigram loss."""

from __future__ import annotations

import math

import numpy as np
import torch
from transformers import CamembertForMaskedLM


@torch.no_grad()
def warm_start(model: CamembertForMaskedLM, embeddings: np.ndarray, frequencies: np.ndarray) -> None:
    """Start from a continuous bag of words, so that training does not idle at the unigram loss.

    The word embeddings are static ones; the output bias is the log frequency; the first layer adds the mean of its
    neighbours (identity values) and the output layer passes on what it gets (identity); the positions are sinusoids
    (https://arxiv.org/abs/1706.03762), in which "the next word" is one rotation at every place. All of it is then
    trained.

    Args:
        model: The model, changed in place.
        embeddings: Shape (vocab_size, hidden_size), standard deviation 1.
        frequencies: Shape (vocab_size,), positive, with the sum 1.
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
