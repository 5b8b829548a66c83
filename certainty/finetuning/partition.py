"""Split labelled sentences into folds, or into train and dev, so that what belongs together stays together."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import NearestNeighbors

from certainty.errors import CertaintyError
from certainty.evaluation.leakage import text_key
from certainty.evaluation.units import columns_of, linked, values_of
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS
from certainty.messages import argument, counted

__all__ = ["PARTS", "folds_of", "near_duplicates", "together"]

logger = logging.getLogger(__name__)

PARTS = 5
"""Without dev and without cross-validation, one part in so many becomes dev."""
SIMILARITY = 0.8
"""Cosine similarity of their sets of words and word pairs from which two texts are near duplicates.

A sentence of eight words and signs may differ in one, of sixteen in two.
"""
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
                    "give dev instead."
                )
    _warn_if_uneven(result, sets, folds)
    return result


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


def near_duplicates(train: Sequence[LabelledSentence], held_out: Sequence[LabelledSentence]) -> list[tuple[str, str]]:
    """Return the held-out texts that are the same as a training text, or nearly, each with that text."""
    if not train or not held_out:
        return []
    neighbours = NearestNeighbors(n_neighbors=1, metric="cosine").fit(_vectors([s.text for s in train]))
    distances, nearest = neighbours.kneighbors(_vectors([s.text for s in held_out]))
    same = {key: s.text for s in train if (key := text_key(s.text))}  # short ones differ much by a sign of punctuation
    return [
        (s.text, train[int(row)].text if distance <= 1 - SIMILARITY else same[text_key(s.text)])
        for s, distance, row in zip(held_out, distances[:, 0], nearest[:, 0], strict=True)
        if distance <= 1 - SIMILARITY or text_key(s.text) in same
    ]


def _near_pairs(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield pairs of texts that link all near duplicates: of a set of them, a few instead of every pair."""
    vectors = _vectors(texts)
    others, rows = vectors.T.tocsr(), np.arange(len(texts))
    for start in range(0, len(texts), _ROWS):
        similar = (vectors[start : start + _ROWS] @ others).tocoo()
        near = similar.data >= SIMILARITY
        links = (similar.data[near], (similar.row[near] + start, similar.col[near]))
        sets = connected_components(coo_array(links, shape=(len(rows), len(rows))), directed=False)[1]
        first = np.unique(sets, return_index=True)[1][sets]
        later = first != rows
        yield from zip(first[later].tolist(), rows[later].tolist(), strict=True)


def _vectors(texts: Sequence[str]) -> csr_matrix:
    """Return the words and word pairs of texts as unit vectors, shape (n, features); each text has some.

    They are neither counted nor weighed by how rare they are, so that two texts are as similar in any data.
    """
    vectorizer = HashingVectorizer(
        ngram_range=(1, 2),
        strip_accents="unicode",
        token_pattern=r"\w+|[^\w\s]",  # punctuation counts as a word
        binary=True,
        alternate_sign=False,
        dtype=np.float32,
    )
    return vectorizer.transform(text.encode(errors="replace").decode() for text in texts)  # lone surrogates


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
        raise CertaintyError(f"group_by is {column!r}, but train has no such column. Allowed: {known}.")
    return values
