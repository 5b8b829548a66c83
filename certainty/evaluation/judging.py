"""Evaluate models on held-out sentences and compare them with baselines."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty import CertaintyError, SentenceScore
from certainty.calibration import Calibration
from certainty.evaluation import figures
from certainty.evaluation.baselines import BASELINES, cross_validated, folds_of
from certainty.evaluation.errors import errors_of
from certainty.evaluation.faithfulness import faithfulness_of_seeds
from certainty.evaluation.held_out import check_labels, check_seed, read_held_out
from certainty.evaluation.known import known_counts
from certainty.evaluation.metric_table import Judged
from certainty.evaluation.models import Model, by_name, opened, recorded_calibration
from certainty.evaluation.result import Evaluation
from certainty.evaluation.scorer import Scorer
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS

logger = logging.getLogger(__name__)

Baselines = Mapping[str, NDArray[np.float64]]


def evaluate(
    model: Model,
    data: Any,
    *,
    train: Any = None,
    by: Sequence[str] = ("corpus",),
    baselines: bool = True,
    faithfulness: bool = False,
    name: str | None = None,
    seed: int = 0,
    group_by: str | None = None,
) -> Evaluation:
    """Evaluate a model on held-out sentences.

    Args:
        model: A classifier, or any object with its `score_sentences` method; a folder; a name on the hub; None for the
            shipped model.
        data: Held-out sentences with labels: one or more paths, a list of rows, a DataFrame or a `datasets.Dataset`,
            with `text` and `label` as for `certainty train`. Data whose columns have other names is read with
            `certainty.labelled.read_labelled`.
        train: Training data in any of these forms: baselines are fitted on it, and held-out sentences that are in it,
            or nearly the same as one there, are counted. If None, baselines are cross-validated on the held-out
            sentences.
        by: Columns to slice by; some metrics are also given for each of their values.
        baselines: Whether to compare with baselines.
        faithfulness: Whether to measure how far the labels depend on the cues (see
            `certainty.evaluation.faithfulness`); this scores every sentence about twenty times.
        name: Name of the model in the result; None for its folder or hub name.
        seed: Seed for the resamples, the permutations and the folds.
        group_by: Column whose rows are not independent, such as a document or an author: resamples, permutations and
            folds keep the rows with one value together. Rows of one `quad` or with one text are always kept together.

    Raises:
        CertaintyError: the model or the data cannot be used.
    """
    check_seed(seed)
    classifiers = opened([model], [name] if name else None)
    return _evaluate_seeds(classifiers, data, train, by, baselines, faithfulness, seed, group_by)


def evaluate_seeds(
    models: Sequence[Model] | Mapping[str, Model],
    data: Any,
    *,
    train: Any = None,
    by: Sequence[str] = ("corpus",),
    baselines: bool = True,
    faithfulness: bool = False,
    seed: int = 0,
    group_by: str | None = None,
) -> Evaluation:
    """Evaluate models trained in the same way with different seeds; values are means, with the interval of the mean.

    Args:
        models: The models, as a sequence or as a mapping from names; see `evaluate`.
        data: See `evaluate`.
        train: See `evaluate`.
        by: See `evaluate`.
        baselines: See `evaluate`.
        faithfulness: See `evaluate`.
        seed: See `evaluate`.
        group_by: See `evaluate`.

    Raises:
        CertaintyError: as for `evaluate`.
    """
    check_seed(seed)
    return _evaluate_seeds(by_name(models), data, train, by, baselines, faithfulness, seed, group_by)


def evaluate_splits(
    classifier: Scorer,
    splits: Mapping[str, Sequence[LabelledSentence]],
    train: Sequence[LabelledSentence],
    *,
    name: str = "model",
    seed: int = 0,
    group_by: str | None = None,
) -> dict[str, Evaluation]:
    """Run `evaluate` on several held-out sets, fitting the baselines only once; not all need the column `group_by`.

    Raises:
        CertaintyError: a set has fewer than two labels.
    """
    check_seed(seed)
    for split, sentences in splits.items():
        check_labels(sentences, split)
    together = predict_baselines([s for sentences in splits.values() for s in sentences], train, seed=seed)
    results, start = {}, 0
    for split, sentences in splits.items():
        end = start + sum(sentence.label is not None for sentence in sentences)
        scores = scored({name: classifier}, sentences)
        own = {baseline: probabilities[start:end] for baseline, probabilities in together.items()}
        calibrations, seen = [recorded_calibration(classifier)], known_counts({name: classifier}, sentences, train)
        results[split] = judge(scores, sentences, own, calibrations, train, seed=seed, group_by=group_by, seen=seen)
        start = end
    return results


def judge(
    scores: Mapping[str, Sequence[SentenceScore]],
    sentences: Sequence[LabelledSentence],
    baselines: Baselines,
    calibrations: Sequence[Calibration | None] = (),
    train: Sequence[LabelledSentence] | None = None,
    by: Sequence[str] = ("corpus",),
    seed: int = 0,
    group_by: str | None = None,
    seen: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Evaluate the scores of one model, or of several seeds of the same model.

    Args:
        scores: Scores of the sentences, by model name.
        sentences: The held-out sentences.
        baselines: Result of `predict_baselines`; may be empty.
        calibrations: Calibration of each model; None if unknown.
        train: Data that the baselines were fitted on; None for cross-validation.
        by: Columns to slice by.
        seed: Seed for the resamples and the permutations.
        group_by: See `evaluate`.
        seen: How many of the sentences are in train, and each model was trained and chosen on; see
            `certainty.evaluation.known.known_counts`.

    Raises:
        CertaintyError: the sentences do not have two labels, or lack a column.
    """
    check_labels(sentences)
    logger.info("Figures of %s: intervals and tests.", ", ".join(scores))
    judged = [Judged.of(own, sentences, group_by) for own in scores.values()]
    gold = judged[0].gold
    sure = [i for i, sentence in enumerate(sentences) if not sentence.doubtful]
    doubtful = len(sentences) - len(sure)
    known = [calibration for calibration in calibrations if calibration is not None]
    return Evaluation(
        models=tuple(scores),
        data={
            "sentences": len(sentences),
            "claims": len(gold),
            "units": len(gold) if judged[0].units is None else int(judged[0].units.max()) + 1,
            "labels": {label.value: int((gold == i).sum()) for i, label in enumerate(LABELS)},
            "doubtful": doubtful,
            **{"in_train": None, "trained_on": {}, "chosen_on": {}, **(seen or {})},
            "detectable": figures.detectable(judged),
        },
        metrics=figures.headline(judged, seed),
        without_doubtful=figures.headline([one.part(sure) for one in judged], seed) if doubtful and sure else None,
        per_class=figures.per_class(judged, seed),
        slices={column: figures.slices(judged, column, seed) for column in by},
        confusion=figures.confusion(judged),
        reliability=figures.reliability(judged),
        uncalibrated=figures.uncalibrated(judged, known, seed) if len(known) == len(judged) else None,
        risk_coverage=figures.risk_coverage(judged),
        baselines={name: figures.compared(judged, p, seed) for name, p in baselines.items()},
        baselines_fit="cross-validation" if train is None else "train",
        errors=errors_of(scores, sentences, by),
        seed=seed,
    )


def predict_baselines(
    sentences: Sequence[LabelledSentence],
    train: Sequence[LabelledSentence] | None = None,
    *,
    seed: int = 0,
    group_by: str | None = None,
    folds: Sequence[int] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Fit each baseline on train, or by cross-validation if train is None, and predict the labelled sentences.

    Args:
        sentences: The held-out sentences.
        train: The training sentences, or None.
        seed: Seed for the folds of a cross-validation.
        group_by: Column whose rows stay in one fold; see `evaluate`.
        folds: The fold of each sentence in a cross-validation; None to choose them.

    Returns:
        Probabilities of the sentences with a label, shape (claims, 4), for each name in `BASELINES`.

    Raises:
        CertaintyError: there is not enough data to fit on.
    """
    claims = [sentence for sentence in sentences if sentence.label is not None]
    logger.info("Fitting the baselines on %s sentences.", f"{len(claims if train is None else train):,}")
    if train is None:
        kept = [fold for fold, sentence in zip(folds or (), sentences, strict=False) if sentence.label is not None]
        parts = folds_of(claims, seed=seed, group_by=group_by) if folds is None else kept
        return {name: cross_validated(make, claims, parts) for name, make in BASELINES.items()}
    texts = [sentence.text for sentence in claims]
    return {name: make().fit(train).predict_proba(texts) for name, make in BASELINES.items()}


def faithfulness_of(
    classifiers: Mapping[str, Any], sentences: Sequence[LabelledSentence], seed: int, group_by: str | None
) -> dict[str, Any]:
    """Measure how far the labels of several seeds of the same model depend on the cues."""
    logger.info("Scoring without the cues, with %s.", ", ".join(classifiers))
    return faithfulness_of_seeds(classifiers, sentences, seed=seed, group_by=group_by)


def _evaluate_seeds(
    classifiers: Mapping[str, Scorer],
    data: Any,
    train: Any,
    by: Sequence[str],
    baselines: bool,
    faithfulness: bool,
    seed: int,
    group_by: str | None,
) -> Evaluation:
    sentences = read_held_out(data, by, group_by=group_by)
    known = None if train is None else read_labelled(train)
    scores = scored(classifiers, sentences)
    against = predict_baselines(sentences, known, seed=seed, group_by=group_by) if baselines else {}
    calibrations = [recorded_calibration(classifier) for classifier in classifiers.values()]
    seen = known_counts(classifiers, sentences, known)
    result = judge(scores, sentences, against, calibrations, known, by, seed, group_by, seen)
    cues = faithfulness_of(classifiers, sentences, seed, group_by) if faithfulness else None
    return replace(result, faithfulness=cues)


def scored(classifiers: Mapping[str, Scorer], sentences: Sequence[LabelledSentence]) -> dict[str, list[SentenceScore]]:
    """Score the sentences with each classifier.

    Raises:
        CertaintyError: a classifier does not return one score for each sentence.
    """
    scores = {}
    for name, classifier in classifiers.items():
        logger.info("Scoring %s sentences with %s.", f"{len(sentences):,}", name)
        scores[name] = classifier.score_sentences([sentence.text for sentence in sentences])
        if len(scores[name]) != len(sentences):
            raise CertaintyError(
                f"{name}: score_sentences returned {len(scores[name])} scores for {len(sentences)} sentences; it must "
                "return one for each."
            )
    return scores
