"""Choose the thresholds of all heads on dev."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
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

__all__ = ["choose_thresholds", "warn_of_rare_answers"]

logger = logging.getLogger(__name__)

CUE_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)
SOURCE_THRESHOLDS = (0.5, 0.3, 0.7, 0.1, 0.9, 0.01, 0.99)
"""The first of equally good ones is chosen."""
_EVERY_CLAIM = 1e-6  # as the threshold of claims

_GOLD: dict[str, Callable[[LabelledSentence], bool | None]] = {
    "claim": lambda s: s.claim,
    "attributed": lambda s: s.attributed if s.claim else None,
    "second": lambda s: s.second not in (None, s.label) if s.claim and (s.second or s.second_known) else None,
    "source": lambda s: s.source is not None if s.claim and s.source_known else None,
}
"""What a head with a threshold should answer for a sentence, None if that is unknown."""

Counts = Callable[[LabelledSentence, SentenceScore], metrics.Array]


def warn_of_rare_answers(
    sentences: Sequence[LabelledSentence], heads: Collection[str], settings: ModelSettings, split: str = "dev"
) -> None:
    """Log a warning for each head whose threshold `choose_thresholds` will keep because an answer is rare in dev.

    Args:
        sentences: The held-out sentences.
        heads: The heads to be trained.
        settings: The settings with the present thresholds.
        split: Name of the sentences.
    """
    for head in filter(heads.__contains__, _GOLD):
        answer, count = _rarer(head, sentences)
        if 0 < count < EXAMPLES:
            name = f"{head}_threshold"
            logger.warning(
                "%s has too few sentences %s (%d) to choose %s, which stays at %g; give at least %d.",
                *(split, ANSWERS[head, answer], count, name, getattr(settings, name), EXAMPLES),
            )


def choose_thresholds(
    settings: ModelSettings, dev: DevSentences, logits: SentenceLogits, heads: Collection[str]
) -> ModelSettings:
    """Choose the thresholds that give the best F1 on dev.

    A head keeps its threshold if dev has fewer than `features.EXAMPLES` sentences of one of its answers, or if no
    threshold is better than the same answer for all sentences. A warning is logged in the second case, and if the model
    then finds far too few claims.

    Args:
        settings: The settings to update.
        dev: The held-out sentences.
        logits: Calibrated logits of these sentences.
        heads: The heads trained by this run.

    Returns:
        A copy of the settings with the chosen thresholds.
    """
    chosen: dict[str, Any] = {}
    for head, logit, positive in (("claim", logits.claim, False), ("attributed", logits.attributed, True)):
        if head in heads and _are_enough(head, dev.sentences):
            answers = [_GOLD[head](s) for s in dev.sentences]
            known = np.array([answer is not None for answer in answers])
            gold = np.array(answers)[known].astype(bool)
            chosen |= _of_head(head, settings, logit[known], gold, positive, dev.name)
    settings = replace(settings, **chosen)
    if "claim" in settings.heads:
        is_claim = 1 / (1 + np.exp(-logits.claim)) >= settings.claim_threshold
        if told := missed_claims(is_claim, [s.claim for s in dev.sentences], dev.name):
            logger.warning("%s", told)
    if "second" in heads and _are_enough("second", dev.sentences):
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
    if "source" in heads and _are_enough("source", dev.sentences):
        sourced = [s.claim and s.source_known for s in dev.sentences]
        by_source = [replace(settings, source_threshold=threshold) for threshold in SOURCE_THRESHOLDS]
        settings = max(by_source, key=lambda tried: word_f1(tried, _source_counts, sourced))
    return settings


def _rarer(head: str, sentences: Sequence[LabelledSentence]) -> tuple[bool, int]:
    """Return the rarer of the two answers of a head, and its number."""
    gold = [answer for s in sentences if (answer := _GOLD[head](s)) is not None]
    return min(((answer, gold.count(answer)) for answer in (False, True)), key=lambda found: found[1])


def _are_enough(head: str, sentences: Sequence[LabelledSentence]) -> bool:
    return _rarer(head, sentences)[1] >= EXAMPLES


def _of_head(
    head: str,
    settings: ModelSettings,
    logits: NDArray[np.float64],
    gold: NDArray[np.bool_],
    positive: bool,
    split: str,
) -> dict[str, float]:
    name, wanted = f"{head}_threshold", gold == positive

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
