"""Train an encoder from which layers were removed to reproduce the hidden states of the full one.

When layers are removed, the remaining ones get inputs that they have never seen. The state after each remaining layer
is trained towards the state after the teacher's layer at the same relative depth (TinyBERT,
https://arxiv.org/abs/1909.10351), on text without masks, as in fine-tuning. The last state follows the teacher's, so
the language-model head is kept unchanged. The held-out loss is that of masked words, as in other runs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import CamembertForMaskedLM

from certainty import CertaintyError


class HiddenDistillation:
    """The loss of a CamemBERT that learns the hidden states of a deeper one with the same width and vocabulary.

    Attributes:
        heights: For each layer of the student, the index of the teacher's hidden state that it learns.
    """

    def __init__(self, model: CamembertForMaskedLM, teacher: CamembertForMaskedLM) -> None:
        """Check that the two models match, and freeze the student's language-model head.

        Args:
            model: The student.
            teacher: The encoder to learn from, which is not changed.

        Raises:
            CertaintyError: If width or vocabulary size differ, or the teacher is not deeper.
        """
        for name in ("hidden_size", "vocab_size"):
            mine, other = (getattr(encoder.config, name) for encoder in (model, teacher))
            if mine != other:
                raise CertaintyError(f"teacher: its {name} is {other}, the encoder's {mine}; they must be equal.")
        depth, deep = model.config.num_hidden_layers, teacher.config.num_hidden_layers
        if deep <= depth:
            raise CertaintyError(f"teacher: it has {deep} layers, the encoder {depth}; the teacher must have more.")
        self.heights = [round((layer + 1) * deep / depth) for layer in range(depth)]
        for parameter in model.lm_head.parameters():
            parameter.requires_grad_(parameter is model.get_input_embeddings().weight)
        self._teacher = teacher.eval().requires_grad_(False)

    def __call__(self, model: CamembertForMaskedLM, ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
        """Return the mean distance of all states plus the distance of the last state, on the text without masks.

        A distance is the mean squared error divided by the variance of the teacher's state.

        Args:
            model: The student.
            ids: Masked rows, shape (rows, length).
            positions: Masked positions in the flattened rows, shape (n,).
            labels: The true ids at these positions, shape (n,).
        """
        whole = ids.flatten().index_copy(0, positions, labels).view_as(ids)
        teacher = self._teacher.to(ids.device)
        with torch.no_grad():
            wanted = teacher.roberta(input_ids=whole, output_hidden_states=True).hidden_states
        states = model.roberta(input_ids=whole, output_hidden_states=True).hidden_states
        distances = [_distance(state, wanted[height]) for state, height in zip(states[1:], self.heights, strict=True)]
        return torch.stack(distances).mean() + distances[-1]


def _distance(state: Tensor, wanted: Tensor) -> Tensor:
    state, wanted = state.float(), wanted.float()
    return nn.functional.mse_loss(state, wanted) / wanted.var()
