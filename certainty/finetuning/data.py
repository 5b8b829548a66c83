"""Read the sentences of a run, apply corrections, and split off the held-out groups."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.errors import CertaintyError
from certainty.evaluation.held_out import read_held_out
from certainty.finetuning.splits import check_data, split_held_out_groups
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labelling.corrections import apply_corrections

if TYPE_CHECKING:
    from typing import TypeAlias

    import datasets
    import pandas as pd

    Rows: TypeAlias = Sequence[LabelledSentence] | Sequence[Mapping[str, Any]]
    Labelled: TypeAlias = str | Path | Sequence[str] | Sequence[Path] | Rows | pd.DataFrame | datasets.Dataset

__all__ = ["FinetuningData", "corrected", "read_data"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinetuningData:
    """The data of a run.

    Attributes:
        train: Training sentences.
        dev: Sentences used to choose the checkpoint, the calibration and the thresholds.
        test: Sentences evaluated at the end, or None.
        contrast: Groups held out of train and evaluated at the end; empty without two labels.
        names: File names of "train" and "dev"; empty lists for data that is not read from files.
    """

    train: list[LabelledSentence]
    dev: list[LabelledSentence]
    test: list[LabelledSentence] | None
    contrast: list[LabelledSentence]
    names: dict[str, list[str]]


def read_data(
    train: Labelled, dev: Labelled, test: Labelled | None = None, corrections: Sequence[str | Path] = ()
) -> FinetuningData:
    """Read the data of a run; see `certainty.finetuning.finetune`.

    Raises:
        CertaintyError: a file or a row is invalid, or the data is unsuitable for training or evaluation.
    """
    names = {split: _file_names(data) for split, data in (("train", train), ("dev", dev))}
    given, held_out = corrected(read_labelled(train), read_labelled(dev), corrections)
    trained_on, contrast = split_held_out_groups(given)
    if len({sentence.label for sentence in contrast if sentence.label}) < 2:
        if contrast:
            logger.warning(
                "%d sentences of groups whose `quad` is a multiple of 5 are held out of training, but they are not "
                "evaluated: they have fewer than two labels.",
                len(contrast),
            )
        contrast = []
    judged = None if test is None else read_held_out(test)
    return FinetuningData(check_data(trained_on, held_out), held_out, judged, contrast, names)


def corrected(
    train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence], files: Sequence[str | Path]
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Return train and dev with their labels corrected; see `certainty.labelling.corrections.apply_corrections`.

    Args:
        train: The rows of train.
        dev: The rows of dev; an id shared with train must have the same text.
        files: Files of corrections, applied in order; a file may correct both train and dev.

    Raises:
        CertaintyError: a file is invalid or names an unknown row, or an id has different texts in train and dev.
    """
    texts = {s.id: s.text for s in train if s.id}
    for sentence in dev if files else ():
        if texts.get(sentence.id, sentence.text) != sentence.text:
            raise CertaintyError(
                f"id {sentence.id!r} is one sentence in train and another in dev; give each its own id to correct them."
            )
    given = [*train, *dev]
    rows = given
    for file in files:
        rows = apply_corrections(rows, file)
    if files:
        changed = sum(new is not old for new, old in zip(rows, given, strict=True))
        logger.info("Corrected the labels of %d sentences.", changed)
    return rows[: len(train)], rows[len(train) :]


def _file_names(data: Labelled) -> list[str]:
    files = [data] if isinstance(data, (str, Path)) else data if isinstance(data, (list, tuple)) else []
    return [Path(file).name for file in files if isinstance(file, (str, Path))]
