"""Collect the sentences that models label wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from certainty import SentenceScore
from certainty.evaluation.units import values_of
from certainty.labelled import LabelledSentence
from certainty.labels import Label


def errors_of(
    scores: Mapping[str, Sequence[SentenceScore]], sentences: Sequence[LabelledSentence], by: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the sentences that any model labels wrongly, most confident errors first; see `Evaluation.errors`.

    A label is wrong if it is not that of the sentence, where `no_claim` is a label like the others: other than in the
    metrics of labels, what counts is the label that the model returns, not the most probable of the four. A model that
    cannot tell claims is not wrong about a sentence without one.

    Args:
        scores: Scores of the sentences, by model name.
        sentences: The held-out sentences.
        by: Columns whose values are given with each error.
    """
    columns = {column: values_of(sentences, column) for column in by}
    errors = []
    for i, sentence in enumerate(sentences):
        gold = (sentence.label or Label.NO_CLAIM).value
        predictions = {name: _prediction(own[i]) for name, own in scores.items()}
        known = [p for p in predictions.values() if sentence.label or p["is_claim"] is not None]
        wrong = [p["probability"] for p in known if p["label"] != gold]
        if wrong:
            error = {
                "id": sentence.id,
                "corpus": sentence.corpus,
                "text": sentence.text,
                "gold": gold,
                "gold_cues": [list(cue) for cue in sentence.cues or ()],
                "doubtful": sentence.doubtful,
                "by": {column: values[i] for column, values in columns.items()},
                "predictions": predictions,
            }
            errors.append((max(wrong), error))
    return [error for _, error in sorted(errors, key=lambda pair: -pair[0])]


def _prediction(score: SentenceScore) -> dict[str, Any]:
    return {
        "label": score.label.value,
        "probability": float(score.probability),
        "is_claim": score.is_claim,
        "cues": [[cue.start, cue.end] for cue in score.cues],
    }
