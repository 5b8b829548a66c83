"""Suggest sentences to label next: uncertain and diverse ones, and some drawn at random.

The uncertain ones are chosen as in Zhdanov 2019, "Diverse mini-batch active learning": to choose k sentences, the
`diversity` × k most uncertain ones are clustered into k clusters by k-means weighted by uncertainty, and the sentence
nearest to each centre is taken. Measures of uncertainty: Settles 2009, "Active learning literature survey", section
3.1. The random ones are a uniform sample (Vitter 1985, algorithm R), so only they show how often each label occurs in
the texts.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from certainty.extras import needs
from certainty.labelling.tasks import sentence_id
from certainty.labels import Label
from certainty.results import Document, SentenceScore
from certainty.settings_file import Settings

UNCERTAIN, RANDOM = "uncertain", "random"
_DIMENSIONS = 100  # of the clustered vectors


def margin(p: NDArray[np.float64]) -> float:
    """Return 1 minus the gap between the two highest probabilities (Scheffer et al. 2001)."""
    second, first = np.sort(p)[-2:]
    return float(1 - (first - second))


def entropy(p: NDArray[np.float64]) -> float:
    """Return the Shannon entropy divided by its maximum."""
    positive = p[p > 0]
    return float(-(positive * np.log(positive)).sum() / np.log(len(p)))


def least_confidence(p: NDArray[np.float64]) -> float:
    """Return 1 minus the highest probability (Lewis and Gale 1994)."""
    return float(1 - p.max())


MEASURES: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "margin": margin,
    "entropy": entropy,
    "least-confidence": least_confidence,
}


class SuggestionSettings(Settings):
    """Settings of `suggest`.

    Attributes:
        count: Number of sentences to suggest.
        random_share: Share of sentences to draw at random, from 0 to 1.
        diversity: Number of preselected sentences per uncertain sentence to suggest; 1 disables clustering.
        measure: Measure of uncertainty, one of `MEASURES`.
        seed: Random seed; the same texts and seed give the same sentences.

    Raises:
        CertaintyError: If a value is invalid.
    """

    count: PositiveInt
    random_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    diversity: PositiveInt = 10
    measure: Literal["margin", "entropy", "least-confidence"] = "margin"
    seed: int = 0


@dataclass(frozen=True)
class Suggestion:
    """A sentence to label.

    Attributes:
        source: Where it comes from.
        score: The sentence and its score.
        reason: Why it was chosen, `uncertain` or `random`.
        uncertainty: How uncertain the model is.
        before, after: The sentences beside it, or "".
    """

    source: str
    score: SentenceScore
    reason: str
    uncertainty: float
    before: str = ""
    after: str = ""

    def to_row(self) -> dict[str, Any]:
        """Return a row for `certainty label export`."""
        return {
            "id": sentence_id(self.score.text),
            "text": self.score.text,
            "corpus": self.source,
            "reason": self.reason,
            "uncertainty": round(self.uncertainty, 6),
            "predicted": self.score.label.value,
            "before": self.before,
            "after": self.after,
        }


def suggest(
    documents: Iterable[tuple[str, Document]], settings: SuggestionSettings, exclude: Iterable[str] = ()
) -> list[Suggestion]:
    """Suggest sentences to label.

    Sentences that the model predicts to make no claim are chosen only at random, since the uncertainty of their label
    does not matter. Memory use grows with the number of suggestions, plus an 8-byte fingerprint per distinct sentence.

    Args:
        documents: Source name and scored document, lazily; a source may come in several documents, one after another.
        settings: How to choose.
        exclude: Texts never to choose. They, and repetitions, are told by their words, without case and spacing.

    Returns:
        The random sentences, then the uncertain ones by decreasing uncertainty; fewer than `count` if the documents
        have fewer.

    Raises:
        CertaintyError: scikit-learn is missing.
    """
    needs("sklearn", extra="label", user="certainty label suggest")
    rng = random.Random(settings.seed)
    measure = MEASURES[settings.measure]
    seen = {_fingerprint(text) for text in exclude}
    n_random = round(settings.count * settings.random_share)
    n_uncertain = settings.count - n_random
    drawn: list[tuple[int, Suggestion]] = []
    pool: list[tuple[float, int, Suggestion]] = []  # heap with the least uncertain first
    kept = n_uncertain * settings.diversity + n_random
    number = 0
    for source, score, *neighbours in _with_neighbours(documents):
        fingerprint = _fingerprint(score.text)
        if fingerprint in seen:
            continue
        seen.add(fingerprint)
        uncertainty = measure(np.array(list(score.probabilities.values())))
        if len(drawn) < n_random:
            drawn.append((number, Suggestion(source, score, RANDOM, uncertainty, *neighbours)))
        elif (place := rng.randrange(number + 1)) < n_random:
            drawn[place] = (number, Suggestion(source, score, RANDOM, uncertainty, *neighbours))
        if score.label is not Label.NO_CLAIM and n_uncertain:
            item = (uncertainty, -number, Suggestion(source, score, UNCERTAIN, uncertainty, *neighbours))
            (heapq.heappush if len(pool) < kept else heapq.heappushpop)(pool, item)
        number += 1
    taken = {n for n, _ in drawn}
    ranked = [item for _, minus, item in sorted(pool, key=lambda entry: entry[:2], reverse=True) if -minus not in taken]
    preselected = ranked[: n_uncertain * settings.diversity]
    chosen = _diverse(preselected, n_uncertain, settings.seed)
    return [item for _, item in sorted(drawn, key=lambda entry: entry[0])] + [preselected[i] for i in chosen]


def _with_neighbours(documents: Iterable[tuple[str, Document]]) -> Iterator[tuple[str, SentenceScore, str, str]]:
    """Yield each sentence with its source and with the texts before and after it there."""
    scored = ((source, score) for source, document in documents for score in document)
    before, current = "", next(scored, None)
    while current:
        (source, score), current = current, next(scored, None)
        goes_on = current is not None and current[0] == source
        yield source, score, before, current[1].text if current and goes_on else ""
        before = score.text if goes_on else ""


def _diverse(ranked: Sequence[Suggestion], count: int, seed: int) -> list[int]:
    """Return the sorted indices of the suggestions nearest to each cluster centre."""
    if len(ranked) <= count:
        return list(range(len(ranked)))
    from sklearn.cluster import KMeans

    vectors = _vectors([item.score.text for item in ranked], seed)
    weights = np.array([item.uncertainty for item in ranked]) + 1e-6  # k-means fails if all weights are 0
    clusters = KMeans(count, n_init=1, random_state=seed).fit(vectors, sample_weight=weights)
    distances = np.linalg.norm(vectors - clusters.cluster_centers_[clusters.labels_], axis=1)
    nearest: dict[int, int] = {}
    for i in np.argsort(distances, kind="stable").tolist():
        nearest.setdefault(int(clusters.labels_[i]), i)
    chosen = set(nearest.values())
    # If there are fewer distinct vectors than clusters, some clusters are empty.
    rest = (i for i in range(len(ranked)) if i not in chosen)
    return sorted(chosen | {next(rest) for _ in range(count - len(chosen))})


def _vectors(texts: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Return TF-IDF vectors of the texts, reduced by latent semantic analysis if they are long, shape (n, d)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", sublinear_tf=True).fit_transform(texts)
    if words.shape[1] <= _DIMENSIONS:
        return np.asarray(words.toarray())
    return np.asarray(TruncatedSVD(_DIMENSIONS, random_state=seed).fit_transform(words))


def _fingerprint(text: str) -> int:
    words = " ".join(text.casefold().split())
    return int.from_bytes(hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
