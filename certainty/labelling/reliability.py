"""Settle disagreements by the reliability of the annotators: CROWDLAB (Goh, Tkachenko and Mueller 2022), with cleanlab.

https://arxiv.org/abs/2210.06812. An annotator weighs as much as they agree with the others, and a model has a weight of
its own, as much as its predictions agree with the annotators.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.labelling.annotators import Answers
from certainty.labelling.choices import CATEGORIES, category
from certainty.labels import LABELS

__all__ = ["category_probabilities", "most_reliable"]


def category_probabilities(texts: list[str], classifier: CertaintyClassifier) -> NDArray[np.float64]:
    """Return the model's probability of each of `CATEGORIES`, the four labels and no claim, shape (n, 5)."""
    result = np.zeros((len(texts), len(CATEGORIES)))
    for row, score in zip(result, classifier.score_sentences(texts), strict=True):
        # A model that cannot tell claims has no share in "no claim".
        claim = 1.0 if score.claim_probability is None else score.claim_probability
        row[: len(LABELS)] = [claim * score.probabilities[label] for label in LABELS]
        row[len(LABELS)] = 1 - claim
    return result


def most_reliable(table: Mapping[str, Answers], probabilities: NDArray[np.float64]) -> dict[str, str]:
    """Return the most reliable of the labels that were given to each sentence, by id; none if two are equally so.

    Args:
        table: The answers to each sentence, n of them, by its id.
        probabilities: Probability of each of `CATEGORIES` by a model, shape (n, 5).

    Raises:
        CertaintyError: cleanlab is missing, or no sentence has several annotators that agree.
    """
    needs("cleanlab", extra="label", user="certainty label merge --weighted")
    from cleanlab.multiannotator import get_label_quality_multiannotator

    annotators = sorted({name for row in table.values() for name in row})
    given = np.full((len(table), len(annotators)), np.nan)
    for i, row in enumerate(table.values()):
        for name, sentence in row.items():
            given[i, annotators.index(name)] = CATEGORIES.index(category(sentence))
    if not any(len(row) > len({category(s) for s in row.values()}) for row in table.values()):
        raise CertaintyError(
            "no sentence has two annotators that agree, so their reliability cannot be estimated; leave --weighted out."
        )
    found = get_label_quality_multiannotator(given, probabilities, return_annotator_stats=False, verbose=False)
    quality = found["detailed_label_quality"].to_numpy()
    chosen = {}
    for name, labels, own in zip(table, given, quality, strict=True):
        best = {int(label): float(q) for label, q in zip(labels, own, strict=True) if not math.isnan(label)}
        first, *others = sorted(best, key=best.__getitem__, reverse=True)
        if not others or best[first] > best[others[0]]:
            chosen[name] = CATEGORIES[first]
    return chosen
