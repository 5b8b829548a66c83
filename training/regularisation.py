"""What keeps a fine-tuning from learning its training sentences by heart; every part is off unless a setting asks.

The names are those of `training.settings.FinetuningSettings`; averaged weights stand in `training.weight_average`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from certainty import CertaintyError, Label
from certainty.labelled import LabelledSentence
from training.features import IGNORED, LengthGroupedSampler, SentenceFeatures
from training.settings import FinetuningSettings

NO_GROUP = -1


def symmetric_divergence(first: Tensor, second: Tensor, claim: Tensor) -> Tensor:
    """Return the mean of both Kullback-Leibler divergences of two label distributions (R-Drop, arXiv:2106.14448).

    Args:
        first: Label logits of one pass, (rows, 4).
        second: Label logits of another pass over the same rows.
        claim: Shape (rows,), what each row counts: 1 for a claim, 0 for none.
    """
    p, q = F.log_softmax(first.float(), dim=-1), F.log_softmax(second.float(), dim=-1)
    divergence = ((p.exp() - q.exp()) * (p - q)).sum(dim=-1) / 2
    return (divergence * claim).sum() / claim.sum().clamp(min=1)


def agreement_penalty(logits: Tensor, targets: Tensor, groups: Tensor) -> Tensor:
    """Return the mean of -log(1 - p·q) over the pairs of one group that have different labels.

    The sentences of a contrast group state one proposition, so that nothing but the cue tells their labels apart.

    Args:
        logits: Label logits (rows, 4).
        targets: Label targets (rows, 4); a row of zeros has no claim and no pair.
        groups: Shape (rows,), number of each row's group; `NO_GROUP` is none.
    """
    probabilities = logits.float().softmax(dim=-1)
    labels, has_claim = targets.argmax(dim=1), targets.sum(dim=1) > 0
    member = has_claim & (groups != NO_GROUP)
    pairs = (groups[:, None] == groups) & (labels[:, None] != labels) & member[:, None] & member
    pairs = pairs.triu()
    penalty = -torch.log1p(-(probabilities @ probabilities.T).clamp(max=1 - 1e-6))
    return torch.where(pairs, penalty, 0.0).sum() / pairs.sum().clamp(min=1)


@contextmanager
def adversarial_embeddings(embeddings: nn.Embedding, gradient: Tensor, epsilon: float) -> Iterator[None]:
    """Move the word embeddings by epsilon along the gradient's direction, and put them back at the end.

    The fast gradient method of Miyato et al. 2016 (arXiv:1605.07725), on the table of embeddings as a whole.
    """
    weight = embeddings.weight
    kept = weight.detach().clone()
    with torch.no_grad():
        weight.add_(epsilon * gradient / gradient.norm().clamp(min=1e-12))
    try:
        yield
    finally:
        with torch.no_grad():
            weight.copy_(kept)


@dataclass(frozen=True)
class WordMasking:
    """Puts the mask token in place of random words of a training batch.

    Attributes:
        rate: Share of the tokens.
        mask_token_id: What stands in their place.
        special: Ids of the special tokens, which stay.
    """

    rate: float
    mask_token_id: int
    special: tuple[int, ...]

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the batch with tokens masked that are not known to be a cue, drawn from torch's generator.

        Rows without claim are masked too, or a mask would tell that there is one.
        """
        ids = batch["input_ids"]
        words = ~torch.isin(ids, torch.tensor(self.special, device=ids.device)) & ~(batch["cue"] > 0.5)
        chosen = words & (torch.rand(ids.shape, device=ids.device) < self.rate)
        return {**batch, "input_ids": ids.masked_fill(chosen, self.mask_token_id)}


def mask_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the id of the tokenizer's mask token.

    Raises:
        CertaintyError: it has none.
    """
    if tokenizer.mask_token_id is None:
        raise CertaintyError(
            f"{tokenizer.name_or_path}: its tokenizer has no mask token; set cue_masking and word_masking to 0."
        )
    return int(tokenizer.mask_token_id)


def prepare(
    features: SentenceFeatures,
    sentences: Sequence[LabelledSentence],
    tokenizer: PreTrainedTokenizerBase,
    settings: FinetuningSettings,
) -> WordMasking | None:
    """Add to the features what the settings ask for, and return the masking of batches, if any.

    With `contrast_weight` the rows get their `group`; with `cue_masking` copies without cues join them.

    Args:
        features: Of the training sentences; changed in place.
        sentences: The training sentences, one for each row, in order.
        tokenizer: The encoder's.
        settings: The settings.

    Raises:
        CertaintyError: masks are asked for and the tokenizer has no mask token.
    """
    if settings.contrast_weight:
        for row, sentence in zip(features.rows, sentences, strict=False):
            row["group"] = NO_GROUP if sentence.group is None else sentence.group
    if settings.cue_masking:
        rows = features.rows[: len(sentences)]
        features.rows += masked_copies(rows, sentences, mask_token(tokenizer), settings.cue_masking, settings.seed)
    if not settings.word_masking:
        return None
    return WordMasking(settings.word_masking, mask_token(tokenizer), tuple(tokenizer.all_special_ids))


def masked_copies(
    rows: Sequence[dict[str, Any]],
    sentences: Sequence[LabelledSentence],
    mask_token_id: int,
    probability: float,
    seed: int,
) -> list[dict[str, Any]]:
    """Return copies of rows with masked cues, whose label target is the mean of train: no cue, no evidence.

    Only a row that has cues and whose label is not asserted is copied. The other heads learn nothing from a copy.

    Args:
        rows: As in `SentenceFeatures.rows`.
        sentences: One for each row.
        mask_token_id: Stands in place of each token of a cue.
        probability: Of each row to be copied.
        seed: Of the choice.
    """
    targets = np.stack([row["labels"] for row in rows])
    mean = (targets.sum(axis=0) / max(targets.sum(), 1)).astype(np.float32)
    chosen = np.random.default_rng(seed).random(len(rows)) < probability
    copies = []
    for row, sentence, wanted in zip(rows, sentences, chosen, strict=True):
        is_cue = row["cue"] == 1.0
        if not wanted or sentence.label in (None, Label.ASSERTED) or not is_cue.any():
            continue
        ids = np.where(is_cue, mask_token_id, row["input_ids"])
        copies.append(
            {
                **row,
                "input_ids": ids.tolist() if isinstance(row["input_ids"], list) else ids.astype(row["input_ids"].dtype),
                "labels": mean,
                "claim": IGNORED,
                "attributed": IGNORED,
                "cue": np.full_like(row["cue"], IGNORED),
                "group": NO_GROUP,
            }
        )
    return copies


def group_numbers(rows: Sequence[dict[str, Any]]) -> list[int]:
    """Number the groups of rows; where rows are repeated, each repetition of a group is one of its own."""
    seen: Counter[int] = Counter()
    numbers: dict[tuple[int, int], int] = {}
    groups = []
    for row in rows:
        group = row.get("group", NO_GROUP)
        occurrence = (group, seen[id(row)])
        seen[id(row)] += 1
        groups.append(NO_GROUP if group == NO_GROUP else numbers.setdefault(occurrence, len(numbers)))
    return groups


class GroupCollator:
    """Adds `group` (rows,) to what another collator makes.

    Args:
        collate: The other collator.
    """

    def __init__(self, collate: Callable[[list[dict[str, Any]]], dict[str, Tensor]]) -> None:
        self.collate = collate

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """Return the batch; a row without a group has `NO_GROUP`."""
        return {**self.collate(rows), "group": torch.tensor([row.get("group", NO_GROUP) for row in rows])}


class WholeGroupSampler(LengthGroupedSampler):
    """A `LengthGroupedSampler` that keeps the rows of a group in one batch.

    A group that no longer fits waits for the next batch while single rows fill the gap; only where those run out,
    or where a group is larger than a batch, is one split.

    Args:
        lengths: Tokens of each row.
        batch_size: Rows of a batch.
        seed: Of the order.
        groups: Number of each row's group; `NO_GROUP` is none.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, groups: Sequence[int]) -> None:
        super().__init__(lengths, batch_size, seed)
        members: dict[int, list[int]] = {}
        for row, group in enumerate(groups):
            # A row alone is a group of its own, below every number of a group.
            members.setdefault(group if group != NO_GROUP else NO_GROUP - 1 - row, []).append(row)
        self.units = [rows[i : i + batch_size] for rows in members.values() for i in range(0, len(rows), batch_size)]

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.units))
        pool = np.cumsum([len(self.units[u]) for u in order]) // (50 * self.batch_size)
        longest = [self.lengths[self.units[u]].max() for u in order]
        units = [self.units[u] for u in order[np.lexsort((longest, pool))]]
        # Some single rows come last, so that the groups of the last batches find their gaps filled.
        single = [i for i, unit in enumerate(units) if len(unit) == 1][-2 * self.batch_size :]
        last = set(single)
        rows = np.array(self._packed([u for i, u in enumerate(units) if i not in last] + [units[i] for i in single]))
        full = len(rows) // self.batch_size * self.batch_size
        yield from rng.permutation(rows[:full].reshape(-1, self.batch_size)).ravel().tolist()
        yield from rows[full:].tolist()

    def _packed(self, units: list[list[int]]) -> list[int]:
        rows: list[int] = []
        waiting: deque[list[int]] = deque()

        def free() -> int:
            return self.batch_size - len(rows) % self.batch_size

        for unit in units:
            if len(unit) == 1:
                rows += unit
            else:
                waiting.append(unit)
            while waiting and len(waiting[0]) <= free():
                rows += waiting.popleft()
        return rows + [row for unit in waiting for row in unit]
