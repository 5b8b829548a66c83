"""Read the sentences of a run, apply corrections, and split off the held-out groups, dev or folds."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.errors import CertaintyError
from certainty.evaluation.held_out import read_held_out
from certainty.evaluation.leakage import leaked, near_duplicates
from certainty.evaluation.units import columns_of, values_of
from certainty.finetuning.partition import dev_of, folds_of
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.splits import check_counts, check_overlap, split_held_out_groups
from certainty.label_names import LabelNames
from certainty.labelled import Columns, LabelledSentence, read_labelled
from certainty.labelling.corrections import apply_corrections
from certainty.messages import argument

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
        dev: Sentences used to choose the checkpoint, the calibration and the thresholds; with folds, those of train.
        test: Sentences evaluated at the end, or None.
        contrast: Groups held out of train and evaluated at the end; empty without two labels.
        names: File names of "train" and "dev"; empty lists for data that is not read from files.
        folds: The fold of each sentence of train in a cross-validation, or None.
        group_by: Column whose rows are not independent, or None.
        in_train: Texts of dev and test that are in train, or nearly the same as one of it.
        in_dev: Texts of test that are in dev.
        label_names: The data's other names for labels, each with its label.
        columns: The names of the columns of texts and labels.
    """

    train: list[LabelledSentence]
    dev: list[LabelledSentence]
    test: list[LabelledSentence] | None
    contrast: list[LabelledSentence]
    names: dict[str, list[str]]
    folds: list[int] | None = None
    group_by: str | None = None
    in_train: frozenset[str] = frozenset()
    in_dev: frozenset[str] = frozenset()
    label_names: Mapping[str, str] = field(default_factory=dict)
    columns: Columns = field(default_factory=Columns)


def read_data(
    train: Labelled,
    dev: Labelled | None,
    test: Labelled | None = None,
    corrections: Sequence[str | Path] = (),
    settings: FinetuningSettings | None = None,
    label_names: Mapping[str, str] | None = None,
    text_column: str = "text",
    label_column: str = "label",
) -> FinetuningData:
    """Read the data of a run; see `certainty.finetuning.finetune`.

    Without dev, the settings say whether train is split into folds, or into train and dev. With dev, nothing is split,
    and `group_by` names the units of intervals and tests alone.

    Raises:
        CertaintyError: a file or a row is invalid, or the data is unsuitable for training or evaluation.
    """
    settings = settings or FinetuningSettings()
    if dev is not None and settings.folds:
        raise CertaintyError(
            f"{argument('folds')} says how to split train, but {argument('dev')} is given as well; leave one out."
        )
    if dev is None and settings.pseudo_labels:
        raise CertaintyError(
            "pseudo_labels may have the sentences that are set apart as dev; "
            f"give {argument('dev')}, and leave it out of them."
        )
    names = {split: _file_names(data) for split, data in (("train", train), ("dev", [] if dev is None else dev))}
    own_names = LabelNames(label_names)
    read = partial(read_labelled, label_names=own_names, text_column=text_column, label_column=label_column)
    given, held_out = corrected(read(train), [] if dev is None else read(dev), corrections, own_names)
    judged = None
    if test is not None:
        judged = read_held_out(test, label_names=own_names, text_column=text_column, label_column=label_column)
    own_names.warn_if_unmet()
    trained_on, contrast = split_held_out_groups(given)
    if not trained_on:
        raise CertaintyError(
            "train has no sentence to train on: each is of a group whose `quad` is a multiple of 5, and these are held "
            "out. Number the groups differently, or add rows."
        )
    if len({sentence.label for sentence in contrast if sentence.label}) < 2:
        if contrast:
            logger.warning(
                "%d sentences of groups whose `quad` is a multiple of 5 are held out of training, but they are not "
                "evaluated: they have fewer than two labels.",
                len(contrast),
            )
        contrast = []
    folds = None
    _warn_of_contradictions(trained_on)
    if dev is not None:
        trained_on = check_overlap(trained_on, held_out)
        if settings.group_by:
            _check_group_by(settings.group_by, {"dev": held_out, "test": judged or []})
    elif settings.folds:
        folds, held_out = folds_of(trained_on, settings.folds, settings.group_by, settings.seed).tolist(), trained_on
    else:
        part = dev_of(trained_on, settings.group_by, settings.seed)
        held_out = [s for s, is_dev in zip(trained_on, part, strict=True) if is_dev]
        trained_on = [s for s, is_dev in zip(trained_on, part, strict=True) if not is_dev]
        logger.info(
            "%d of %d sentences of train are set apart as dev; give %s to have every one judged.",
            *(len(held_out), len(held_out) + len(trained_on), argument("folds")),
        )
    check_counts(trained_on, held_out, "train" if folds else "dev")
    judging = {"dev": [] if folds else held_out, "test": judged or []}
    in_train = frozenset(text for name, rows in judging.items() for text in _in_train(trained_on, rows, name))
    if settings.group_by:
        _warn_of_groups(settings.group_by, trained_on, judging)
    if both := leaked(judging["dev"], judging["test"]):
        logger.warning(
            "%d sentences of test are also in dev, on which the model is chosen and calibrated, so figures on test are "
            "too good.",
            len(both),
        )
    in_dev = frozenset(s.text for s in both)
    return FinetuningData(
        *(trained_on, held_out, judged, contrast, names, folds, settings.group_by, in_train, in_dev),
        label_names=own_names.given,
        columns=Columns(text_column, label_column),
    )


def _warn_of_contradictions(train: Sequence[LabelledSentence]) -> None:
    rows: dict[str, list[LabelledSentence]] = {}
    for s in train:
        rows.setdefault(" ".join(s.text.split()).lower(), []).append(s)
    if found := [same for same in rows.values() if len({s.label for s in same}) > 1]:
        labels = sorted({s.label.value if s.label else "no_claim" for s in found[0]})
        logger.warning(
            "Sentences of train that have rows with different labels: %d, such as %r (%s). Keep one row of each, or "
            "name the annotators in a column `annotator` and use `certainty label merge`.",
            *(len(found), found[0][0].text, " and ".join(labels)),
        )


def _check_group_by(column: str, given: Mapping[str, Sequence[LabelledSentence]]) -> None:
    rows = [sentence for part in given.values() for sentence in part]
    if not any(values_of(rows, column)):
        names = " or ".join(name for name, part in given.items() if part)
        raise CertaintyError(
            f"{argument('group_by', column)}, but no row of {names} has a value in this column. "
            f"Allowed: {', '.join(columns_of(rows))}."
        )


def _warn_of_groups(
    column: str, train: Sequence[LabelledSentence], held_out: Mapping[str, Sequence[LabelledSentence]]
) -> None:
    """Warn if held-out rows have no group, or one that train has as well."""
    in_train = {*values_of(train, column)} - {""}
    for name, rows in held_out.items():
        groups = values_of(rows, column)
        if rows and not any(groups):
            logger.warning("No row of %s has a value of %r, so they are taken for independent.", name, column)
        if both := sum(group in in_train for group in groups):
            logger.warning(
                "%d of the %d sentences of %s have a value of %r that train has too, so figures on %s may be too good.",
                *(both, len(rows), name, column, name),
            )


def _in_train(train: Sequence[LabelledSentence], held_out: Sequence[LabelledSentence], name: str) -> list[str]:
    """Return the held-out texts that are in train, or nearly, and warn if there are any."""
    if found := near_duplicates(train, held_out):
        logger.warning(
            "%d sentences of %s are nearly the same as one of train, so figures on %s are too good: %r and %r.",
            *(len(found), name, name, *found[0]),
        )
    return [text for text, _ in found]


def corrected(
    train: Sequence[LabelledSentence],
    dev: Sequence[LabelledSentence],
    files: Sequence[str | Path],
    label_names: LabelNames | None = None,
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Return train and dev with their labels corrected; see `certainty.labelling.corrections.apply_corrections`.

    Args:
        train: The rows of train.
        dev: The rows of dev; an id shared with train must have the same text.
        files: Files of corrections, applied in order; a file may correct both train and dev.
        label_names: Other names for labels.

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
        rows = apply_corrections(rows, file, label_names)
    if files:
        changed = sum(new is not old for new, old in zip(rows, given, strict=True))
        logger.info("Corrected the labels of %d sentences.", changed)
    return rows[: len(train)], rows[len(train) :]


def _file_names(data: Labelled) -> list[str]:
    files = [data] if isinstance(data, (str, Path)) else data if isinstance(data, (list, tuple)) else []
    return [Path(file).name for file in files if isinstance(file, (str, Path))]
