"""Collect the sentences that models label wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from certainty import SentenceScore
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS


def errors_of(
    scores: Mapping[str, Sequence[SentenceScore]], sentences: Sequence[LabelledSentence]
) -> list[dict[str, Any]]:
    """Return the sentences that any model labels wrongly, most confident errors first; see `Evaluation.errors`."""
    errors = []
    for i, sentence in enumerate(sentences):
        if sentence.label is None:
            continue
        predictions = {name: _prediction(own[i]) for name, own in scores.items()}
        wrong = [p["probability"] for p in predictions.values() if p["label"] != sentence.label.value]
        if wrong:
            error = {
                "id": sentence.id,
                "corpus": sentence.corpus,
                "text": sentence.text,
                "gold": sentence.label.value,
                "gold_cues": [list(cue) for cue in sentence.cues or ()],
                "doubtful": sentence.doubtful,
                "predictions": predictions,
            }
            errors.append((max(wrong), error))
    return [error for _, error in sorted(errors, key=lambda pair: -pair[0])]


def _prediction(score: SentenceScore) -> dict[str, Any]:
    label = max(LABELS, key=score.probabilities.__getitem__)
    return {
        "label": label.value,
        "probability": float(score.probabilities[label]),
        "is_claim": score.is_claim,
        "cues": [[cue.start, cue.end] for cue in score.cues],
    }
