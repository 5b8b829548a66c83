"""Joint loss of the heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from certainty.finetuning.features import IGNORED


@dataclass(frozen=True)
class HeadWeights:
    """Loss weights relative to the label head, whose weight is 1."""

    cue: float = 1.0
    claim: float = 0.3
    attributed: float = 0.3
    second: float = 0.3
    source: float = 0.3
    attention: float = 0.0


def joint_loss(
    logits: tuple[Tensor, ...],
    batch: dict[str, Tensor],
    weights: HeadWeights,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return label cross-entropy plus the weighted cross-entropies of the other heads.

    Those of claim, attribution and cues are binary, that of the cues summed over the labels; that of the source is the
    mean of first and last token.

    Args:
        logits: In the order of `certainty.engines.base.Logits`, and, if `weights.attention` is not 0, the top layer's
            attention of the first token (rows, heads, length).
        batch: Targets from `Collator`; `IGNORED` targets are skipped. Each row of label targets is weighted by its sum:
            1 for a claim, 0 for no claim, and a teacher's P(claim) in between.
        weights: Loss weights of the heads.
        class_weights: Weight of each label, shape (4,), or None.
        label_smoothing: Share of the label target spread over all labels (https://arxiv.org/abs/1512.00567).
    """
    label, claim, attributed, cue, second, source = (x.float() for x in logits[:6])
    targets = batch["labels"]
    has_claim = targets.sum(dim=1)
    smoothed = targets * (1 - label_smoothing) + label_smoothing / targets.shape[1] * has_claim[:, None]
    per_label = -smoothed * F.log_softmax(label, dim=-1)
    if class_weights is not None:
        per_label = per_label * class_weights
    loss = per_label.sum() / has_claim.sum().clamp(min=1)
    loss = loss + weights.claim * binary_loss(claim, batch["claim"])
    loss = loss + weights.attributed * binary_loss(attributed, batch["attributed"])
    loss = loss + weights.cue * binary_loss(cue, batch["cue"]) * cue.shape[-1]
    loss = loss + weights.second * distribution_loss(second, batch["second"])
    # Padding cannot be the first or last token.
    of_tokens = source.masked_fill(batch["attention_mask"][..., None] == 0, -torch.inf).transpose(1, 2)
    loss = loss + weights.source * _choice_loss(of_tokens.flatten(0, 1), batch["source"].flatten())
    if weights.attention:
        loss = loss + weights.attention * _attention_loss(logits[6].float(), batch["cue"])
    return loss


def binary_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of the known targets, of the shape of the logits; 0 without any."""
    known = targets != IGNORED
    losses = F.binary_cross_entropy_with_logits(logits, targets.clamp(min=0), reduction="none")
    return torch.where(known, losses, 0.0).sum() / known.sum().clamp(min=1)


def distribution_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of the rows whose target distribution is known; 0 without any."""
    known = targets[:, 0] != IGNORED
    losses = -(targets * F.log_softmax(logits, dim=-1)).sum(dim=1)
    return torch.where(known, losses, 0.0).sum() / known.sum().clamp(min=1)


def _choice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of the known targets, each the index of a column; 0 without any."""
    losses = F.cross_entropy(logits, targets.long(), ignore_index=int(IGNORED), reduction="sum")
    return losses / (targets != IGNORED).sum().clamp(min=1)


def _attention_loss(attention: Tensor, cue: Tensor) -> Tensor:
    """Return -log of the attention that the first half of the attention heads pays to the cue, over rows with a cue."""
    is_cue = (cue > 0.5).any(dim=-1).float()
    has_cue = is_cue.sum(dim=1) > 0
    looks = attention[:, : attention.shape[1] // 2].mean(dim=1)
    losses = -torch.log((looks * is_cue).sum(dim=1) + 1e-6)
    return torch.where(has_cue, losses, 0.0).sum() / has_cue.sum().clamp(min=1)
