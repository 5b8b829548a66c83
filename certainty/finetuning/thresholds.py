"""Choose the thresholds of the claim, attribution and cue heads on dev."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty import Label
from certainty.evaluation import metrics
from certainty.finetuning.calibration import best_threshold
from certainty.finetuning.dev_logits import DevSentences
from certainty.model_folder import ModelSettings
from certainty.scoring import SentenceLogits

__all__ = ["choose_thresholds"]

CUE_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)


def choose_thresholds(
    settings: ModelSettings, dev: DevSentences, logits: SentenceLogits, heads: Collection[str]
) -> ModelSettings:
    """Choose the thresholds that give the best F1 on dev; heads that dev cannot measure keep theirs.

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
        chosen |= _of_head("claim_threshold", logits.claim, np.array(claims), positive=False)
    if "attributed" in heads:
        known = np.array([s.claim and s.attributed is not None for s in dev.sentences])
        attributed = np.array([bool(s.attributed) for s in dev.sentences])
        chosen |= _of_head("attributed_threshold", logits.attributed[known], attributed[known], positive=True)
    if "cue" in heads and any(s.cues and s.label is not Label.ASSERTED for s in dev.sentences):
        chosen["cue_threshold"] = max(CUE_THRESHOLDS, key=lambda t: _cue_f1(t, settings, dev, logits))
    return replace(settings, **chosen)


def _of_head(name: str, logits: NDArray[np.float64], gold: NDArray[np.bool_], positive: bool) -> dict[str, float]:
    wanted = gold == positive
    if not wanted.any() or wanted.all():
        return {}

    def f1(decided: NDArray[np.bool_]) -> float:
        return float(metrics.f1(metrics.binary_counts(wanted, decided == positive)))

    return {name: best_threshold(1 / (1 + np.exp(-logits)), f1)}


def _cue_f1(threshold: float, settings: ModelSettings, dev: DevSentences, logits: SentenceLogits) -> float:
    """Return the F1 of the cue words that a user would get, over sentences with gold cues."""
    tried = replace(settings, cue_threshold=threshold, claim_threshold=1e-6)
    counts = [
        metrics.cue_counts(s.text, s.cues, [(c.start, c.end) for c in score.cues])
        for s, score in zip(dev.sentences, dev.scores(logits, tried), strict=True)
        if s.cues and s.label is not Label.ASSERTED
    ]
    return float(metrics.f1(np.array(counts)))
