"""Read held-out sentences, and check what an evaluation is given before any long work."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from certainty import CertaintyError
from certainty.evaluation.figures import slice_values
from certainty.evaluation.units import column_values
from certainty.label_names import LabelNames
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS
from certainty.messages import argument

MOST_SEED = 2**32 - 1
"""The greatest seed that numpy and scikit-learn accept."""


def read_held_out(
    data: Any,
    by: Sequence[str] = (),
    label_names: Mapping[str, str] | LabelNames | None = None,
    group_by: str | None = None,
    *,
    text_column: str = "text",
    label_column: str = "label",
) -> list[LabelledSentence]:
    """Read held-out data and check it; for its labels and columns see `certainty.labelled.read_labelled`.

    Raises:
        CertaintyError: the data cannot be used, a column of `by` cannot be sliced by, or there is no column `group_by`.
    """
    if isinstance(by, str):
        raise CertaintyError(f"by is {by!r}; give a list of columns, such as [{by!r}].")
    sentences = read_labelled(data, label_names, text_column=text_column, label_column=label_column)
    check_labels(sentences, _named(data))
    for column in by:
        slice_values(sentences, column)
    if group_by is not None and not any(column_values(sentences, group_by, "to group by")):
        raise CertaintyError(f"{argument('group_by', group_by)}, but no row has a value in this column; leave it out.")
    return sentences


def check_labels(sentences: Sequence[LabelledSentence], where: str = "the held-out data") -> None:
    """Check that the sentences can be evaluated.

    Raises:
        CertaintyError: they have fewer than two labels. The message refers to them as `where`.
    """
    labels = {sentence.label for sentence in sentences if sentence.label is not None}
    if not labels:
        raise CertaintyError(f"{where}: no sentence has a label. Allowed: {', '.join(LABELS)}.")
    if len(labels) < 2:
        raise CertaintyError(f"{where}: every label is {labels.pop()}; at least two different labels are needed.")


def check_seed(seed: object) -> None:
    """Check a seed.

    Raises:
        CertaintyError: it is not a whole number from 0 to `MOST_SEED`.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MOST_SEED:
        raise CertaintyError(f"seed is {seed!r}; give a whole number from 0 to {MOST_SEED}.")


def _named(data: Any) -> str:
    paths = [data] if isinstance(data, (str, os.PathLike)) else data if isinstance(data, list) else []
    names = [os.fspath(path) for path in paths if isinstance(path, (str, os.PathLike))]
    return ", ".join(names) or "the held-out data"
