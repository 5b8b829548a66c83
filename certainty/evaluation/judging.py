"""Scores of models on held-out sentences, judged beside baselines and beside each other."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty import CertaintyError, SentenceScore
from certainty.calibration import Calibration
from certainty.evaluation import figures
from certainty.evaluation.baselines import BASELINES, cross_validated
from certainty.evaluation.errors import errors_of
from certainty.evaluation.faithfulness import faithfulness_of_seeds
from certainty.evaluation.leakage import leaked
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
) -> Evaluation:
    """Judge a model on held-out sentences.

    Args:
        model: A classifier, or anything with its `score_sentences`; a folder; a name on the hub; None for the model
            that is shipped.
        data: Held-out sentences with labels: a path or several, a list of rows, a DataFrame or a `datasets.Dataset`,
            with `text` and `label` as for `certainty train`.
        train: What baselines are fitted on, and what is searched for held-out sentences, in any of these forms; None
            fits them by cross-validation on the held-out sentences.
        by: Columns whose values the figures are also given for.
        baselines: Whether to compare with baselines.
        faithfulness: Whether to measure how far the labels rest on the cues, see `certainty.evaluation.faithfulness`;
            it scores every sentence about twenty times.
        name: Name of the model in the result; None takes that of its folder.
        seed: Seed of the resamples, the permutations and the folds.

    Raises:
        CertaintyError: the model or the data cannot be used; the message says why, where and how to mend it.
    """
    classifiers = opened([model], [name] if name else None)
    return _evaluate_seeds(classifiers, data, train, by, baselines, faithfulness, seed)


def evaluate_seeds(
    models: Sequence[Model] | Mapping[str, Model],
    data: Any,
    *,
    train: Any = None,
    by: Sequence[str] = ("corpus",),
    baselines: bool = True,
    faithfulness: bool = False,
    seed: int = 0,
) -> Evaluation:
    """Judge models that are seeds of one recipe: values are means over them, and an interval is that of the mean.

    Args:
        models: The models, or the models by name; see `evaluate`.
        data: See `evaluate`, as are the other arguments, the result and the errors.
        train: The same.
        by: The same.
        baselines: The same.
        faithfulness: The same.
        seed: The same.
    """
    return _evaluate_seeds(by_name(models), data, train, by, baselines, faithfulness, seed)


def evaluate_splits(
    classifier: Scorer,
    splits: Mapping[str, Sequence[LabelledSentence]],
    train: Sequence[LabelledSentence],
    *,
    name: str = "model",
    seed: int = 0,
) -> dict[str, Evaluation]:
    """Do `evaluate` for several held-out sets; the baselines are fitted once.

    Raises:
        CertaintyError: a set does not have two labels.
    """
    for split, sentences in splits.items():
        _check(sentences, split)
    together = predict_baselines([s for sentences in splits.values() for s in sentences], train, seed=seed)
    results, start = {}, 0
    for split, sentences in splits.items():
        end = start + sum(sentence.label is not None for sentence in sentences)
        scores = scored({name: classifier}, sentences)
        own = {baseline: probabilities[start:end] for baseline, probabilities in together.items()}
        results[split] = judge(scores, sentences, own, [recorded_calibration(classifier)], train, seed=seed)
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
) -> Evaluation:
    """Judge the scores of one model, or of seeds of one recipe.

    Args:
        scores: For each model's name, one score for each sentence.
        sentences: The held-out sentences.
        baselines: What `predict_baselines` returns; may be empty.
        calibrations: Each model's, where it is known.
        train: What the baselines were fitted on; None for cross-validation.
        by: Columns to slice by.
        seed: Seed of the resamples and the permutations.

    Raises:
        CertaintyError: the sentences do not have two labels, or lack a column.
    """
    _check(sentences)
    logger.info("Figures of %s: intervals and tests.", ", ".join(scores))
    judged = [Judged.of(own, sentences) for own in scores.values()]
    gold = judged[0].gold
    sure = [i for i, sentence in enumerate(sentences) if not sentence.doubtful]
    doubtful = len(sentences) - len(sure)
    known = [calibration for calibration in calibrations if calibration is not None]
    return Evaluation(
        models=tuple(scores),
        data={
            "sentences": len(sentences),
            "claims": len(gold),
            "labels": {label.value: int((gold == i).sum()) for i, label in enumerate(LABELS)},
            "doubtful": doubtful,
            "in_train": None if train is None else len(leaked(train, sentences)),
            "detectable": figures.detectable(judged),
        },
        metrics=figures.headline(judged, seed),
        without_doubtful=figures.headline([_part(one, sure) for one in judged], seed) if doubtful and sure else None,
        per_class=figures.per_class(judged, seed),
        slices={column: figures.slices(judged, column, seed) for column in by},
        confusion=figures.confusion(judged),
        reliability=figures.reliability(judged),
        uncalibrated=figures.uncalibrated(judged, known, seed) if len(known) == len(judged) else None,
        risk_coverage=figures.risk_coverage(judged),
        baselines={name: figures.compared(judged, p, seed) for name, p in baselines.items()},
        baselines_fit="cross-validation" if train is None else "train",
        errors=errors_of(scores, sentences),
        seed=seed,
    )


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
    logger.info("Fitting the baselines on %s sentences.", f"{len(claims if train is None else train):,}")
    if train is None:
        return {name: cross_validated(make, claims, seed=seed) for name, make in BASELINES.items()}
    texts = [sentence.text for sentence in claims]
    return {name: make().fit(train).predict_proba(texts) for name, make in BASELINES.items()}


def faithfulness_of(classifiers: Mapping[str, Any], sentences: Sequence[LabelledSentence], seed: int) -> dict[str, Any]:
    """Measure whether the labels of seeds of one recipe rest on their cues."""
    logger.info("Scoring without the cues, with %s.", ", ".join(classifiers))
    return faithfulness_of_seeds(classifiers, sentences, seed=seed)


def _evaluate_seeds(
    classifiers: Mapping[str, Scorer],
    data: Any,
    train: Any,
    by: Sequence[str],
    baselines: bool,
    faithfulness: bool,
    seed: int,
) -> Evaluation:
    sentences = readable(data, by)
    known = None if train is None else read_labelled(train)
    scores = scored(classifiers, sentences)
    against = predict_baselines(sentences, known, seed=seed) if baselines else {}
    calibrations = [recorded_calibration(classifier) for classifier in classifiers.values()]
    result = judge(scores, sentences, against, calibrations, known, by, seed)
    return replace(result, faithfulness=faithfulness_of(classifiers, sentences, seed)) if faithfulness else result


def readable(data: Any, by: Sequence[str]) -> list[LabelledSentence]:
    """Read held-out data and check it before the long work."""
    sentences = read_labelled(data)
    _check(sentences, _named(data))
    for column in by:
        figures.column_values(sentences, column)
    return sentences


def scored(classifiers: Mapping[str, Scorer], sentences: Sequence[LabelledSentence]) -> dict[str, list[SentenceScore]]:
    """Score the sentences with each classifier."""
    scores = {}
    for name, classifier in classifiers.items():
        logger.info("Scoring %s sentences with %s.", f"{len(sentences):,}", name)
        scores[name] = classifier.score_sentences([sentence.text for sentence in sentences])
    return scores


def _part(judged: Judged, rows: Sequence[int]) -> Judged:
    scores, sentences = zip(*[judged.pairs[i] for i in rows], strict=True)
    return Judged.of(scores, sentences)


def _named(data: Any) -> str:
    paths = [data] if isinstance(data, (str, os.PathLike)) else data if isinstance(data, list) else []
    names = [os.fspath(path) for path in paths if isinstance(path, (str, os.PathLike))]
    return ", ".join(names) or "the held-out data"


def _check(sentences: Sequence[LabelledSentence], where: str = "the held-out data") -> None:
    labels = {sentence.label for sentence in sentences if sentence.label is not None}
    if not labels:
        raise CertaintyError(f"{where}: no sentence has a label. Allowed: {', '.join(LABELS)}.")
    if len(labels) < 2:
        raise CertaintyError(f"{where}: every label is {labels.pop()}; at least two different labels are needed.")
