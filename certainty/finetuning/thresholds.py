"""Choose the thresholds of the claim, attribution and cue heads on dev."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty import Label
from certainty.evaluation import metrics
from certainty.finetuning.calibration import best_threshold
from certainty.finetuning.dev_logits import DevSentences
from certainty.finetuning.features import ANSWERS, EXAMPLES
from certainty.finetuning.verdict import missed_claims
from certainty.model_folder import ModelSettings
from certainty.scoring import SentenceLogits

__all__ = ["choose_thresholds"]

logger = logging.getLogger(__name__)

CUE_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)


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
        chosen |= _of_head("claim", settings, logits.claim, np.array(claims), positive=False)
    if "attributed" in heads:
        known = np.array([s.claim and s.attributed is not None for s in dev.sentences])
        attributed = np.array([bool(s.attributed) for s in dev.sentences])
        chosen |= _of_head("attributed", settings, logits.attributed[known], attributed[known], positive=True)
    if "cue" in heads and any(s.cues and s.label is not Label.ASSERTED for s in dev.sentences):
        chosen["cue_threshold"] = max(CUE_THRESHOLDS, key=lambda t: _cue_f1(t, settings, dev, logits))
    made = replace(settings, **chosen)
    if "claim" in made.heads:
        is_claim = 1 / (1 + np.exp(-logits.claim)) >= made.claim_threshold
        if told := missed_claims(is_claim, [s.claim for s in dev.sentences]):
            logger.warning("%s", told)
    return made


def _of_head(
    head: str, settings: ModelSettings, logits: NDArray[np.float64], gold: NDArray[np.bool_], positive: bool
) -> dict[str, float]:
    name, wanted = f"{head}_threshold", gold == positive
    rows = {False: int((~gold).sum()), True: int(gold.sum())}
    rarer = min(rows, key=rows.__getitem__)
    if rows[rarer] < EXAMPLES:
        if rows[rarer]:
            logger.warning(
                "dev has too few sentences %s (%d) to choose %s, which stays at %g; give at least %d.",
                *(ANSWERS[head, rarer], rows[rarer], name, getattr(settings, name), EXAMPLES),
            )
        return {}

    def f1(decided: NDArray[np.bool_]) -> float:
        return float(metrics.f1(metrics.binary_counts(wanted, decided == positive)))

    probabilities = 1 / (1 + np.exp(-logits))
    threshold = best_threshold(probabilities, f1)
    if f1(probabilities >= threshold) <= f1(np.full(len(gold), positive)):
        logger.warning(
            "On dev, no %s is better than the same answer for all sentences; it stays at %g.",
            *(name, getattr(settings, name)),
        )
        return {}
    return {name: threshold}


def _cue_f1(threshold: float, settings: ModelSettings, dev: DevSentences, logits: SentenceLogits) -> float:
    """Return the F1 of the cue words that a user would get, over sentences with gold cues."""
    tried = replace(settings, cue_threshold=threshold, claim_threshold=1e-6)
    counts = [
        metrics.cue_counts(s.text, s.cues, [(c.start, c.end) for c in score.cues])
        for s, score in zip(dev.sentences, dev.scores(logits, tried), strict=True)
        if s.cues and s.label is not Label.ASSERTED
    ]
    return float(metrics.f1(np.array(counts)))
