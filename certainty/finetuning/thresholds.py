"""Thresholds of the claim, attribution and cue heads, chosen on dev."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import certainty
from certainty import Label
from certainty.evaluation import metrics
from certainty.finetuning.calibration import best_threshold
from certainty.finetuning.features import IGNORED, Collator, SentenceFeatures
from certainty.labelled import LabelledSentence
from certainty.model_folder import ModelSettings
from certainty.modeling import CertaintyModel


def predict_logits(model: CertaintyModel, features: SentenceFeatures, pad_token_id: int) -> dict[str, Any]:
    """Return `label` (n, 4), `claim` (n,) and `attributed` (n,) logits."""
    collate = Collator(pad_token_id)
    parts = []
    for start in range(0, len(features), 64):
        batch = collate(features.rows[start : start + 64])
        parts.append(model.logits(batch["input_ids"], batch["attention_mask"]))
    return {name: np.concatenate([getattr(p, name) for p in parts]) for name in ("label", "claim", "attributed")}


def with_head_thresholds(settings: ModelSettings, logits: dict[str, Any], features: SentenceFeatures) -> ModelSettings:
    """Choose the thresholds of the claim and attribution heads by their F1 on dev."""
    for name, positive in (("claim", False), ("attributed", True)):
        gold = np.array([row[name] for row in features.rows])
        known = gold != IGNORED
        wanted = (gold[known] == 1.0) == positive
        if not wanted.any() or wanted.all():
            continue
        probabilities = 1 / (1 + np.exp(-logits[name][known].astype(np.float64)))

        def score(decided: NDArray[np.bool_], wanted: NDArray[np.bool_] = wanted, positive: bool = positive) -> float:
            return float(metrics.f1(metrics.binary_counts(wanted, decided == positive)))

        chosen = best_threshold(probabilities, score)
        settings = (
            replace(settings, claim_threshold=chosen)
            if name == "claim"
            else replace(settings, attributed_threshold=chosen)
        )
    return settings


def cue_threshold(folder: Path, settings: ModelSettings, dev: Sequence[LabelledSentence]) -> float:
    """Choose the cue threshold by the token-F1 on dev, through the very scoring that a user gets."""
    annotated = [s for s in dev if s.cues and s.label is not Label.ASSERTED]
    if not annotated:
        return settings.cue_threshold
    classifier = certainty.load(folder)

    def token_f1(threshold: float) -> float:
        scores = classifier.with_thresholds(cue=threshold, claim=1e-6).score_sentences([s.text for s in annotated])
        counts = [
            metrics.cue_counts(s.text, s.cues or (), [(c.start, c.end) for c in score.cues])
            for s, score in zip(annotated, scores, strict=True)
        ]
        return float(metrics.f1(np.array(counts)))

    return max((0.2, 0.3, 0.4, 0.5, 0.6), key=token_f1)
