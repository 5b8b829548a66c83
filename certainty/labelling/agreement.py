"""Measure the agreement of annotators: Cohen's κ for each pair and Krippendorff's α, with bootstrap intervals.

Cohen 1960, "A coefficient of agreement for nominal scales"; Krippendorff 2011, "Computing Krippendorff's
alpha-reliability". A sentence without a claim counts as a fifth category. Cues are compared by F1, since most words are
cues to nobody (Hripcsak and Rothschild 2005, "Agreement, the F-measure, and reliability in information retrieval").
Sentences are what the bootstrap resamples.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.labelled import LabelledSentence
from certainty.labelling.annotators import Answers, Source, by_sentence
from certainty.labelling.choices import ATTRIBUTED, CATEGORIES, NOT_ATTRIBUTED, category, needs_no_cues

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RESAMPLES = 1000
MISSING = -1
_WORD = re.compile(r"\w+['’]?")


@dataclass(frozen=True)
class Estimate:
    """A coefficient with its 95 % bootstrap interval; None if undefined, for example with only one category."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Pair:
    """Agreement of two annotators on the sentences that both labelled.

    Attributes:
        first, second: Names of the annotators.
        sentences: Number of sentences that both labelled.
        agreement: Share of sentences with the same answer.
        kappa: Cohen's κ.
        confusion: Number of sentences by the first annotator's answer (row) and the second's (column).
    """

    first: str
    second: str
    sentences: int
    agreement: float
    kappa: Estimate
    confusion: list[list[int]]


@dataclass(frozen=True)
class Question:
    """Agreement on one question.

    Attributes:
        categories: The possible answers, in the order of the confusion matrices.
        sentences: Number of sentences answered by at least two annotators.
        alpha: Krippendorff's α for nominal data.
        by_category: α of each category against all others.
        counts: Number of times each category was given in these sentences.
        pairs: Results for each pair of annotators with sentences in common.
    """

    categories: tuple[str, ...]
    sentences: int
    alpha: Estimate
    by_category: dict[str, Estimate]
    counts: dict[str, int]
    pairs: list[Pair]


@dataclass(frozen=True)
class Cues:
    """Agreement on the words that decide.

    Attributes:
        sentences: How many got the same label, one that asks for cues, and cues of two annotators or more.
        f1: Twice the words that both of a pair marked, over all that either marked, summed over pairs and sentences.
    """

    sentences: int
    f1: Estimate


@dataclass(frozen=True)
class Agreement:
    """Agreement on label, attribution (of sentences that all their annotators call claims) and cues."""

    annotators: list[str]
    label: Question
    attribution: Question
    cues: Cues
    disagreements: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and numbers, ready for JSON."""
        return asdict(self)


def agreement(sources: Sequence[Source], resamples: int = RESAMPLES, seed: int = 0) -> Agreement:
    """Measure the agreement of annotators.

    Args:
        sources: Name and rows of each file; see `certainty.labelling.annotators.by_sentence`.
        resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap.

    Raises:
        CertaintyError: a library is missing, an id has two texts, an annotator labelled a sentence twice, or no
            sentence has two annotators.
    """
    needs("sklearn", extra="label", user="certainty label agreement")
    table = by_sentence(sources)
    annotators = sorted({name for row in table.values() for name in row})
    labels = np.full((len(table), len(annotators)), MISSING)
    attributions = labels.copy()
    for i, row in enumerate(table.values()):
        for name, sentence in row.items():
            labels[i, annotators.index(name)] = CATEGORIES.index(category(sentence))
        for name, sentence in row.items():
            if sentence.attributed is not None and all(s.claim for s in row.values()):
                attributions[i, annotators.index(name)] = 0 if sentence.attributed else 1
    if not ((labels != MISSING).sum(1) > 1).any():
        raise CertaintyError(
            f"no sentence was labelled by two annotators (found: {', '.join(annotators) or 'none'}). Give rows with a "
            "column `annotator`, or one file per annotator, on the same texts."
        )
    rng = np.random.default_rng(seed)
    return Agreement(
        annotators=annotators,
        label=_question(labels, CATEGORIES, annotators, resamples, rng),
        attribution=_question(attributions, (ATTRIBUTED, NOT_ATTRIBUTED), annotators, resamples, rng),
        cues=_cues(table.values(), resamples, rng),
        disagreements=[
            {"id": key, "text": next(iter(row.values())).text, **{name: category(s) for name, s in row.items()}}
            for key, row in table.items()
            if len({category(sentence) for sentence in row.values()}) > 1
        ],
    )


def _question(
    answers: Ints, categories: tuple[str, ...], annotators: Sequence[str], resamples: int, rng: np.random.Generator
) -> Question:
    shared = answers[(answers != MISSING).sum(1) > 1]
    counts = np.stack([(shared == k).sum(1) for k in range(len(categories))], axis=1)

    def alpha(columns: Ints) -> Estimate:
        patterns, times = np.unique(columns, axis=0, return_counts=True)
        value = float(_alphas(patterns, times[None])[0])
        return _estimate(value, times, lambda weights: _alphas(patterns, weights), resamples, rng)

    pairs = []
    for a, b in combinations(range(len(annotators)), 2):
        both = shared[(shared[:, a] != MISSING) & (shared[:, b] != MISSING)][:, [a, b]]
        if len(both):
            pairs.append(_pair(annotators[a], annotators[b], both, len(categories), resamples, rng))
    return Question(
        categories=categories,
        sentences=len(shared),
        alpha=alpha(counts),
        by_category={
            name: alpha(np.stack([counts[:, k], counts.sum(1) - counts[:, k]], axis=1))
            for k, name in enumerate(categories)
        },
        counts={name: int(counts[:, k].sum()) for k, name in enumerate(categories)},
        pairs=pairs,
    )


def _pair(first: str, second: str, both: Ints, k: int, resamples: int, rng: np.random.Generator) -> Pair:
    from sklearn.metrics import cohen_kappa_score, confusion_matrix

    confusion = confusion_matrix(both[:, 0], both[:, 1], labels=np.arange(k))
    # scikit-learn warns and returns NaN if both annotators only gave one and the same category.
    one_only = len(np.unique(both)) < 2
    kappa = float("nan") if one_only else float(cohen_kappa_score(both[:, 0], both[:, 1], labels=np.arange(k)))
    return Pair(
        first=first,
        second=second,
        sentences=len(both),
        agreement=float((both[:, 0] == both[:, 1]).mean()),
        kappa=_estimate(kappa, confusion.ravel(), _kappas, resamples, rng),
        confusion=confusion.tolist(),
    )


def _cues(table: Iterable[Answers], resamples: int, rng: np.random.Generator) -> Cues:
    counts = []
    for row in table:
        marked = [(s.label, _cue_words(s)) for s in row.values() if s.cues and not needs_no_cues(category(s))]
        pairs = [(a, b) for (label, a), (other, b) in combinations(marked, 2) if label is other]
        if pairs:
            counts.append((sum(2 * len(a & b) for a, b in pairs), sum(len(a) + len(b) for a, b in pairs)))
    if not counts:
        return Cues(0, Estimate(None, None, None))
    patterns, times = np.unique(np.array(counts), axis=0, return_counts=True)

    def f1(weights: Ints) -> Floats:
        both, either = (weights @ patterns).T
        return np.asarray(both / either)

    return Cues(len(counts), _estimate(float(f1(times[None])[0]), times, f1, resamples, rng))


def _cue_words(sentence: LabelledSentence) -> set[int]:
    """Return where the words begin that a cue touches; a cue without a word counts as one."""
    words = [match.span() for match in _WORD.finditer(sentence.text)]
    marked: set[int] = set()
    for start, end in sentence.cues or ():
        marked.update({a for a, b in words if a < end and start < b} or {start})
    return marked


def _alphas(patterns: Ints, weights: Ints) -> Floats:
    """Return Krippendorff's α of each resample for nominal data, shape (r,); NaN if there is only one category.

    Args:
        patterns: Distinct rows of category counts, shape (u, k), of units with two values or more.
        weights: Number of times each pattern occurs in each resample, shape (r, u).
    """
    raters = patterns.sum(1)
    disagreement = weights @ ((patterns * (raters[:, None] - patterns)).sum(1) / (raters - 1))
    totals = weights @ patterns
    n = totals.sum(1)
    with np.errstate(invalid="ignore"):
        return np.asarray(1 - (n - 1) * disagreement / (n**2 - (totals**2).sum(1)))


def _kappas(weights: Ints) -> Floats:
    """Return κ of each resample, shape (r,), from flattened confusion matrices of shape (r, k · k)."""
    k = math.isqrt(weights.shape[1])
    confusions, n = weights.reshape(-1, k, k), weights.sum(1)
    chance = (confusions.sum(1) * confusions.sum(2)).sum(1)  # times n², to keep integers
    with np.errstate(invalid="ignore"):
        return np.asarray((n * np.trace(confusions, axis1=1, axis2=2) - chance) / (n**2 - chance))


def _estimate(
    value: float, times: Ints, statistic: Callable[[Ints], Floats], resamples: int, rng: np.random.Generator
) -> Estimate:
    """Return the value with its percentile interval (Efron and Tibshirani 1993).

    Args:
        value: Value for all sentences.
        times: Number of sentences of each kind, shape (u,); resamples are drawn from these counts.
        statistic: Function from the counts of each kind in the resamples, shape (r, u), to their values, shape (r,).
        resamples: Number of resamples, r.
        rng: Random number generator.
    """
    if np.isnan(value):
        return Estimate(None, None, None)
    draws = statistic(rng.multinomial(times.sum(), times / times.sum(), size=resamples))
    draws = draws[~np.isnan(draws)]
    if not len(draws):
        return Estimate(value, None, None)
    low, high = np.percentile(draws, [2.5, 97.5])
    return Estimate(value, float(low), float(high))
