"""Encode labelled sentences as token ids and targets of the heads, and pad them in batches."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from certainty.labelled import LabelledSentence
from certainty.labels import CUED, LABELS
from certainty.model_folder import HEADS
from certainty.tokenising import SentenceTokenizer

logger = logging.getLogger(__name__)

IGNORED = -100.0
EXAMPLES = 5
"""Fewest sentences of each answer that a head needs to be trained."""
ANSWERS = {
    ("claim", False): "without a claim",
    ("claim", True): "with a claim",
    ("attributed", False): "without attribution to a source",
    ("attributed", True): "attributed to a source",
    ("cue", False): "with words that are no cues",
    ("cue", True): "with cues",
    ("second", False): "without a second claim",
    ("second", True): "with a second claim",
    ("source", False): "without a named source",
    ("source", True): "with a named source",
}
"""How to describe the sentences that teach a head one of its answers."""


def label_targets(sentence: LabelledSentence, second_weight: float) -> NDArray[np.float32]:
    """Return the target distribution over labels, shape (4,); all zeros if the sentence makes no claim."""
    target = np.zeros(len(LABELS), dtype=np.float32)
    if sentence.label is not None:
        target[LABELS.index(sentence.label)] = 1.0
        if sentence.second is not None and sentence.second is not sentence.label:
            target *= 1.0 - second_weight
            target[LABELS.index(sentence.second)] = second_weight
    return target


def cue_targets(sentence: LabelledSentence, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """Return whether each token is a cue of each label in `CUED`, shape (1 + tokens + 1, 3), with special tokens.

    The cues are those of the sentence's label; the other channels have none, but those of a second label are unknown.

    Args:
        sentence: The sentence.
        spans: Character span of each token, without the space before a word.
    """
    targets = np.full((len(spans) + 2, len(CUED)), IGNORED, dtype=np.float32)
    if sentence.cues is None or sentence.label is None:
        return targets
    targets[1:-1] = 0.0
    if sentence.second in CUED:
        targets[:, CUED.index(sentence.second)] = IGNORED
    if sentence.label in CUED:
        is_cue = [any(start < b and a < end for a, b in sentence.cues) for start, end in spans]
        targets[1:-1, CUED.index(sentence.label)] = is_cue
    return targets


def second_target(sentence: LabelledSentence) -> NDArray[np.float32]:
    """Return the target distribution over no second claim and its labels, shape (5,).

    All are `IGNORED` without a claim, or if it is unknown whether there is a second one.
    """
    if sentence.label is None or (sentence.second is None and not sentence.second_known):
        return np.full(1 + len(LABELS), IGNORED, dtype=np.float32)
    target = np.zeros(1 + len(LABELS), dtype=np.float32)
    target[0 if sentence.second in (None, sentence.label) else 1 + LABELS.index(sentence.second)] = 1.0
    return target


def source_target(sentence: LabelledSentence, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """Return the first and the last token of the words that name the source, shape (2,); `IGNORED` if unknown.

    They are counted from the first special token, 0, which stands for "nobody".

    Args:
        sentence: The sentence.
        spans: Character span of each token that the model reads, without the space before a word.
    """
    if not sentence.source_known:
        return np.full(2, IGNORED, dtype=np.float32)
    if sentence.source is None:
        return np.zeros(2, dtype=np.float32)
    start, end = sentence.source
    named = [t for t, (a, b) in enumerate(spans, start=1) if a < end and start < b]
    is_whole = named and end <= spans[-1][1]
    return np.array([named[0], named[-1]] if is_whole else [IGNORED] * 2, dtype=np.float32)


class SentenceFeatures(Dataset[dict[str, Any]]):
    """Torch data set of tokenised sentences with targets.

    Args:
        sentences: The labelled sentences.
        tokenizer: Reads the sentences as in scoring.
        max_length: Maximum input length in tokens; of longer sentences only the first window is kept, with a warning.
        second_weight: Share of the label target given to the second claim's label.
    """

    def __init__(
        self,
        sentences: Sequence[LabelledSentence],
        tokenizer: SentenceTokenizer,
        max_length: int,
        second_weight: float = 0.0,
    ) -> None:
        self.rows: list[dict[str, Any]] = []
        encodings = tokenizer(s.text for s in sentences)
        first, last = tokenizer.special
        body = max_length - 2
        too_long = sum(len(encoding.ids) > body for encoding in encodings)
        if too_long:
            logger.warning(
                "%d sentences are longer than %d tokens; only their first window is used.", too_long, max_length
            )
        for sentence, encoding in zip(sentences, encodings, strict=True):
            ids = [first, *encoding.ids[:body], last]
            spans = [_stripped(sentence.text, start, end) for start, end in encoding.offsets[:body]]
            attributed = IGNORED if sentence.attributed is None or not sentence.claim else float(sentence.attributed)
            self.rows.append(
                {
                    "input_ids": ids,
                    "labels": label_targets(sentence, second_weight),
                    "claim": float(sentence.claim),
                    "attributed": attributed,
                    "cue": cue_targets(sentence, spans),
                    "second": second_target(sentence),
                    "source": source_target(sentence, spans),
                }
            )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]

    def ignore(self, heads: Collection[str]) -> None:
        """Ignore the targets of some heads in all rows."""
        for row in self.rows:
            row.update({h: np.full_like(row[h], IGNORED) if np.ndim(row[h]) else IGNORED for h in heads})

    def extend(self, rows: Sequence[dict[str, Any]], repeats: int = 1) -> None:
        """Repeat the existing rows `repeats` times and append others of the same format.

        The `input_ids` of appended rows may be any array.
        """
        self.rows = [*self.rows * repeats, *rows]

    @property
    def lengths(self) -> list[int]:
        """Number of tokens of each row."""
        return [len(row["input_ids"]) for row in self.rows]


def taught_heads(features: SentenceFeatures) -> tuple[str, ...]:
    """Return the heads, other than the label head, with enough positive and negative targets to be trained.

    Any second label and any named source are positive. A warning is logged for each head with some, but fewer than
    `EXAMPLES`, rows of one answer.
    """
    return tuple(head for head in HEADS if _is_taught(features, head))


def _is_taught(features: SentenceFeatures, head: str) -> bool:
    rows = {answer: 0 for answer in (False, True)}
    for row in features.rows:
        targets = np.atleast_1d(np.asarray(row[head]))
        if head == "second":
            targets = np.where(targets[:1] == IGNORED, IGNORED, 1 - targets[:1])  # the first means that there is none
        for answer in set((targets[targets != IGNORED] >= 0.5).tolist()):
            rows[answer] += 1
    rarer = min(rows, key=rows.__getitem__)
    if 0 < rows[rarer] < EXAMPLES:
        logger.warning(
            "train has too few sentences %s (%d) to train the %s head, which is not trained; give at least %d.",
            *(ANSWERS[head, rarer], rows[rarer], head, EXAMPLES),
        )
    return rows[rarer] >= EXAMPLES


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of a token without the space before it."""
    return start + len(text[start:end]) - len(text[start:end].lstrip()), end


class Collator:
    """Pads rows to the length of the longest in the batch."""

    def __init__(self, pad_token_id: int) -> None:
        self.pad_token_id = pad_token_id

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """Return tensors: ids and mask (rows, length), and the targets of all heads.

        Those are labels (rows, 4); claim and attributed (rows,); cue (rows, length, 3); second (rows, 5); source
        (rows, 2).
        """
        lengths = np.array([len(row["input_ids"]) for row in rows])
        real = np.arange(lengths.max()) < lengths[:, None]
        ids = np.full(real.shape, self.pad_token_id, dtype=np.int64)
        ids[real] = np.concatenate([row["input_ids"] for row in rows])
        cue = np.full((*real.shape, len(CUED)), IGNORED, dtype=np.float32)
        cue[real] = np.concatenate([row["cue"] for row in rows])
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(real.astype(np.int64)),
            "labels": torch.from_numpy(np.stack([row["labels"] for row in rows])),
            "claim": torch.tensor([row["claim"] for row in rows]),
            "attributed": torch.tensor([row["attributed"] for row in rows]),
            "cue": torch.from_numpy(cue),
            "second": torch.from_numpy(np.stack([row["second"] for row in rows])),
            "source": torch.from_numpy(np.stack([row["source"] for row in rows])),
        }


class LengthGroupedSampler(Sampler[int]):
    """Samples random batches of rows of similar length.

    The order depends only on the seed and the epoch, so a resumed run sees the same batches as an uninterrupted one.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = np.asarray(lengths), batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which determines the order."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.lengths))
        megabatch = 50 * self.batch_size
        pools = [order[i : i + megabatch] for i in range(0, len(order), megabatch)]
        ordered = np.concatenate([pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools])
        full = len(ordered) // self.batch_size * self.batch_size
        blocks = ordered[:full].reshape(-1, self.batch_size)
        yield from rng.permutation(blocks).ravel().tolist()
        yield from ordered[full:].tolist()
