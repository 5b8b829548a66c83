"""The sentences of a run: read, corrected, and parted into what is trained on and what is held out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.errors import CertaintyError
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
    """What a run is made of.

    Attributes:
        train: What is trained on.
        dev: Chooses the checkpoint, the calibration and the thresholds.
        test: Evaluated at the end, or None.
        contrast: The groups held out of train, evaluated at the end; may be empty.
        names: For "train" and "dev", the names of the files, where they are known.
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
        CertaintyError: a file or a row is wrong, or the data cannot be trained on.
    """
    names = {split: _file_names(data) for split, data in (("train", train), ("dev", dev))}
    given, held_out = corrected(read_labelled(train), read_labelled(dev), corrections)
    trained_on, contrast = split_held_out_groups(given)
    judged = None if test is None else read_labelled(test)
    return FinetuningData(check_data(trained_on, held_out), held_out, judged, contrast, names)


def corrected(
    train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence], files: Sequence[str | Path]
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Return train and dev with their labels corrected; see `certainty.labelling.corrections.apply_corrections`.

    Args:
        train: The rows of train.
        dev: The rows of dev; an id must mean the same sentence as in train.
        files: Files of corrections, applied in turn; a file may hold corrections of both.

    Raises:
        CertaintyError: a file is wrong or names a row that neither has, or an id stands for two sentences.
    """
    texts = {s.id: s.text for s in train if s.id}
    for sentence in dev if files else ():
        if texts.get(sentence.id, sentence.text) != sentence.text:
            raise CertaintyError(
                f"id {sentence.id!r} is one sentence in train and another in dev; give each its own to correct them."
            )
    given = [*train, *dev]
    rows = given
    for file in files:
        rows = apply_corrections(rows, file)
    if files:
        changed = sum(new is not old for new, old in zip(rows, given, strict=True))
        logger.info("Labels of %d sentences are corrected.", changed)
    return rows[: len(train)], rows[len(train) :]


def _file_names(data: Labelled) -> list[str]:
    files = [data] if isinstance(data, (str, Path)) else data if isinstance(data, (list, tuple)) else []
    return [Path(file).name for file in files if isinstance(file, (str, Path))]
