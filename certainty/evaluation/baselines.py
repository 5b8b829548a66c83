"""Baselines that every report carries: the majority label, TF-IDF with logistic regression, and a cue lexicon."""

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
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

FOLDS = 5


class Baseline(Protocol):
    """What a baseline can do."""

    def fit(self, sentences: Sequence[LabelledSentence]) -> Baseline:
        """Learn from the sentences that make a claim; the others are passed over."""
        ...

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each label, shape (n, 4), columns in the order of `LABELS`."""
        ...


class MajorityBaseline:
    """Gives every sentence the label shares of the training data, so the most frequent label wins."""

    def fit(self, sentences: Sequence[LabelledSentence]) -> MajorityBaseline:
        """Count the labels.

        Raises:
            CertaintyError: no sentence has a label.
        """
        labels = _claims(sentences)[1]
        self._shares = np.array([labels.count(label) for label in LABELS]) / len(labels)
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the label shares once for each text, shape (n, 4)."""
        return np.tile(self._shares, (len(texts), 1))


class TfidfBaseline:
    """Word 1- to 3-grams and character 2- to 5-grams, weighted by TF-IDF, in a logistic regression.

    Classes are weighted against their frequency. Twenty thousand sentences take about half a minute on two cores.
    """

    def fit(self, sentences: Sequence[LabelledSentence]) -> TfidfBaseline:
        """Train on the sentences that make a claim.

        Raises:
            CertaintyError: no sentence has a label.
        """
        texts, labels = _claims(sentences)
        words, characters = (2, 5) if len(texts) >= 1000 else (1, 1)  # in a small set most n-grams occur once
        options: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32, "preprocessor": _normalise}
        self._model = make_pipeline(
            make_union(
                # Marks are words too: quotation and question marks say much, and no text is left without a word.
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
        """Return the probability of each label, shape (n, 4); 0 for a label that training did not have."""
        result = np.zeros((len(texts), len(LABELS)))
        if texts:
            columns = [LABELS.index(Label(name)) for name in self._model.classes_]
            result[:, columns] = self._model.predict_proba(texts)
        return result


class RulesBaseline:
    """A cue lexicon (see `certainty.evaluation.rules`); it is sure of its label, and has nothing to learn."""

    def __init__(self) -> None:
        self._ignored = re.compile("|".join(IGNORED), re.IGNORECASE)
        self._patterns = [(label, re.compile("|".join(patterns), re.IGNORECASE)) for label, patterns in PATTERNS]

    def fit(self, sentences: Sequence[LabelledSentence]) -> RulesBaseline:
        """Return the baseline as it is."""
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return 1 for the label of each text and 0 for the others, shape (n, 4)."""
        return np.eye(len(LABELS))[[LABELS.index(self._label(text)) for text in texts]]

    def _label(self, text: str) -> Label:
        text = self._ignored.sub(" ", text.replace("’", "'"))
        return next((label for label, pattern in self._patterns if pattern.search(text)), Label.ASSERTED)


BASELINES: Mapping[str, Callable[[], Baseline]] = MappingProxyType(
    {"majority": MajorityBaseline, "tfidf": TfidfBaseline, "rules": RulesBaseline}
)
"""Each baseline by its name in reports."""


def cross_validated(
    make: Callable[[], Baseline], sentences: Sequence[LabelledSentence], *, seed: int, folds: int = FOLDS
) -> NDArray[np.float64]:
    """Predict each labelled sentence by a baseline fitted on the other folds; a group is never split.

    Args:
        make: A member of `BASELINES`.
        sentences: All with a label.
        seed: Shuffles the folds.
        folds: Number of folds; fewer where there are not enough groups.

    Returns:
        Shape (n, 4).

    Raises:
        CertaintyError: the sentences do not make two groups.
    """
    groups = [f"row {i}" if s.group is None else f"group {s.group}" for i, s in enumerate(sentences)]
    folds = min(folds, len(set(groups)))
    if folds < 2:
        raise CertaintyError("the held-out data is too small to fit baselines on it. Give training data.")
    result = np.zeros((len(sentences), len(LABELS)))
    for train, held_out in GroupKFold(folds, shuffle=True, random_state=seed).split(groups, groups=groups):
        baseline = make().fit([sentences[i] for i in train])
        result[held_out] = baseline.predict_proba([sentences[i].text for i in held_out])
    return result


def _claims(sentences: Sequence[LabelledSentence]) -> tuple[list[str], list[Label]]:
    claims = [(sentence.text, sentence.label) for sentence in sentences if sentence.label is not None]
    if not claims:
        raise CertaintyError("no sentence to train on has a label. Give rows with `text` and `label`.")
    return [text for text, _ in claims], [label for _, label in claims]


def _normalise(text: str) -> str:
    return text.lower().replace("’", "'")
