"""Short fine-tuning runs for comparisons, whose models are not kept."""

from __future__ import annotations

import random
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from certainty.finetuning.progress import quiet_transformers
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.setup import Setup, set_up
from certainty.finetuning.start import find_start
from certainty.labelled import LabelledSentence


@contextmanager
def trained(
    settings: FinetuningSettings, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]
) -> Iterator[Setup]:
    """Fine-tune and yield the result of `set_up`, whose Trainer has the best checkpoint loaded; no files are kept.

    Args:
        settings: The settings, including the encoder.
        train: Training sentences, already checked against dev.
        dev: Sentences for choosing the checkpoint.
    """
    with tempfile.TemporaryDirectory() as checkpoints, quiet_transformers():
        setup = set_up(settings, find_start(settings), train, dev, Path(checkpoints))
        setup.trainer.train()
        yield setup


def sample(train: Sequence[LabelledSentence], size: int | None) -> list[LabelledSentence]:
    """Return a sample of `size` sentences, or all if `size` is None or too large; positions are the same each time."""
    return list(train) if size is None or size >= len(train) else random.Random(0).sample(list(train), size)


def sample_groups(train: Sequence[LabelledSentence], size: int | None) -> list[LabelledSentence]:
    """Return a sample of at least `size` sentences that keeps groups whole; positions are the same each time."""
    if size is None or size >= len(train):
        return list(train)
    units: dict[tuple[bool, int], list[int]] = {}
    for position, sentence in enumerate(train):
        key = (False, position) if sentence.group is None else (True, sentence.group)
        units.setdefault(key, []).append(position)
    positions: list[int] = []
    for unit in random.Random(0).sample(list(units.values()), len(units)):
        if len(positions) >= size:
            break
        positions += unit
    return [train[position] for position in positions]


def mean_and_deviation(scores: Sequence[float]) -> str:
    """Format scores as "mean ± standard deviation", or as a single number if there is only one."""
    spread = f" ± {statistics.stdev(scores):.4f}" if len(scores) > 1 else ""
    return f"{statistics.mean(scores):.4f}{spread}"
