"""Find held-out sentences that are also in the training data, or nearly the same as one there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.neighbors import NearestNeighbors

from certainty.labelled import LabelledSentence

SIMILARITY = 0.8
"""Cosine similarity of their sets of words and word pairs from which two texts are near duplicates.

A sentence of eight words and signs may differ in one, of sixteen in two.
"""


def leaked(train: Iterable[LabelledSentence], held_out: Iterable[LabelledSentence]) -> list[LabelledSentence]:
    """Return the held-out sentences whose text is also in train, ignoring case, spaces and punctuation."""
    known = {text_key(sentence.text) for sentence in train}
    return [sentence for sentence in held_out if text_key(sentence.text) in known]


def text_key(text: str) -> str:
    """Return the letters and digits of a text in lower case, or the text if it has none.

    Texts with the same key count as equal.
    """
    return "".join(filter(str.isalnum, text.lower())) or text.strip()


def near_duplicates(train: Sequence[LabelledSentence], held_out: Sequence[LabelledSentence]) -> list[tuple[str, str]]:
    """Return the held-out texts that are the same as a training text, or nearly, each with that text."""
    if not train or not held_out:
        return []
    neighbours = NearestNeighbors(n_neighbors=1, metric="cosine").fit(word_vectors([s.text for s in train]))
    distances, nearest = neighbours.kneighbors(word_vectors([s.text for s in held_out]))
    same = {key: s.text for s in train if (key := text_key(s.text))}  # short ones differ much by a sign of punctuation
    return [
        (s.text, train[int(row)].text if distance <= 1 - SIMILARITY else same[text_key(s.text)])
        for s, distance, row in zip(held_out, distances[:, 0], nearest[:, 0], strict=True)
        if distance <= 1 - SIMILARITY or text_key(s.text) in same
    ]


def word_vectors(texts: Sequence[str]) -> csr_matrix:
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
