"""Split labelled sentences into folds, or into train and dev, so that what belongs together stays together."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from certainty.errors import CertaintyError
from certainty.evaluation.leakage import SIMILARITY, text_key, word_vectors
from certainty.evaluation.units import columns_of, linked, values_of
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS
from certainty.messages import argument, counted

__all__ = ["dev_of", "folds_of", "together"]

logger = logging.getLogger(__name__)

PARTS = 5
"""Without dev and without cross-validation, one part in so many becomes dev."""
UNEVEN = 1.5
"""Warn if the largest part has more than so many times its share of the rows."""

_ROWS = 500  # compared with all others at once, which bounds the memory

Ints = NDArray[np.int64]


def folds_of(sentences: Sequence[LabelledSentence], folds: int, group_by: str | None, seed: int) -> Ints:
    """Return the fold of each sentence, shape (n,). Folds have about the same shares of labels.

    Args:
        sentences: The sentences.
        folds: Number of folds.
        group_by: Column whose values are not split; see `together`.
        seed: Seed of the split.

    Raises:
        CertaintyError: no sentence has this column, a label occurs in fewer sets of rows than there are folds, or it
            would be missing outside of one.
    """
    sets = together(sentences, group_by)
    held = {label: {int(of) for of, s in zip(sets, sentences, strict=True) if s.label is label} for label in LABELS}
    rarest = min(LABELS, key=lambda label: len(held[label]))
    if (most := len(held[rarest])) < folds:
        rows = sum(s.label is rarest for s in sentences)
        if not most:
            absent = " or ".join(label.value for label in LABELS if not held[label])
            raise CertaintyError(f"train has no sentence labelled {absent}. Add some, at least ten of each label.")
        ways = [argument("dev"), *([f"{argument('folds', most)} at most"] if most > 1 else [])]
        raise CertaintyError(
            f"train has {counted(rows, 'row')} labelled {rarest.value}, in {counted(most, 'set')} that must not be "
            f"split (documents, near duplicates); without {argument('dev')}, train is split into {folds} parts, which "
            f"takes at least {folds}. Give {', '.join(ways)}, or more rows of this label."
        )
    strata = [s.label.value if s.label else "no_claim" for s in sentences]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    result = np.zeros(len(sentences), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # sentences without a claim may be rare
        for fold, (rest, held_out) in enumerate(splitter.split(strata, strata, sets)):
            result[held_out] = fold
            others = {strata[i] for i in rest}
            if lost := [label.value for label in LABELS if label.value not in others]:
                raise CertaintyError(
                    f"a split into {folds} parts leaves no row labelled {', '.join(lost)} to train on beside one part; "
                    "the sets that must not be split (documents) are too uneven. Group by another column, or "
                    f"give {argument('dev')} instead."
                )
    _warn_if_uneven(result, sets, folds)
    return result


def dev_of(sentences: Sequence[LabelledSentence], group_by: str | None, seed: int) -> NDArray[np.bool_]:
    """Return whether each sentence becomes dev, shape (n,): one of `PARTS` folds.

    It is the first, unless this has more than `UNEVEN` times its share of the rows, because of a large set that must
    not be split: then it is that of at least two labels which is nearest to its share.

    Args:
        sentences: The sentences.
        group_by: See `folds_of`.
        seed: Seed of the split.

    Raises:
        CertaintyError: as for `folds_of`.
    """
    folds = folds_of(sentences, PARTS, group_by, seed)
    share, sizes = len(folds) / PARTS, np.bincount(folds, minlength=PARTS)
    if sizes[0] <= UNEVEN * share:
        return np.asarray(folds == 0)
    labels = [
        {s.label for s, of in zip(sentences, folds, strict=True) if of == fold and s.label} for fold in range(PARTS)
    ]
    fit = [fold for fold in range(PARTS) if len(labels[fold]) > 1]
    return np.asarray(folds == min(fit or [0], key=lambda fold: abs(sizes[fold] - share)))


def together(sentences: Sequence[LabelledSentence], group_by: str | None = None) -> Ints:
    """Return the number of the set that each sentence belongs to, shape (n,); a set must not be split.

    Sentences with the same value of a column belong together, and so do those of one `quad`, with one text, and near
    duplicates.

    Args:
        sentences: The sentences.
        group_by: The column, as in `certainty.evaluation.units.column_values`. Sentences without a value do not belong
            together.

    Raises:
        CertaintyError: no sentence has this column.
    """
    columns = [_values(sentences, column) for column in filter(None, ("quad", group_by))]
    texts = [s.text for s in sentences]
    return linked(*columns, list(map(text_key, texts)), pairs=_near_pairs(texts))


def _near_pairs(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield pairs of texts that link all near duplicates: of a set of them, a few instead of every pair."""
    vectors = word_vectors(texts)
    others, rows = vectors.T.tocsr(), np.arange(len(texts))
    for start in range(0, len(texts), _ROWS):
        similar = (vectors[start : start + _ROWS] @ others).tocoo()
        near = similar.data >= SIMILARITY
        links = (similar.data[near], (similar.row[near] + start, similar.col[near]))
        sets = connected_components(coo_array(links, shape=(len(rows), len(rows))), directed=False)[1]
        first = np.unique(sets, return_index=True)[1][sets]
        later = first != rows
        yield from zip(first[later].tolist(), rows[later].tolist(), strict=True)


def _warn_if_uneven(folds: Ints, sets: Ints, parts: int) -> None:
    largest, whole = int(np.bincount(folds).max()), int(np.unique(sets, return_counts=True)[1].max())
    if largest > UNEVEN * len(folds) / parts:
        logger.warning(
            "The %d parts of train are uneven: the largest has %d of %d rows. The largest set that must not be split "
            "(documents, near duplicates) has %d; if documents repeat a formula, leave its rows out, if not, group by "
            "another column, or give %s.",
            *(parts, largest, len(folds), whole, argument("dev")),
        )


def _values(sentences: Sequence[LabelledSentence], column: str) -> list[str]:
    values = values_of(sentences, column)
    if column != "quad" and not any(values):
        known = ", ".join(columns_of(sentences))
        raise CertaintyError(f"{argument('group_by', column)}, but train has no such column. Allowed: {known}.")
    return values
