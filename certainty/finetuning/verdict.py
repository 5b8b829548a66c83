"""Say what a finished model is worth: whether it is better than the one it started from, and than the baselines."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty import SentenceScore
from certainty.evaluation import Evaluation
from certainty.evaluation.comparing import differences
from certainty.evaluation.known import MOST_TRAINED_ON
from certainty.evaluation.metric_table import Judged, answers_of
from certainty.evaluation.metrics import accuracy, macro_f1
from certainty.evaluation.significance import PERMUTATIONS, shown_sign
from certainty.evaluation.wording import number, p_value
from certainty.labelled import LabelledSentence

__all__ = ["CROSS_VALIDATION", "against_initial", "compared_with_initial", "missed_claims", "no_better_than_baselines"]

CROSS_VALIDATION = "cross-validation"
"""Name of the evaluation of train, of which each sentence is scored by a model that was trained on the other folds."""

WORTHWHILE = 0.03
"""A difference in accuracy that a user would want to see."""

MORE_MISSED = 0.05
"""If one model calls so much more of the claims no_claim than the other, this is told; see `against_initial`."""

TOO_MANY = 0.2
"""Largest plausible excess of the predicted share of sentences without a claim over the share in the data."""


def no_better_than_baselines(evaluation: Mapping[str, Evaluation]) -> list[str]:
    """Return a sentence for each split on which a baseline has at least the macro-F1 of the model.

    Args:
        evaluation: The evaluation of each split.
    """
    told = []
    for split, result in evaluation.items():
        own = result.metrics["macro_f1"]["value"]
        baselines = {name: found["macro_f1"]["value"] for name, found in result.baselines.items()}
        better = {name: value for name, value in baselines.items() if value is not None and value >= (own or 0)}
        if better and own is not None:
            best = max(better, key=better.__getitem__)
            told.append(
                f"on {split}, the model is no better than the baseline {best!r}: its macro-F1 is {own:.3f}, that of "
                f"the baseline {better[best]:.3f}. Train on more sentences, for more epochs, or from the shipped model."
            )
    return told


def against_initial(
    split: str,
    new: Sequence[SentenceScore],
    initial: Sequence[SentenceScore],
    name: str,
    sentences: Sequence[LabelledSentence],
    group_by: str | None = None,
    *,
    in_train: Collection[str] = (),
    in_dev: Collection[str] = (),
    known_to_initial: Collection[str] = (),
) -> dict[str, Any]:
    """Compare a model with the one that it continues from, on the same held-out sentences.

    The labels of claims are compared, and the answers to all sentences, of which no_claim is one.

    Args:
        split: Name of the sentences.
        new: Scores of the sentences by the new model.
        initial: Scores by the initial model.
        name: Name of the initial model.
        sentences: The sentences.
        group_by: Column whose rows are not independent; see `certainty.evaluation.evaluate`.
        in_train: Texts that are in train, or nearly the same as one of it.
        in_dev: Texts on which the new model was chosen and calibrated.
        known_to_initial: Texts that the initial model was trained on.

    Returns:
        `split`, `claims`, `initial` (its name), `macro_f1` and `macro_f1_initial`, their `difference` with `low` and
        `high`, its `p_value`, `detectable` (the smallest difference in accuracy that so many claims can show),
        `claims_wanted` (about how many claims would show one of `WORTHWHILE`), the numbers of claims that are
        `in_train`, `known_to_initial`, or either (`trained_on`), `in_dev`, and that each model calls no_claim
        (`no_claim`, `no_claim_initial`; None for a model that cannot tell), `answers` (`rows`, `accuracy`,
        `accuracy_initial`, `difference`, `low`, `high` and `p_value` of the answers), and `verdict`: "better", "worse"
        or "undecided". A difference counts if both its interval and p exclude that the two are equal. The `reason` is
        None if that is so for the labels, or "answers" if it is so for the answers alone. It is undecided for one of
        these: "trained_on", if the model that seems better was trained on more than `MOST_TRAINED_ON` of the claims,
        or, where neither seems better, one of the two; "few_rows", if neither counts; "no_claim", if only the labels of
        the new model are better, and it calls `MORE_MISSED` more of the claims no_claim; "mixed", if labels and answers
        disagree.
    """
    both = Judged.of(new, sentences), Judged.of(initial, sentences)
    judging = [sentence.text for _, sentence in both[0].claims]
    values = [float(macro_f1(one.gold, one.predicted)) for one in both]
    found = {d["metric"]: d for d in differences({"new": new, "initial": initial}, sentences, group_by=group_by)}
    own, answers = found["macro_f1"], found["answer_accuracy"]
    right = [float(accuracy(*answers_of(one)[:2])) for one in both]
    result: dict[str, Any] = {
        "split": split,
        "claims": len(both[0].gold),
        "initial": name,
        "macro_f1": values[0],
        "macro_f1_initial": values[1],
        "difference": own["value"],
        "low": own["low"],
        "high": own["high"],
        "p_value": own["p_value"],
        "detectable": found["accuracy"]["detectable"],
        "claims_wanted": _claims_wanted(len(both[0].gold), found["accuracy"]["detectable"]),
        "in_train": sum(text in in_train for text in judging),
        "in_dev": sum(text in in_dev for text in judging),
        "known_to_initial": sum(text in known_to_initial for text in judging),
        "trained_on": sum(text in in_train or text in known_to_initial for text in judging),
        "no_claim": _called_no_claim(both[0]),
        "no_claim_initial": _called_no_claim(both[1]),
        "answers": {
            "rows": len(sentences),
            "accuracy": right[0],
            "accuracy_initial": right[1],
            "difference": answers["value"],
            **{name: answers[name] for name in ("low", "high", "p_value")},
        },
    }
    verdict, reason = _verdict(result)
    return {**result, "verdict": verdict, "reason": reason}


def _called_no_claim(judged: Judged) -> int | None:
    """Return how many of the claims the model calls no_claim, None if it cannot tell."""
    answers = [score.is_claim for score, _ in judged.claims]
    return None if None in answers else answers.count(False)


def _verdict(result: Mapping[str, Any]) -> tuple[str, str | None]:
    verdict, reason = _without_leaks(result)
    # What a model was trained on speaks for it, so that it does not help the other one.
    doubted = {"better": ["in_train"], "worse": ["known_to_initial"]}.get(verdict, ["trained_on"])
    if any(result[rows] > MOST_TRAINED_ON * result["claims"] for rows in doubted):
        return "undecided", "trained_on"
    return verdict, reason


def _without_leaks(result: Mapping[str, Any]) -> tuple[str, str | None]:
    labels, answers = _sign(result), _sign(result["answers"])
    if not labels and not answers:
        return "undecided", "few_rows"
    if labels * answers < 0:
        return "undecided", "mixed"
    if labels > 0 and not answers and _more_missed(result) > MORE_MISSED:
        return "undecided", "no_claim"
    return "better" if labels + answers > 0 else "worse", None if labels else "answers"


def _sign(difference: Mapping[str, Any]) -> int:
    return shown_sign(*(difference[name] for name in ("difference", "low", "high", "p_value")))


def _more_missed(result: Mapping[str, Any]) -> float:
    """Return how much more of the claims the new model calls no_claim, as a share; 0 if one of them cannot tell."""
    new, initial = (result.get(name) for name in ("no_claim", "no_claim_initial"))
    return 0.0 if new is None or initial is None else float((new - initial) / max(result["claims"], 1))


def compared_with_initial(result: Mapping[str, Any]) -> str:
    """Return the comparison of a model with the one that it continues from as plain sentences.

    Args:
        result: `training["against_initial"]` in the settings of the model, as in `certainty.json`.
    """
    split, initial, claims = result["split"], result["initial"], result["claims"]
    trained_on = result.get("trained_on", 0)
    alike = f"Its labels of claims cannot be told apart from those of {initial}"
    verdict = {
        "better": f"The new model is better than {initial}.",
        "worse": f"The new model is worse than {initial}; keep that one.",
        "better answers": f"{alike}, but the new model is better in its answers.",
        "worse answers": f"{alike}, but the new model is worse in its answers; keep that one.",
        "mixed": "Its labels of claims are {} than those of {}, and its answers {}; decide by what you need.".format(
            *("better", initial, "worse") if result["difference"] > 0 else ("worse", initial, "better")
        ),
        "few_rows": f"The new model and {initial} cannot be told apart with so many rows; differences in accuracy "
        f"under {number(result['detectable'])} cannot be detected. {_more_rows(result)}",
        "trained_on": f"These rows cannot show which model is better: {result.get('in_train', 0):,} of them are in "
        f"train, or nearly, and {initial} was trained on {result.get('known_to_initial', 0):,}; judge both on others.",
        "no_claim": f"Its labels are better than those of {initial}, but it finds fewer of the claims, so it is not "
        "better in every respect; decide by what you need.",
    }[_key(result)]
    if abs(_more_missed(result)) > MORE_MISSED:
        missed = f"The new model calls {result['no_claim']:,} of these claims no_claim, and {initial} "
        verdict = f"{missed}{result['no_claim_initial']:,}. {verdict}"
    if answers := result.get("answers"):
        verdict = (
            f"Of the answers to all {answers['rows']:,} rows, no_claim included, {number(answers['accuracy'])} are "
            f"right, and {number(answers['accuracy_initial'])} of those of {initial}: {_difference(answers)}. {verdict}"
        )
    told = [f"{trained_on:,} of these rows, or nearly the same ones, were trained on"] if trained_on else []
    in_dev = result.get("in_dev", 0)
    chosen = ["its checkpoint", "its calibration"] if split == "dev" or in_dev else []
    if result.get("share_is_chosen") and split in ("dev", CROSS_VALIDATION):
        chosen.append("its share of the initial weights")
    others = "; a cross-validation or test judges it on others" if split == "dev" else ""
    these = f"{in_dev:,} of these rows, which are in dev" if in_dev else "these rows"
    told += [f"optimistic: {', '.join(chosen)} chosen on {these}{others}"] if chosen else []
    noted = f" ({'; '.join(told)})" if told else ""
    return (
        f"On {claims} claims of {split}{noted}, macro-F1 is {number(result['macro_f1'])}, and "
        f"{number(result['macro_f1_initial'])} for {initial}: {_difference(result)}. {verdict}"
    )


def _key(result: Mapping[str, Any]) -> str:
    if result["verdict"] == "undecided":
        return result.get("reason") or "few_rows"
    return f"{result['verdict']} answers" if result.get("reason") == "answers" else str(result["verdict"])


def _difference(of: Mapping[str, Any]) -> str:
    value, low, high = (number(of[name], "+.3f") for name in ("difference", "low", "high"))
    return f"difference {value} ({low} to {high}), p {_p_value(of['p_value'])}"


def _p_value(value: float) -> str:
    told = p_value(value, PERMUTATIONS)
    return told if told.startswith("≤") else f"= {told}"


def _claims_wanted(claims: int, detectable: float) -> int:
    """Return about how many claims would show a difference in accuracy of `WORTHWHILE`; errors shrink with the root."""
    return math.ceil(claims * (detectable / WORTHWHILE) ** 2 / 10) * 10


def _more_rows(result: Mapping[str, Any]) -> str:
    wanted = result.get("claims_wanted", 0)
    if wanted <= result["claims"]:
        return "Label more held-out rows to know."
    return f"To know, label more held-out rows: about {wanted:,} claims show a difference in accuracy of {WORTHWHILE}."


def missed_claims(is_claim: NDArray[np.bool_], gold: Sequence[bool], split: str = "dev") -> str | None:
    """Return a sentence if the model finds far too few claims in the held-out sentences, or None.

    Args:
        is_claim: Whether the model takes each sentence for a claim.
        gold: Whether each sentence makes a claim.
        split: Name of the sentences.
    """
    found, real = 1 - float(np.mean(is_claim)), 1 - float(np.mean(gold))
    if found - real <= TOO_MANY:
        return None
    where = split if split == "train" else f"train and {split}"
    return (
        f"the model labels {found:.0%} of the sentences of {split} no_claim, but only {real:.0%} of them make no "
        f"claim; add sentences of both kinds to {where}."
    )
