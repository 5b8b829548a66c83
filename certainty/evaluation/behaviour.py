"""Behaviour tests: what a model must get right, must not be moved by, and must notice.

After CheckList (Ribeiro et al. 2020, "Beyond accuracy: behavioral testing of NLP models with CheckList",
https://aclanthology.org/2020.acl-main.442). A file of them is JSON Lines of

- `text`, and what it must be: `label`, or `claim` false for a sentence that makes no claim;
- `kind`: `mft` (minimum functionality: a sentence that must be right), `inv` (invariance: all sentences of a group must
  get one answer) or `dir` (directional: sentences of a group that differ by a change that must change the answer);
- `group` (of `inv` and `dir`), `construction` (by which results are listed), `id`;
- `attributed`, and `attributed_sure` false where the guideline leaves it open.

An answer is the label, or `no_claim` where the model says that the sentence makes no claim.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from certainty.errors import CertaintyError
from certainty.evaluation.intervals import share_interval
from certainty.evaluation.scorer import Scorer
from certainty.json_lines import read_json_lines
from certainty.labels import LABELS, Label
from certainty.results import SentenceScore

KINDS = ("mft", "inv", "dir")
NO_CLAIM = "no_claim"


@dataclass(frozen=True)
class BehaviourRow:
    """One sentence of a behaviour test; see the module."""

    text: str
    answer: str
    kind: str
    group: str = ""
    construction: str = ""
    id: str = ""
    attributed: bool | None = None


@dataclass(frozen=True)
class Behaviour:
    """How a model behaves.

    A SHARE is a dict of `right` and `total` (counts), `value`, and `low` and `high`, its 95 % Wilson interval.

    Attributes:
        name: The model's name.
        right: SHARE of all sentences with the right answer.
        by_answer: The same by the answer that is right: a label, or `no_claim`.
        by_construction: The same by construction.
        inv_changed: SHARE of the `inv` groups whose sentences do not all get one answer; `right` counts those.
        dir_right: SHARE of the `dir` groups in which every answer is right.
        attributed: SHARE of the sentences with the right attribution, of those where it is sure.
        failures: Sentences with a wrong answer, and those of `inv` groups that change: `id`, `kind`, `group`,
            `construction`, `text`, `expected`, `answer`, `probability`.
    """

    name: str
    right: Mapping[str, Any]
    by_answer: Mapping[str, Mapping[str, Any]]
    by_construction: Mapping[str, Mapping[str, Any]]
    inv_changed: Mapping[str, Any]
    dir_right: Mapping[str, Any]
    attributed: Mapping[str, Any]
    failures: Sequence[Mapping[str, Any]]

    def to_dict(self, text: bool = True) -> dict[str, Any]:
        """Return plain dicts and lists, ready for JSON; without the text of any sentence, if so wished."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        failures = [{k: v for k, v in failure.items() if text or k != "text"} for failure in self.failures]
        return {**values, "failures": failures}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Behaviour:
        """Return the result whose `to_dict` this is."""
        return cls(**values)

    def summary(self) -> str:
        """Return the figures as plain text of aligned columns."""
        from certainty.evaluation.summary import behaviour_summary

        return behaviour_summary([self])


def read_behaviour(data: str | os.PathLike[str] | Iterable[Mapping[str, Any]]) -> list[BehaviourRow]:
    """Read behaviour tests from a file or rows, and check them.

    Raises:
        CertaintyError: it cannot be read, or a row is wrong; the message names place, value and mend.
    """
    if isinstance(data, (str, os.PathLike)):
        rows = [_parse(row, f"{data}, line {number}") for number, row in read_json_lines(os.fspath(data))]
    else:
        rows = [_parse(row, f"row {number}") for number, row in enumerate(data)]
    if not rows:
        raise CertaintyError(f"{data}: no behaviour test in it. It needs rows with `text`, `label` and `kind`.")
    for kind in ("inv", "dir"):
        groups = [row.group for row in rows if row.kind == kind]
        if alone := next((group for group in groups if groups.count(group) == 1), None):
            raise CertaintyError(f"group {alone!r} has one sentence of kind {kind}; give two or more to compare.")
    return rows


def evaluate_behaviour(classifier: Scorer, rows: Sequence[BehaviourRow], *, name: str = "model") -> Behaviour:
    """Score the sentences of behaviour tests and judge the answers.

    Args:
        classifier: What is judged.
        rows: What `read_behaviour` returns.
        name: Name of the classifier in the result.
    """
    scores = classifier.score_sentences([row.text for row in rows])
    answers = [answer_of(score) for score in scores]
    right = [answer == row.answer for answer, row in zip(answers, rows, strict=True)]
    groups = {kind: _groups(rows, kind) for kind in ("inv", "dir")}
    changed = {group for group, own in groups["inv"].items() if len({answers[i] for i in own}) > 1}
    sure = [(row.attributed, s.attributed) for row, s in zip(rows, scores, strict=True) if row.attributed is not None]
    return Behaviour(
        name=name,
        right=_share(right),
        by_answer={
            answer: _share([r for r, row in zip(right, rows, strict=True) if row.answer == answer])
            for answer in (*(label.value for label in LABELS), NO_CLAIM)
        },
        by_construction={
            construction: _share([r for r, row in zip(right, rows, strict=True) if row.construction == construction])
            for construction in sorted({row.construction for row in rows})
        },
        inv_changed=_share([group in changed for group in groups["inv"]]),
        dir_right=_share([all(right[i] for i in own) for own in groups["dir"].values()]),
        attributed=_share([gold == given for gold, given in sure]),
        failures=[
            _failure(row, answer, score)
            for row, answer, score, is_right in zip(rows, answers, scores, right, strict=True)
            if not is_right or (row.kind == "inv" and row.group in changed)
        ],
    )


def answer_of(score: SentenceScore) -> str:
    """Return the label of a score, or `no_claim` where it makes none."""
    return max(LABELS, key=score.probabilities.__getitem__).value if score.is_claim else NO_CLAIM


def _parse(row: Mapping[str, Any], where: str) -> BehaviourRow:
    text, kind = row.get("text"), row.get("kind")
    if not isinstance(text, str) or not text.strip():
        raise CertaintyError(f"{where}: text is {text!r}; give the sentence or delete the row.")
    if kind not in KINDS:
        raise CertaintyError(f"{where}: kind is {kind!r}. Allowed: {', '.join(KINDS)}.")
    if kind != "mft" and not row.get("group"):
        raise CertaintyError(f"{where}: a row of kind {kind} needs a `group`, the same for all that are compared.")
    if row.get("claim") is False or row.get("label") == NO_CLAIM:
        answer = NO_CLAIM
    elif row.get("label"):
        try:
            answer = Label.parse(row["label"]).value
        except CertaintyError as error:
            raise CertaintyError(f"{where}: label: {error}") from None
    else:
        raise CertaintyError(f"{where}: label is missing; give one, or set claim to false.")
    attributed = row.get("attributed") if row.get("attributed_sure", True) else None
    names = {name: str(row.get(name) or "") for name in ("group", "construction", "id")}
    return BehaviourRow(text, answer, kind, attributed=None if attributed is None else bool(attributed), **names)


def _groups(rows: Sequence[BehaviourRow], kind: str) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        if row.kind == kind:
            groups.setdefault(row.group, []).append(i)
    return groups


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
        "expected": row.answer,
        "answer": answer,
        "probability": float(max(score.probabilities.values())),
    }
