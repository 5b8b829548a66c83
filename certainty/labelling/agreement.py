"""Measure the agreement of annotators: Cohen's κ for each pair and Krippendorff's α, with 95 % intervals.

Cohen 1960, "A coefficient of agreement for nominal scales"; Krippendorff 2011, "Computing Krippendorff's
alpha-reliability". A sentence without a claim counts as a fifth category. Cues are compared by F1, since most words are
cues to nobody (Hripcsak and Rothschild 2005, "Agreement, the F-measure, and reliability in information retrieval").

Intervals are at each end the wider of two: the percentiles of a bootstrap that resamples sentences, and a closed form,
because annotators who always agree do so in every resample, too. For κ and α, which are 1 - observed / expected
disagreement, it is the Wilson interval of the observed agreement, as a share of the sentences, with the expected
disagreement taken as known, as in the standard error of Cohen 1960. For F1 it is `certainty.intervals.f1_interval`.
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
from certainty.intervals import Interval, f1_interval, share_interval, widest
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
    """A share or a coefficient with its 95 % interval; None if undefined, as κ is with only one category."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Pair:
    """Agreement of two annotators on the sentences that both labelled.

    Attributes:
        first, second: Names of the annotators.
        sentences: Number of sentences that both labelled.
        agreement: Share of sentences with the same answer, with its Wilson interval.
        kappa: Cohen's κ.
        confusion: Number of sentences by the first annotator's answer (row) and the second's (column).
    """

    first: str
    second: str
    sentences: int
    agreement: Estimate
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
        return _coefficient(times, lambda weights: _among_values(patterns, weights), resamples, rng)

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
    from sklearn.metrics import confusion_matrix

    confusion = confusion_matrix(both[:, 0], both[:, 1], labels=np.arange(k))
    same, sentences = int(np.trace(confusion)), len(both)
    return Pair(
        first=first,
        second=second,
        sentences=sentences,
        agreement=Estimate(same / sentences, *share_interval(np.array([same, sentences]))),
        kappa=_coefficient(confusion.ravel(), _of_two, resamples, rng),
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

    both, either = np.array(counts).sum(0)
    words = np.array([both / 2, either - both, 0])
    # Words of one sentence are not independent: no more of them count than there are sentences.
    closed = f1_interval(words * min(1.0, len(counts) / words.sum()))
    return Cues(len(counts), _estimate(times, f1, closed, resamples, rng))


def _cue_words(sentence: LabelledSentence) -> set[int]:
    """Return where the words begin that a cue touches; a cue without a word counts as one."""
    words = [match.span() for match in _WORD.finditer(sentence.text)]
    marked: set[int] = set()
    for start, end in sentence.cues or ():
        marked.update({a for a, b in words if a < end and start < b} or {start})
    return marked


def _among_values(patterns: Ints, weights: Ints) -> tuple[Floats, Floats]:
    """Return the observed and the expected disagreement of α for nominal data in each resample, each of shape (r,).

    Args:
        patterns: Distinct rows of category counts, shape (u, k), of units with two values or more.
        weights: Number of times each pattern occurs in each resample, shape (r, u).
    """
    raters = patterns.sum(1)
    differing = weights @ ((patterns * (raters[:, None] - patterns)).sum(1) / (raters - 1))
    totals = weights @ patterns
    n = totals.sum(1)
    return differing / n, (n**2 - (totals**2).sum(1)) / (n * (n - 1))


def _of_two(weights: Ints) -> tuple[Floats, Floats]:
    """Return the observed and the expected disagreement of κ, from flattened confusion matrices, shape (r, k · k)."""
    k = math.isqrt(weights.shape[1])
    confusions, n = weights.reshape(-1, k, k), weights.sum(1)
    by_chance = (confusions.sum(1) * confusions.sum(2)).sum(1)  # agreements, times n² to keep integers
    return (n - np.trace(confusions, axis1=1, axis2=2)) / n, (n**2 - by_chance) / n**2


def _coefficient(
    times: Ints, disagreement: Callable[[Ints], tuple[Floats, Floats]], resamples: int, rng: np.random.Generator
) -> Estimate:
    """Return κ or α, which are 1 - observed / expected disagreement, with its interval; see the module docstring.

    Args:
        times: Number of sentences of each kind, shape (u,).
        disagreement: Function from the counts of each kind, shape (r, u), to both disagreements, each of shape (r,).
        resamples: Number of resamples, r.
        rng: Random number generator.
    """

    def coefficient(weights: Ints) -> Floats:
        observed, expected = disagreement(weights)
        with np.errstate(invalid="ignore"):
            return np.asarray(1 - observed / expected)

    n = int(times.sum())
    if not n:
        return Estimate(None, None, None)
    (observed,), (expected,) = disagreement(times[None])
    if not expected:
        return Estimate(None, None, None)
    agreement = share_interval(np.array([(1 - observed) * n, n]))
    # With rare categories, the lower end would lie below what either coefficient can be.
    low, high = (max(-1.0, float(1 - (1 - end) / expected)) for end in agreement)
    return _estimate(times, coefficient, Interval(low, high), resamples, rng)


def _estimate(
    times: Ints, statistic: Callable[[Ints], Floats], closed: Interval, resamples: int, rng: np.random.Generator
) -> Estimate:
    """Return the value of a statistic, with the wider of the percentile and the closed interval.

    For the percentile interval see Efron and Tibshirani 1993, "An Introduction to the Bootstrap".

    Args:
        times: Number of sentences of each kind, shape (u,); resamples are drawn from these counts.
        statistic: Function from the counts of each kind in the resamples, shape (r, u), to their values, shape (r,).
        closed: The interval of the closed form.
        resamples: Number of resamples, r.
        rng: Random number generator.
    """
    draws = statistic(rng.multinomial(times.sum(), times / times.sum(), size=resamples))
    draws = draws[~np.isnan(draws)]
    drawn = [Interval(*np.percentile(draws, [2.5, 97.5]).tolist())] if len(draws) else []
    return Estimate(float(statistic(times[None])[0]), *widest([closed, *drawn]))
