"""Whether a model's integer engine may stand for its exact one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import certainty
from certainty.evaluation import metrics
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS
from certainty.model_folder import ModelSettings

LEAST_AGREEMENT = 0.995
LARGEST_DIFFERENCE = 0.003


def int8_comparison(folder: Path, dev: Sequence[LabelledSentence]) -> dict[str, Any]:
    """Compare the engines "onnx-int8" and "onnx" of a model folder on dev.

    Returns:
        `agreement` (share of sentences with the same label), `macro_f1_difference`, `largest_difference` (of a
        probability) and `as_good`: the agreement is at least `LEAST_AGREEMENT` and macro-F1 moves less than
        `LARGEST_DIFFERENCE`.
    """
    texts = [sentence.text for sentence in dev]
    exact, integer = (certainty.load(folder, engine).predict_proba(texts) for engine in ("onnx", "onnx-int8"))
    gold = np.array([LABELS.index(s.label) if s.label else -1 for s in dev])
    labelled = gold >= 0
    f1 = [metrics.macro_f1(gold[labelled], p[labelled].argmax(axis=1)) for p in (exact, integer)]
    agreement = float(np.mean(exact.argmax(axis=1) == integer.argmax(axis=1)))
    difference = float(f1[1] - f1[0])
    return {
        "agreement": round(agreement, 4),
        "macro_f1_difference": round(difference, 4),
        "largest_difference": round(float(np.abs(exact - integer).max()), 4),
        "as_good": agreement >= LEAST_AGREEMENT and abs(difference) < LARGEST_DIFFERENCE,
    }


def with_faster_engine(settings: ModelSettings, comparison: dict[str, Any]) -> ModelSettings:
    """Note the comparison in the settings, and make the integer engine the default where it is as good."""
    engine = "onnx-int8" if comparison["as_good"] else "onnx"
    return replace(settings, engine=engine, training={**(settings.training or {}), "int8": comparison})
