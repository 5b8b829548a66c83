"""Judge models on held-out sentences, beside baselines: `certainty evaluate --model FOLDER --data FILE …`.

Label metrics count the sentences that have a gold label; the model's label is the most probable one, even where the
model says that the sentence makes no claim. Several models are taken as seeds of one recipe: values are means over
them, and an interval is that of the mean.

`evaluate` returns a dict that JSON can hold. A FIGURE is a dict of `value`, `low`, `high`, `sd`, `values` and `rows`,
see `certainty.evaluation.figures`.

- `seed`, `resamples`: of the bootstrap. `models`: their names.
- `data`: `sentences`, `claims`, `labels` {label: count}, `in_train` (sentences also in the training data, or None).
- `metrics`: FIGUREs `macro_f1`, `accuracy`, `ece`, `brier`, `aurc`, `accuracy_at_80`, `accuracy_at_90`, `cue_f1`,
  `attributed_f1`, `no_claim_f1`, `contrast_accuracy` and `contrast_groups` (share of groups with every label right).
- `per_class`: {label: `precision`, `recall`, `f1` (a FIGURE), `support`}.
- `per_corpus`: {corpus: `sentences`, `claims`, and FIGUREs `macro_f1`, `accuracy`, `ece`, `no_claim_f1`}.
- `confusion`: mean count of each gold (row) and predicted (column) label, in label order.
- `reliability`: list of `low`, `high`, `count`, `confidence`, `accuracy`, all models pooled.
- `uncalibrated`: `ece` and `brier` (FIGUREs) and `reliability` as they were before the calibration that the models'
  `certainty.json` records; None where one of them records none.
- `risk_coverage`: `coverage` and `risk`, mean over models.
- `baselines`: {name: `macro_f1` and `accuracy` (FIGUREs), `f1` {label: value}, `difference` (of macro-F1, model less
  baseline: `value`, `low`, `high`), `p_value` (one-sided, see `metrics.paired_bootstrap`)}.
- `baselines_fit`: "train" or "cross-validation" (five folds of the held-out sentences themselves).
- `errors`: the 50 wrong labels of the first model with the highest probability: `id`, `corpus`, `text`, `gold`,
  `predicted`, `probability`, `gold_cues`, `predicted_cues` (character spans). Only here does the result hold text;
  `metrics.json` leaves it out, so that it may be published where the sentences may not.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import certainty
from certainty import CertaintyError, SentenceScore
from certainty.calibration import Calibration
from certainty.evaluation import metrics
from certainty.evaluation.baselines import BASELINES, cross_validated
from certainty.evaluation.figures import (
    compared,
    gold_labels,
    headline,
    per_class,
    per_corpus,
    probabilities_of,
    uncalibrated,
)
from certainty.evaluation.leakage import leaked
from certainty.evaluation.report import summary, without_text, write_report
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS
from certainty.model_folder import ModelSettings

__all__ = [
    "evaluate",
    "evaluate_classifier",
    "evaluate_splits",
    "main",
    "predict_baselines",
    "recorded_calibration",
    "summary",
    "without_text",
    "write_report",
]

logger = logging.getLogger(__name__)

WORST_ERRORS = 50
_CURVE_POINTS = 200


class Scorer(Protocol):
    """What can be judged: a `CertaintyClassifier`, or anything with its `score_sentences`."""

    def score_sentences(self, sentences: Sequence[str], /) -> list[SentenceScore]:
        """Return one score for each sentence."""
        ...


def evaluate_classifier(
    classifier: Scorer,
    sentences: Sequence[LabelledSentence],
    train: Sequence[LabelledSentence] | None = None,
    *,
    name: str = "model",
    seed: int = 0,
) -> dict[str, Any]:
    """Score the sentences and judge the scores beside the baselines.

    Args:
        classifier: What is judged.
        sentences: The held-out sentences.
        train: What baselines are fitted on; None fits them by cross-validation on the held-out sentences.
        name: Name of the classifier in the report.
        seed: Of the bootstrap and the folds.

    Returns:
        See the module.

    Raises:
        CertaintyError: the sentences do not have two labels, or there is nothing to fit baselines on.
    """
    _check(sentences)
    scores = {name: classifier.score_sentences([sentence.text for sentence in sentences])}
    baselines = predict_baselines(sentences, train, seed=seed)
    return evaluate(scores, sentences, baselines, [recorded_calibration(classifier)], train=train, seed=seed)


def evaluate_splits(
    classifier: Scorer,
    splits: Mapping[str, Sequence[LabelledSentence]],
    train: Sequence[LabelledSentence],
    *,
    name: str = "model",
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Do `evaluate_classifier` for several held-out sets; the baselines are fitted once.

    Raises:
        CertaintyError: a set does not have two labels.
    """
    for split, sentences in splits.items():
        _check(sentences, split)
    together = predict_baselines([s for sentences in splits.values() for s in sentences], train, seed=seed)
    results, start = {}, 0
    for split, sentences in splits.items():
        end = start + sum(sentence.label is not None for sentence in sentences)
        scores = {name: classifier.score_sentences([sentence.text for sentence in sentences])}
        baselines = {baseline: probabilities[start:end] for baseline, probabilities in together.items()}
        calibrations = [recorded_calibration(classifier)]
        results[split] = evaluate(scores, sentences, baselines, calibrations, train=train, seed=seed)
        start = end
    return results


def predict_baselines(
    sentences: Sequence[LabelledSentence], train: Sequence[LabelledSentence] | None = None, *, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Fit each baseline on train, or by cross-validation where that is None, and predict the labelled sentences.

    Returns:
        For each name in `BASELINES`, probabilities of the sentences that have a label, shape (claims, 4).

    Raises:
        CertaintyError: there is nothing to fit on.
    """
    claims = [sentence for sentence in sentences if sentence.label is not None]
    if train is None:
        return {name: cross_validated(make, claims, seed=seed) for name, make in BASELINES.items()}
    logger.info("Fitting the baselines on %d sentences.", len(train))
    texts = [sentence.text for sentence in claims]
    return {name: make().fit(train).predict_proba(texts) for name, make in BASELINES.items()}


def recorded_calibration(classifier: object) -> Calibration | None:
    """Return the calibration that a classifier's settings record; None where they, or it, are missing."""
    settings = getattr(classifier, "settings", None)
    training = settings.training if isinstance(settings, ModelSettings) else None
    recorded = (training or {}).get("calibration")
    return Calibration(recorded["temperature"], tuple(recorded["bias"])) if recorded else None


def evaluate(
    scores: Mapping[str, Sequence[SentenceScore]],
    sentences: Sequence[LabelledSentence],
    baselines: Mapping[str, NDArray[np.float64]],
    calibrations: Sequence[Calibration | None] = (),
    *,
    train: Sequence[LabelledSentence] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Judge the scores of one or more models.

    Args:
        scores: For each model's name, one score for each sentence.
        sentences: The held-out sentences.
        baselines: What `predict_baselines` returns; may be empty.
        calibrations: Of each model, where it is known.
        train: What the baselines were fitted on; None for cross-validation.
        seed: Of the bootstrap.

    Returns:
        See the module.

    Raises:
        CertaintyError: the sentences do not have two labels.
    """
    _check(sentences)
    models = list(scores.values())
    gold = gold_labels(sentences)
    labelled = [[score for score, s in zip(m, sentences, strict=True) if s.label is not None] for m in models]
    probabilities = [probabilities_of(model) for model in labelled]
    confusions = [metrics.confusion_matrix(gold, p.argmax(1), len(LABELS)) for p in probabilities]
    known = [calibration for calibration in calibrations if calibration is not None]
    return {
        "seed": seed,
        "resamples": metrics.RESAMPLES,
        "models": list(scores),
        "data": {
            "sentences": len(sentences),
            "claims": len(gold),
            "labels": {label.value: int((gold == i).sum()) for i, label in enumerate(LABELS)},
            "in_train": None if train is None else len(leaked(train, sentences)),
        },
        "metrics": headline(models, sentences, seed),
        "per_class": per_class(gold, probabilities, seed),
        "per_corpus": per_corpus(models, sentences, seed),
        "confusion": np.mean(confusions, axis=0, dtype=float).tolist(),
        "reliability": metrics.reliability_bins(np.tile(gold, len(models)), np.concatenate(probabilities)),
        "uncalibrated": uncalibrated(gold, probabilities, known, seed) if len(known) == len(models) else None,
        "risk_coverage": _risk_coverage(gold, probabilities),
        "baselines": {name: compared(gold, probabilities, p, seed) for name, p in baselines.items()},
        "baselines_fit": "cross-validation" if train is None else "train",
        "errors": _errors(models[0], sentences),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="certainty evaluate",
        description="Judge models on held-out sentences, beside baselines.",
    )
    parser.add_argument("--model", nargs="+", required=True, metavar="FOLDER", help="models; several are seeds of one")
    parser.add_argument("--data", nargs="+", required=True, metavar="FILE", help="held-out sentences with labels")
    parser.add_argument("--train", nargs="+", metavar="FILE", help="what baselines are fitted on; else cross-validated")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="where metrics.json and index.html are put")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap and the folds")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        if options.seed < 0:
            raise CertaintyError(f"--seed is {options.seed}; give 0 or more.")
        if len(set(options.model)) < len(options.model):
            raise CertaintyError("--model names a folder twice; give each once.")
        sentences = read_labelled(options.data)
        _check(sentences, ", ".join(options.data))
        train = read_labelled(options.train) if options.train else None
        texts = [sentence.text for sentence in sentences]
        models = {folder: certainty.load(folder) for folder in options.model}
        scores = {folder: model.score_sentences(texts) for folder, model in models.items()}
        calibrations = [recorded_calibration(model) for model in models.values()]
        baselines = predict_baselines(sentences, train, seed=options.seed)
        result = evaluate(scores, sentences, baselines, calibrations, train=train, seed=options.seed)
        page = write_report(result, options.output)
    except CertaintyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(summary(result))
    print(f"\nReport: {page}")
    return 0


def _risk_coverage(gold: NDArray[np.int64], probabilities: Sequence[NDArray[np.float64]]) -> dict[str, list[float]]:
    curves = [metrics.risk_coverage(gold, p) for p in probabilities]
    points = np.unique(np.linspace(0, len(gold) - 1, _CURVE_POINTS).round().astype(int))
    return {
        "coverage": curves[0][0][points].tolist(),
        "risk": np.mean([risk for _, risk in curves], axis=0)[points].tolist(),
    }


def _errors(scores: Sequence[SentenceScore], sentences: Sequence[LabelledSentence]) -> list[dict[str, Any]]:
    predicted = [LABELS[i] for i in probabilities_of(scores).argmax(1)]
    wrong = [
        {
            "id": sentence.id,
            "corpus": sentence.corpus,
            "text": sentence.text,
            "gold": sentence.label.value,
            "predicted": label.value,
            "probability": float(score.probabilities[label]),
            "gold_cues": [list(cue) for cue in sentence.cues or ()],
            "predicted_cues": [[cue.start, cue.end] for cue in score.cues],
        }
        for label, score, sentence in zip(predicted, scores, sentences, strict=True)
        if sentence.label is not None and sentence.label is not label
    ]
    return sorted(wrong, key=lambda error: -error["probability"])[:WORST_ERRORS]


def _check(sentences: Sequence[LabelledSentence], where: str = "held-out data") -> None:
    labels = {sentence.label for sentence in sentences if sentence.label is not None}
    if not labels:
        raise CertaintyError(f"{where}: no sentence has a label. Allowed: {', '.join(LABELS)}.")
    if len(labels) < 2:
        raise CertaintyError(f"{where}: every label is {labels.pop()}; at least two different labels are needed.")


if __name__ == "__main__":
    sys.exit(main())
