"""Choose the thresholds of all heads on dev."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty import Label, SentenceScore
from certainty.evaluation import metrics
from certainty.finetuning.calibration import best_threshold
from certainty.finetuning.dev_logits import DevSentences
from certainty.finetuning.features import ANSWERS, EXAMPLES
from certainty.finetuning.verdict import missed_claims
from certainty.labelled import LabelledSentence
from certainty.model_folder import ModelSettings
from certainty.scoring import SentenceLogits

__all__ = ["choose_thresholds"]

logger = logging.getLogger(__name__)

CUE_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)
SOURCE_THRESHOLDS = (0.5, 0.3, 0.7, 0.1, 0.9, 0.01, 0.99)
"""The first of equally good ones is chosen."""
_EVERY_CLAIM = 1e-6  # as the threshold of claims

Counts = Callable[[LabelledSentence, SentenceScore], metrics.Array]


def choose_thresholds(
    settings: ModelSettings, dev: DevSentences, logits: SentenceLogits, heads: Collection[str]
) -> ModelSettings:
    """Choose the thresholds that give the best F1 on dev.

    A head keeps its threshold if dev has fewer than `features.EXAMPLES` sentences of one of its answers, or if no
    threshold is better than the same answer for all sentences. A warning is logged in these cases (unless dev has no
    sentence of the answer), and if the model then finds far too few claims.

    Args:
        settings: The settings to update.
        dev: The held-out sentences.
        logits: Calibrated logits of these sentences.
        heads: The heads trained by this run.

    Returns:
        A copy of the settings with the chosen thresholds.
    """
    chosen: dict[str, Any] = {}
    if "claim" in heads:
        claims = [s.claim for s in dev.sentences]
        chosen |= _of_head("claim", settings, logits.claim, np.array(claims), False, dev.name)
    if "attributed" in heads:
        known = np.array([s.claim and s.attributed is not None for s in dev.sentences])
        attributed = np.array([bool(s.attributed) for s in dev.sentences])
        chosen |= _of_head("attributed", settings, logits.attributed[known], attributed[known], True, dev.name)
    settings = replace(settings, **chosen)
    if "claim" in settings.heads:
        is_claim = 1 / (1 + np.exp(-logits.claim)) >= settings.claim_threshold
        if told := missed_claims(is_claim, [s.claim for s in dev.sentences], dev.name):
            logger.warning("%s", told)
    if "second" in heads:
        settings = _with_second_threshold(settings, dev, logits)

    def word_f1(tried: ModelSettings, counts: Counts, measured: list[bool]) -> float:
        """Return the F1 of the words that a user would get, over some of the sentences."""
        scores = dev.scores(logits, replace(tried, claim_threshold=_EVERY_CLAIM))
        rows = [counts(s, score) for s, score, wanted in zip(dev.sentences, scores, measured, strict=True) if wanted]
        return float(metrics.f1(np.array(rows)))

    cued = [bool(s.cues) and s.label is not Label.ASSERTED for s in dev.sentences]
    if "cue" in heads and any(cued):
        by_cue = [replace(settings, cue_threshold=threshold) for threshold in CUE_THRESHOLDS]
        settings = max(by_cue, key=lambda tried: word_f1(tried, _cue_counts, cued))
    sourced = [s.claim and s.source_known for s in dev.sentences]
    named = [s.source is not None for s, wanted in zip(dev.sentences, sourced, strict=True) if wanted]
    if "source" in heads and _are_enough("source", settings, named, dev.name):
        by_source = [replace(settings, source_threshold=threshold) for threshold in SOURCE_THRESHOLDS]
        settings = max(by_source, key=lambda tried: word_f1(tried, _source_counts, sourced))
    return settings


def _are_enough(head: str, settings: ModelSettings, gold: Iterable[bool], split: str) -> bool:
    """Return whether both answers are frequent enough to choose the threshold of a head; warn if one is rare."""
    counts = Counter(gold)
    rarer = min((False, True), key=counts.__getitem__)
    if 0 < counts[rarer] < EXAMPLES:
        name = f"{head}_threshold"
        logger.warning(
            "%s has too few sentences %s (%d) to choose %s, which stays at %g; give at least %d.",
            *(split, ANSWERS[head, rarer], counts[rarer], name, getattr(settings, name), EXAMPLES),
        )
    return counts[rarer] >= EXAMPLES


def _of_head(
    head: str,
    settings: ModelSettings,
    logits: NDArray[np.float64],
    gold: NDArray[np.bool_],
    positive: bool,
    split: str,
) -> dict[str, float]:
    name, wanted = f"{head}_threshold", gold == positive
    if not _are_enough(head, settings, gold.tolist(), split):
        return {}

    def f1(decided: NDArray[np.bool_]) -> float:
        return float(metrics.f1(metrics.binary_counts(wanted, decided == positive)))

    probabilities = 1 / (1 + np.exp(-logits))
    threshold = best_threshold(probabilities, f1)
    if f1(probabilities >= threshold) <= f1(np.full(len(gold), positive)):
        logger.warning(
            "On %s, no %s is better than the same answer for all sentences; it stays at %g.",
            *(split, name, getattr(settings, name)),
        )
        return {}
    return {name: threshold}


def _with_second_threshold(settings: ModelSettings, dev: DevSentences, logits: SentenceLogits) -> ModelSettings:
    every = dev.scores(logits, replace(settings, second_threshold=0.0, claim_threshold=_EVERY_CLAIM))
    known = [
        (s, score) for s, score in zip(dev.sentences, every, strict=True) if s.claim and (s.second or s.second_known)
    ]
    gold = [s.second if s.second is not s.label else None for s, _ in known]
    if not _are_enough("second", settings, [label is not None for label in gold], dev.name):
        return settings

    def f1(decided: NDArray[np.bool_]) -> float:
        shown = [score.second if is_shown else None for (_, score), is_shown in zip(known, decided, strict=True)]
        return float(metrics.f1(metrics.answer_counts(gold, shown)))

    probabilities = np.array([score.second_probability for _, score in known], dtype=np.float64)
    return replace(settings, second_threshold=best_threshold(probabilities, f1))


def _cue_counts(sentence: LabelledSentence, score: SentenceScore) -> metrics.Array:
    return metrics.cue_counts(sentence.text, sentence.cues or (), [(cue.start, cue.end) for cue in score.cues])


def _source_counts(sentence: LabelledSentence, score: SentenceScore) -> metrics.Array:
    gold = [sentence.source] if sentence.source else []
    return metrics.cue_counts(sentence.text, gold, [score.source[:2]] if score.source else [])
