"""A cut encoder learns to give the hidden states of the whole one.

Layers that are taken out leave the others with inputs that they never saw. The state after each layer that is left is
drawn to the state after the layer of the teacher at the same height (TinyBERT, https://arxiv.org/abs/1909.10351), on
text without masks, as fine-tuning reads it. As the last state is the teacher's, so is the language-model head, which
stays as it is; the held-out loss is that of masked words, and can be compared with that of other runs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import CamembertForMaskedLM

from certainty import CertaintyError


class HiddenDistillation:
    """The loss of a CamemBERT whose hidden states follow those of a deeper one of the same width and vocabulary.

    Attributes:
        heights: For each layer of the student, the number of the teacher's layers below the state it learns.
    """

    def __init__(self, model: CamembertForMaskedLM, teacher: CamembertForMaskedLM) -> None:
        """Check that the two fit, and let the student's language-model head stay as it is.

        Args:
            model: The student.
            teacher: The encoder it learns from, which is not changed.

        Raises:
            CertaintyError: width or vocabulary differ, or the teacher is not deeper.
        """
        for name in ("hidden_size", "vocab_size"):
            mine, other = (getattr(encoder.config, name) for encoder in (model, teacher))
            if mine != other:
                raise CertaintyError(f"teacher: its {name} is {other}, the encoder's {mine}; both must be alike.")
        depth, deep = model.config.num_hidden_layers, teacher.config.num_hidden_layers
        if deep <= depth:
            raise CertaintyError(f"teacher: it has {deep} layers, the encoder {depth}; the teacher must have more.")
        self.heights = [round((layer + 1) * deep / depth) for layer in range(depth)]
        for parameter in model.lm_head.parameters():
            parameter.requires_grad_(parameter is model.get_input_embeddings().weight)
        self._teacher = teacher.eval().requires_grad_(False)

    def __call__(self, model: CamembertForMaskedLM, ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
        """Return the mean distance of the states on the text without its masks, the last state counted twice.

        A distance is the mean squared error as a share of the variance of the teacher's state.

        Args:
            model: The student.
            ids: Masked rows, shape (rows, length).
            positions: Where words are masked in the flattened rows, shape (n,).
            labels: The true ids there, shape (n,).
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
