"""Compare models on the same sentences and test whether they differ."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from certainty import CertaintyError, SentenceScore
from certainty.evaluation import metrics as m
from certainty.evaluation.behaviour import Behaviour, BehaviourRow, evaluate_behaviour, read_behaviour
from certainty.evaluation.errors import errors_of
from certainty.evaluation.held_out import check_seed, read_held_out
from certainty.evaluation.intervals import design_effect, detectable_difference, paired_interval, widest
from certainty.evaluation.judging import faithfulness_of, judge, predict_baselines, scored
from certainty.evaluation.known import MOST_TRAINED_ON, known_counts
from certainty.evaluation.metric_table import Judged, answers_of
from certainty.evaluation.models import Model, by_name, recorded_calibration
from certainty.evaluation.result import Comparison, Evaluation
from certainty.evaluation.scorer import Scorer
from certainty.evaluation.significance import paired_test, rival, shown_sign
from certainty.labelled import LabelledSentence, read_labelled

logger = logging.getLogger(__name__)


def compare(
    models: Sequence[Model] | Mapping[str, Model],
    data: Any = None,
    *,
    behaviour: Any = None,
    train: Any = None,
    by: Sequence[str] = ("corpus",),
    baselines: bool = True,
    faithfulness: bool = False,
    seed: int = 0,
    group_by: str | None = None,
) -> Comparison:
    """Evaluate models on the same sentences and test whether they differ.

    Args:
        models: The models, as a sequence or as a mapping from names; see `evaluate`. With one model there are no
            differences.
        data: Held-out sentences, see `evaluate`; may be None if `behaviour` is given.
        behaviour: Behaviour tests (see `certainty.evaluation.behaviour`): one or more paths, a list of rows, a
            DataFrame or a `datasets.Dataset`.
        train: See `evaluate`.
        by: See `evaluate`.
        baselines: See `evaluate`.
        faithfulness: See `evaluate`.
        seed: See `evaluate`.
        group_by: See `evaluate`.

    Raises:
        CertaintyError: as for `evaluate`, or neither `data` nor `behaviour` is given.
    """
    check_seed(seed)
    if data is None and behaviour is None:
        raise CertaintyError("nothing to evaluate on; give held-out data or behaviour tests.")
    tests = None if behaviour is None else read_behaviour(behaviour)
    sentences = None if data is None else read_held_out(data, by, group_by=group_by)
    known = None if train is None else read_labelled(train)
    classifiers = by_name(models)
    result = Comparison()
    if sentences is not None:
        result = _side_by_side(classifiers, sentences, known, by, baselines, faithfulness, seed, group_by)
    if tests is not None:
        result = replace(result, behaviour=tuple(_behaviour(classifiers, tests)))
    return result


def _side_by_side(
    classifiers: Mapping[str, Scorer],
    sentences: Sequence[LabelledSentence],
    train: Sequence[LabelledSentence] | None,
    by: Sequence[str],
    baselines: bool,
    faithfulness: bool,
    seed: int,
    group_by: str | None,
) -> Comparison:
    scores = scored(classifiers, sentences)
    against = predict_baselines(sentences, train, seed=seed, group_by=group_by) if baselines else {}
    seen = known_counts(classifiers, sentences, train)
    evaluations = []
    for name, own in scores.items():
        calibrations = [recorded_calibration(classifiers[name])]
        own_seen = {**seen, **{answer: {name: seen[answer][name]} for answer in ("trained_on", "chosen_on")}}
        one = judge({name: own}, sentences, against, calibrations, train, by, seed, group_by, own_seen)
        cues = faithfulness_of({name: classifiers[name]}, sentences, seed, group_by) if faithfulness else None
        evaluations.append(replace(one, errors=[], faithfulness=cues))
    found = [{**d, "better": better(d, evaluations)} for d in differences(scores, sentences, seed, group_by)]
    return Comparison(tuple(evaluations), found, errors_of(scores, sentences, by))


def better(difference: Mapping[str, Any], evaluations: Sequence[Evaluation]) -> str | None:
    """Return the name of the model that is better, or None.

    None means that it cannot be said: the interval or p allows that there is no difference, or the one that seems
    better was trained on more than `MOST_TRAINED_ON` of the sentences.
    """
    sign = shown_sign(*(difference[name] for name in ("value", "low", "high", "p_value")))
    name = difference["first" if sign > 0 else "second"] if sign else None
    known = (one.data["trained_on"].get(name) or 0 for one in evaluations if one.name == name)
    return name if all(n <= MOST_TRAINED_ON * evaluations[0].data["sentences"] for n in known) else None


def _behaviour(classifiers: Mapping[str, Scorer], tests: Sequence[BehaviourRow]) -> Iterator[Behaviour]:
    for name, classifier in classifiers.items():
        logger.info("Scoring %s behaviour tests with %s.", f"{len(tests):,}", name)
        yield evaluate_behaviour(classifier, tests, name=name)


def differences(
    scores: Mapping[str, Sequence[SentenceScore]],
    sentences: Sequence[LabelledSentence],
    seed: int = 0,
    group_by: str | None = None,
) -> list[dict[str, Any]]:
    """Compare each pair of models on the same sentences; see `Comparison.differences`.

    Args:
        scores: Scores of the sentences, by model name.
        sentences: The held-out sentences.
        seed: Seed for the resamples and the permutations.
        group_by: See `evaluate`.
    """
    judged = {name: Judged.of(own, sentences, group_by) for name, own in scores.items()}
    found = []
    for (first, one), (second, other) in combinations(judged.items(), 2):
        labels = one.gold, one.predicted, other.predicted, one.units
        right, given, units = answers_of(one)
        answers = right, given, answers_of(other)[1], units
        for name, metric, (gold, a, b, units) in (
            ("macro_f1", m.macro_f1, labels),
            ("accuracy", m.accuracy, labels),
            ("answer_accuracy", m.accuracy, answers),
        ):
            apart = (a == gold).astype(float) - (b == gold)
            effect = design_effect(apart, units)
            test = paired_test(rival(metric, gold, [a], b, units), seed=seed)
            interval = test.interval
            if metric is m.accuracy:  # of few rows that differ, the bootstrap says too much
                only = int((apart > 0).sum()), int((apart < 0).sum())
                interval = widest([interval, paired_interval(*only, len(gold), effect)])
            found.append(
                {
                    "metric": name,
                    "first": first,
                    "second": second,
                    "value": test.difference,
                    "low": interval.low,
                    "high": interval.high,
                    "p_value": test.p_value,
                    "differing": int((a != b).sum()),
                    "detectable": detectable_difference(float(np.abs(apart).sum()), len(gold), effect),
                }
            )
    return found
