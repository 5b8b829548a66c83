"""Run behaviour tests: basic cases, changes that must not affect the answer, and changes that must.

The tests follow CheckList (Ribeiro et al. 2020, "Beyond accuracy: behavioral testing of NLP models with CheckList",
https://aclanthology.org/2020.acl-main.442). A test file is JSON Lines with these fields:

- `text`, and the expected answer: `label`, or a list of labels of which any is right, or `claim` set to false for a
  sentence that makes no claim. A row of kind `mft` may have `attributed` alone, which is then the expected answer.
- `kind`: `mft` (minimum functionality: the answer must be right), `inv` (invariance: all sentences of a group must get
  the same answer) or `dir` (directional: the sentences of a group differ in a way that must change the answer).
- `group` (required for `inv` and `dir`), `construction` (results are listed by it) and `id`.
- `attributed`, the expected attribution; it is ignored if `attributed_sure` is false.

An answer is a label, or `no_claim` if the model predicts that the sentence makes no claim. A model that cannot tell the
attribution gives no right answer to a row that tests this alone.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from certainty.errors import CertaintyError
from certainty.evaluation.intervals import share_interval
from certainty.evaluation.metrics import expected_calibration_error
from certainty.evaluation.scorer import Scorer
from certainty.json_lines import read_json_lines
from certainty.labelled import LabelledSentence, as_row, items_of
from certainty.labels import LABELS, Label
from certainty.results import SentenceScore

KINDS = ("mft", "inv", "dir")
NO_CLAIM = "no_claim"
_ATTRIBUTION = {True: "attributed", False: "not attributed", None: "cannot tell"}


@dataclass(frozen=True)
class BehaviourRow:
    """One sentence of a behaviour test; the fields are described in the module docstring.

    Attributes:
        answers: The right answers; empty if only the attribution is tested.
    """

    text: str
    answers: tuple[str, ...]
    kind: str
    group: str = ""
    construction: str = ""
    id: str = ""
    attributed: bool | None = None


@dataclass(frozen=True)
class Behaviour:
    """Results of a model on behaviour tests.

    A SHARE is a dict with the counts `right` and `total`, `value`, and the 95 % Wilson interval `low` and `high`.

    Attributes:
        name: The model's name.
        right: SHARE of sentences with the right answer.
        by_answer: The same for each expected answer, a label or `no_claim`, of which no other would be right as well.
        by_construction: The same for each construction.
        inv_changed: SHARE of `inv` groups whose sentences get different answers; here `right` counts these groups.
        dir_right: SHARE of `dir` groups in which every answer is right.
        attributed: SHARE of sentences with the right attribution, among those with an expected attribution; of none if
            the model cannot tell.
        expected_calibration_error: That of the most probable label, over the sentences whose right answers are labels,
            in the bins of `certainty.evaluation.metrics.expected_calibration_error`: whether the calibration holds on
            sentences unlike those of dev. None without such sentences.
        failures: Sentences with a wrong answer and all sentences of changed `inv` groups: `id`, `kind`, `group`,
            `construction`, `text`, `expected`, `answer`, `probability`.
    """

    name: str
    right: Mapping[str, Any]
    by_answer: Mapping[str, Mapping[str, Any]]
    by_construction: Mapping[str, Mapping[str, Any]]
    inv_changed: Mapping[str, Any]
    dir_right: Mapping[str, Any]
    attributed: Mapping[str, Any]
    expected_calibration_error: float | None
    failures: Sequence[Mapping[str, Any]]

    def to_dict(self, text: bool = True) -> dict[str, Any]:
        """Return plain dicts and lists, ready for JSON.

        Args:
            text: Whether to include the text of the failures.
        """
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        failures = [{k: v for k, v in failure.items() if text or k != "text"} for failure in self.failures]
        return {**values, "failures": failures}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Behaviour:
        """Return the result from the output of `to_dict`.

        Raises:
            CertaintyError: the values are not those of a result by this version.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise CertaintyError(f"not a result of this version ({error}). Evaluate again.") from error

    def summary(self) -> str:
        """Return the results as plain text in aligned columns."""
        from certainty.evaluation.summary import behaviour_summary

        return behaviour_summary([self])


def read_behaviour(data: Any) -> list[BehaviourRow]:
    """Read behaviour tests and check them.

    Args:
        data: One or more paths of JSON Lines files, a list of rows, a DataFrame or a `datasets.Dataset`.

    Raises:
        CertaintyError: the data cannot be read, or a row is invalid.
    """
    rows: list[BehaviourRow] = []
    files: list[str] = []
    for where, item in items_of(data):
        if isinstance(item, (str, os.PathLike)):
            files.append(os.fspath(item))
            rows += [_parse(row, f"{item}, line {number}") for number, row in read_json_lines(files[-1])]
        else:
            rows.append(_parse(as_row(item) if isinstance(item, LabelledSentence) else item, where))
    if not rows:
        name = ", ".join(files) or "behaviour"
        raise CertaintyError(f"{name}: no behaviour tests found. Give rows with `text`, `label` and `kind`.")
    for kind in ("inv", "dir"):
        groups = [row.group for row in rows if row.kind == kind]
        if alone := next((group for group in groups if groups.count(group) == 1), None):
            raise CertaintyError(f"group {alone!r} has only one sentence of kind {kind}; give two or more to compare.")
    return rows


def evaluate_behaviour(classifier: Scorer, rows: Sequence[BehaviourRow], *, name: str = "model") -> Behaviour:
    """Score the sentences of behaviour tests and check the answers.

    Args:
        classifier: The classifier to evaluate.
        rows: The tests, as returned by `read_behaviour`.
        name: Name of the classifier in the result.
    """
    scores = classifier.score_sentences([row.text for row in rows])
    answers = [answer_of(score) for score in scores]
    right = [
        answer in row.answers if row.answers else score.attributed == row.attributed
        for answer, row, score in zip(answers, rows, scores, strict=True)
    ]
    groups = {kind: _groups(rows, kind) for kind in ("inv", "dir")}
    changed = {group for group, own in groups["inv"].items() if len({answers[i] for i in own}) > 1}
    both = [(row.attributed, score.attributed) for row, score in zip(rows, scores, strict=True)]
    return Behaviour(
        name=name,
        right=_share(right),
        by_answer={
            answer: _share([r for r, row in zip(right, rows, strict=True) if row.answers == (answer,)])
            for answer in (*(label.value for label in LABELS), NO_CLAIM)
        },
        by_construction={
            construction: _share([r for r, row in zip(right, rows, strict=True) if row.construction == construction])
            for construction in sorted({row.construction for row in rows})
        },
        inv_changed=_share([group in changed for group in groups["inv"]]),
        dir_right=_share([all(right[i] for i in own) for own in groups["dir"].values()]),
        attributed=_share([gold == given for gold, given in both if None not in (gold, given)]),
        expected_calibration_error=_calibration_error(rows, scores),
        failures=[
            _failure(row, answer, score)
            for row, answer, score, is_right in zip(rows, answers, scores, right, strict=True)
            if not is_right or (row.kind == "inv" and row.group in changed)
        ],
    )


def answer_of(score: SentenceScore) -> str:
    """Return the most probable label of a score, or `no_claim` if the sentence makes no claim."""
    if score.label is Label.NO_CLAIM:
        return NO_CLAIM
    return max(LABELS, key=score.probabilities.__getitem__).value


def _parse(row: Mapping[str, Any], where: str) -> BehaviourRow:
    text, kind = row.get("text"), row.get("kind")
    if not isinstance(text, str) or not text.strip():
        raise CertaintyError(f"{where}: text is {text!r}; give the sentence or delete the row.")
    if kind not in KINDS:
        raise CertaintyError(f"{where}: kind is {kind!r}. Allowed: {', '.join(KINDS)}.")
    if kind != "mft" and not row.get("group"):
        raise CertaintyError(f"{where}: a row of kind {kind} needs a `group`, shared by the sentences to compare.")
    sure = row.get("attributed_sure")  # None in a DataFrame, where other rows have it
    attributed = row.get("attributed") if sure is None or sure else None
    answers = (NO_CLAIM,) if row.get("claim") is False else _answers(row.get("label"), where)
    if not answers and (attributed is None or kind != "mft"):
        raise CertaintyError(f"{where}: label is missing; give one, or set claim to false.")
    names = {name: str(row.get(name) or "") for name in ("group", "construction", "id")}
    return BehaviourRow(text, answers, kind, attributed=None if attributed is None else bool(attributed), **names)


def _answers(given: Any, where: str) -> tuple[str, ...]:
    labels = given if isinstance(given, (list, tuple)) else [given] if given else []
    try:
        return tuple(NO_CLAIM if label == NO_CLAIM else Label.parse(label).value for label in labels)
    except CertaintyError as error:
        raise CertaintyError(f"{where}: label: {error}") from None


def _groups(rows: Sequence[BehaviourRow], kind: str) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        if row.kind == kind:
            groups.setdefault(row.group, []).append(i)
    return groups


def _calibration_error(rows: Sequence[BehaviourRow], scores: Sequence[SentenceScore]) -> float | None:
    probabilities, gold = [], []
    for row, score in zip(rows, scores, strict=True):
        labels = [i for i, label in enumerate(LABELS) if label.value in row.answers]
        if not labels or NO_CLAIM in row.answers:
            continue
        of_labels = [score.probabilities[label] for label in LABELS]
        best = int(np.argmax(of_labels))
        probabilities.append(of_labels)
        gold.append(best if best in labels else labels[0])
    return float(expected_calibration_error(gold, np.array(probabilities))) if gold else None


def _share(hits: Sequence[bool]) -> dict[str, Any]:
    right, total = sum(hits), len(hits)
    if not total:
        return {"right": 0, "total": 0, "value": None, "low": None, "high": None}
    low, high = share_interval(np.array([right, total]))
    return {"right": right, "total": total, "value": right / total, "low": low, "high": high}


def _failure(row: BehaviourRow, answer: str, score: SentenceScore) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "group": row.group,
        "construction": row.construction,
        "text": row.text,
        "expected": " or ".join(row.answers) or _ATTRIBUTION[bool(row.attributed)],
        "answer": answer if row.answers else _ATTRIBUTION[score.attributed],
        "probability": float(max(score.probabilities.values())),
    }
