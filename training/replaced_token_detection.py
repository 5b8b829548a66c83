"""The objective `rtd`: tell which tokens a small generator has replaced (ELECTRA, https://arxiv.org/abs/2003.10555).

A generator, trained as a masked language model, fills the masks with samples. The encoder reads the filled rows and
learns from every token whether it is the original. Two later findings are built in:

- Gradient-disentangled embedding sharing (DeBERTaV3, https://arxiv.org/abs/2111.09543): the encoder's word embeddings
  are the generator's, which its loss does not change, plus a difference of its own.
- Corrective language modelling (COCO-LM, https://arxiv.org/abs/2102.08473), without its copy mechanism: the encoder
  also predicts the original token where one was masked. A share of the masks stays, so that its language-model head
  knows them and its held-out perplexity is that of `mlm`.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CamembertForMaskedLM, ElectraConfig, ElectraForMaskedLM

from training.encoder import ATTENTION
from training.masking import MASK
from training.settings import PretrainingSettings


class ReplacedTokenDetection(nn.Module):
    """An encoder as discriminator, with the generator that it learns from.

    Args:
        model: The encoder, taken over: in training its word embeddings hold the difference from the generator's, so
            it is `encoder()` that is to be written.
        settings: Of the run.
    """

    def __init__(self, model: CamembertForMaskedLM, settings: PretrainingSettings) -> None:
        super().__init__()
        self.generator: Any = new_generator(model, settings.generator_layers, settings.generator_width)
        self.model: Any = model
        size = model.config.hidden_size
        self.detector = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.Linear(size, 1))
        self.settings = settings
        nn.init.zeros_(model.roberta.embeddings.word_embeddings.weight)

    def forward(self, ids: Tensor, positions: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the loss and what it consists of. The samples come from torch's global random state.

        Args:
            ids: Masked ids, shape (rows, length).
            positions: Where the flattened ids are masked, shape (n,).
            labels: The true ids there, shape (n,).

        Returns:
            `loss`, the weighted sum of `generator_loss` (cross-entropy of the masked tokens), `discriminator_loss`
            (binary cross-entropy of all tokens that are not `<mask>`) and `correction_loss` (the encoder's
            cross-entropy of the masked tokens); `detected_replacements`, the share of the replaced tokens that the
            discriminator finds.
        """
        settings = self.settings
        hidden = self.generator.electra(input_ids=ids).last_hidden_state.flatten(0, 1)[positions]
        logits = self.generator.generator_lm_head(self.generator.generator_predictions(hidden)).float()
        generator_loss = F.cross_entropy(logits, labels)

        samples = sample(logits.detach())
        stays = torch.rand(len(labels), device=ids.device) < settings.masks_kept
        filled = ids.flatten().scatter(0, positions, torch.where(stays, MASK, samples)).view_as(ids)
        blank = torch.zeros(ids.numel(), device=ids.device)
        replaced = blank.scatter(0, positions, (~stays & (samples != labels)).float())
        judged = 1.0 - blank.scatter(0, positions, stays.float())

        table = self._word_embeddings()
        hidden = self._read(filled, table)
        verdicts = self.detector(hidden).squeeze(-1).float()
        losses = F.binary_cross_entropy_with_logits(verdicts, replaced, reduction="none")
        discriminator_loss = (losses * judged).sum() / judged.sum()
        parts = {
            "loss": generator_loss + settings.detection_weight * discriminator_loss,
            "generator_loss": generator_loss,
            "discriminator_loss": discriminator_loss,
            "detected_replacements": ((verdicts > 0) * replaced).sum() / replaced.sum().clamp(min=1),
        }
        if settings.correction_weight:
            parts["correction_loss"] = self._prediction_loss(hidden, positions, labels, table)
            parts["loss"] = parts["loss"] + settings.correction_weight * parts["correction_loss"]
        return parts

    def held_out_loss(self, ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy of the masked tokens as the encoder predicts them, comparable with `mlm`."""
        table = self._word_embeddings()
        return self._prediction_loss(self._read(ids, table), positions, labels, table)

    @torch.no_grad()
    def encoder(self) -> CamembertForMaskedLM:
        """Return a copy of the encoder with its full word embeddings, as it is to be written."""
        encoder = copy.deepcopy(self.model)
        encoder.roberta.embeddings.word_embeddings.weight.copy_(self._word_embeddings())
        return encoder

    def _word_embeddings(self) -> Tensor:
        shared: Tensor = self.generator.electra.embeddings.word_embeddings.weight
        difference: Tensor = self.model.roberta.embeddings.word_embeddings.weight
        return shared.detach() + difference

    def _read(self, ids: Tensor, table: Tensor) -> Tensor:
        """Return the encoder's hidden states of the flattened ids, shape (tokens, hidden_size)."""
        states: Tensor = self.model.roberta(inputs_embeds=F.embedding(ids, table)).last_hidden_state
        return states.flatten(0, 1)

    def _prediction_loss(self, hidden: Tensor, positions: Tensor, labels: Tensor, table: Tensor) -> Tensor:
        # CamembertLMHead.forward, but for the table in the place of the tied weights.
        head = self.model.lm_head
        features = head.layer_norm(F.gelu(head.dense(hidden[positions])))
        return F.cross_entropy(F.linear(features, table, head.bias).float(), labels)


def sample(logits: Tensor) -> Tensor:
    """Draw one id from each row of `logits` (n, vocab_size); by the inverse of the distribution function.

    One uniform number a row, against one a logit in `torch.multinomial`, which took 30 times as long on a CPU.
    """
    cumulative = logits.softmax(dim=-1).cumsum(dim=-1)
    drawn = torch.rand(len(logits), 1, device=logits.device) * cumulative[:, -1:]
    return torch.searchsorted(cumulative, drawn, right=True).squeeze(-1).clamp(max=logits.shape[-1] - 1)


@torch.no_grad()
def new_generator(encoder: CamembertForMaskedLM, layers: float, width: float) -> ElectraForMaskedLM:
    """Build a generator that starts from the encoder's embeddings and, where it is as wide, from its first layers.

    Args:
        encoder: With full word embeddings.
        layers: Share of the encoder's layers, at least one.
        width: Share of the encoder's attention heads, at least one; an attention head keeps its size.
    """
    config = encoder.config
    heads = max(1, round(width * config.num_attention_heads))
    size = heads * config.hidden_size // config.num_attention_heads
    first_position = config.pad_token_id + 1
    generator = ElectraForMaskedLM(
        ElectraConfig(
            vocab_size=config.vocab_size,
            embedding_size=config.hidden_size,
            hidden_size=size,
            num_hidden_layers=max(1, round(layers * config.num_hidden_layers)),
            num_attention_heads=heads,
            intermediate_size=config.intermediate_size * size // config.hidden_size,
            max_position_embeddings=config.max_position_embeddings - first_position,
            type_vocab_size=config.type_vocab_size,
            layer_norm_eps=config.layer_norm_eps,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            pad_token_id=config.pad_token_id,
            attn_implementation=ATTENTION,
        )
    )
    embeddings = encoder.roberta.embeddings.state_dict()
    embeddings["position_embeddings.weight"] = embeddings["position_embeddings.weight"][first_position:]
    generator.electra.embeddings.load_state_dict(embeddings)
    generator.generator_lm_head.bias.copy_(encoder.lm_head.bias)
    if size == config.hidden_size:
        for ours, theirs in zip(generator.electra.encoder.layer, encoder.roberta.encoder.layer, strict=False):
            ours.load_state_dict(theirs.state_dict())
        generator.generator_predictions.dense.load_state_dict(encoder.lm_head.dense.state_dict())
        generator.generator_predictions.LayerNorm.load_state_dict(encoder.lm_head.layer_norm.state_dict())
    return generator
