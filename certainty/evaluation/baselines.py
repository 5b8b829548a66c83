"""Baselines shown in reports: the majority label, TF-IDF with logistic regression, and a cue lexicon."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline, make_union

from certainty import CertaintyError, Label
from certainty.evaluation.rules import IGNORED, PATTERNS
from certainty.evaluation.units import units_of
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

FOLDS = 5


class Baseline(Protocol):
    """Interface of a baseline."""

    def fit(self, sentences: Sequence[LabelledSentence]) -> Baseline:
        """Fit the baseline to the sentences with a label; the others are ignored."""
        ...

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each label, shape (n, 4), with columns in the order of `LABELS`."""
        ...


class MajorityBaseline:
    """Predicts the label shares of the training data for every sentence, so the most frequent label wins."""

    def fit(self, sentences: Sequence[LabelledSentence]) -> MajorityBaseline:
        """Count the labels.

        Raises:
            CertaintyError: no sentence has a label.
        """
        labels = _claims(sentences)[1]
        self._shares = np.array([labels.count(label) for label in LABELS]) / len(labels)
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the label shares, repeated for each text, shape (n, 4)."""
        return np.tile(self._shares, (len(texts), 1))


class TfidfBaseline:
    """Logistic regression on TF-IDF features of word 1- to 3-grams and character 2- to 5-grams.

    Class weights are inverse to class frequency. Twenty thousand sentences take about half a minute on two cores.
    """

    def fit(self, sentences: Sequence[LabelledSentence]) -> TfidfBaseline:
        """Train on the sentences with a label.

        Raises:
            CertaintyError: no sentence has a label.
        """
        texts, labels = _claims(sentences)
        words, characters = (2, 5) if len(texts) >= 1000 else (1, 1)  # in small data sets most n-grams occur only once
        options: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32, "preprocessor": _normalise}
        self._model = make_pipeline(
            make_union(
                # Punctuation counts as words: it is informative, and no text is left without a word.
                TfidfVectorizer(ngram_range=(1, 3), min_df=words, token_pattern=r"\w+|[^\w\s]", **options),
                TfidfVectorizer(ngram_range=(2, 5), min_df=characters, analyzer="char", **options),
            ),
            LogisticRegression(C=2.0, class_weight="balanced", max_iter=200, tol=1e-3)
            if len(set(labels)) > 1
            else DummyClassifier(strategy="prior"),
        )
        self._model.fit(texts, [label.value for label in labels])
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each label, shape (n, 4); 0 for labels that do not occur in training."""
        result = np.zeros((len(texts), len(LABELS)))
        if texts:
            columns = [LABELS.index(Label(name)) for name in self._model.classes_]
            result[:, columns] = self._model.predict_proba(texts)
        return result


class RulesBaseline:
    """Cue lexicon (see `certainty.evaluation.rules`) that gives its label probability 1 and needs no training."""

    def __init__(self) -> None:
        self._ignored = re.compile("|".join(IGNORED), re.IGNORECASE)
        self._patterns = [(label, re.compile("|".join(patterns), re.IGNORECASE)) for label, patterns in PATTERNS]

    def fit(self, sentences: Sequence[LabelledSentence]) -> RulesBaseline:
        """Return the baseline unchanged."""
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return 1 for the label of each text and 0 for the other labels, shape (n, 4)."""
        return np.eye(len(LABELS))[[LABELS.index(self._label(text)) for text in texts]]

    def _label(self, text: str) -> Label:
        text = self._ignored.sub(" ", text.replace("’", "'"))
        return next((label for label, pattern in self._patterns if pattern.search(text)), Label.ASSERTED)


BASELINES: Mapping[str, Callable[[], Baseline]] = MappingProxyType(
    {"majority": MajorityBaseline, "tfidf": TfidfBaseline, "rules": RulesBaseline}
)
"""The baselines by their name in reports."""


def folds_of(
    sentences: Sequence[LabelledSentence], *, seed: int, folds: int = FOLDS, group_by: str | None = None
) -> NDArray[np.int64]:
    """Return the fold of each sentence in a cross-validation, shape (n,).

    Args:
        sentences: The sentences.
        seed: Seed for assigning units to folds.
        folds: Number of folds; reduced if there are fewer units.
        group_by: Column whose rows stay together; see `certainty.evaluation.units`.

    Raises:
        CertaintyError: there are fewer than two units.
    """
    units = units_of(sentences, group_by)
    units = np.arange(len(sentences)) if units is None else units
    folds = min(folds, len(np.unique(units)))
    if folds < 2:
        raise CertaintyError("the held-out data is too small for cross-validating baselines. Give training data.")
    result = np.zeros(len(sentences), dtype=np.int64)
    splitter = GroupKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(units, groups=units)):
        result[held_out] = fold
    return result


def cross_validated(
    make: Callable[[], Baseline], sentences: Sequence[LabelledSentence], folds: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.float64]:
    """Predict each sentence with a baseline fitted on the other folds.

    Args:
        make: A value of `BASELINES`.
        sentences: The sentences; each must have a label.
        folds: The fold of each.

    Returns:
        Probabilities, shape (n, 4).
    """
    result = np.zeros((len(sentences), len(LABELS)))
    for fold in np.unique(folds):
        is_held_out = np.asarray(folds) == fold
        baseline = make().fit([s for s, held_out in zip(sentences, is_held_out, strict=True) if not held_out])
        texts = [s.text for s, held_out in zip(sentences, is_held_out, strict=True) if held_out]
        result[is_held_out] = baseline.predict_proba(texts)
    return result


def _claims(sentences: Sequence[LabelledSentence]) -> tuple[list[str], list[Label]]:
    claims = [(sentence.text, sentence.label) for sentence in sentences if sentence.label is not None]
    if not claims:
        raise CertaintyError("no sentence to train on has a label. Give rows with `text` and `label`.")
    return [text for text, _ in claims], [label for _, label in claims]


def _normalise(text: str) -> str:
    return text.lower().replace("’", "'")
