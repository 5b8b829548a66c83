"""Merge the labels of several annotators by majority, and list the disagreements."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from certainty.errors import CertaintyError
from certainty.json_lines import read_json_lines
from certainty.label_names import LabelNames
from certainty.labelled import LabelledSentence
from certainty.labelling.annotators import Answers, Source, by_sentence
from certainty.labelling.choices import category, parse_category
from certainty.labelling.tasks import sentence_id
from certainty.messages import counted
from certainty.spreadsheets import without_guard
from certainty.tables import read_csv

DECISION = "decision"
"""Column in the list of disagreements that a third person fills in."""
_TOGETHER = ", "
_T = TypeVar("_T", bound=Hashable)
Weigh = Callable[[Mapping[str, Answers]], Mapping[str, str]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Merged:
    """Result of merging the labels of several annotators.

    Attributes:
        sentences: Sentences with a majority or a decision; `annotator` lists everybody who gave that label, or is
            "decision" if nobody did.
        disagreements: One row per sentence with different labels: `id`, `text`, the label of each annotator, `majority`
            (may be empty) and `decision` (to be filled in).
        annotators: Names of the annotators, sorted.
        open: Number of sentences without a majority or a decision.
        weighted: Number of sentences that were settled by the reliability of the annotators.
    """

    sentences: list[LabelledSentence]
    disagreements: list[dict[str, Any]]
    annotators: list[str]
    open: int
    weighted: int = 0

    @property
    def columns(self) -> list[str]:
        """Columns of `disagreements`."""
        return ["id", "text", *self.annotators, "majority", DECISION]


def merge(sources: Sequence[Source], decisions: Mapping[str, str] | None = None, weigh: Weigh | None = None) -> Merged:
    """Give each sentence the label of more than half of its annotators, or its decision if there is one.

    Attribution and second label are decided by majority among the annotators who gave the chosen label. The cues are
    those marked by most of them; ties go to the first annotator. A sentence is doubtful if any annotator says so. Its
    other columns are kept, but for those in which annotators differ; a warning names them.

    Args:
        sources: See `certainty.labelling.annotators.by_sentence`.
        decisions: Labels by id, as returned by `read_decisions`; they override the majority.
        weigh: Function from the answers by id to labels by id, which settle sentences that have neither; such as
            `certainty.labelling.reliability.most_reliable` with the probabilities of a model.

    Raises:
        CertaintyError: see `by_sentence`; or a decision has an unknown id or an unknown label.
    """
    decisions = decisions or {}
    table = {sentence_id(next(iter(row.values())).text, _id(row)): row for row in by_sentence(sources).values()}
    for name in decisions:
        if name not in table:
            raise CertaintyError(
                f"decision on {name!r}: no sentence has this id; use the list made from the same rows."
            )
    weights = weigh(table) if weigh else {}
    weighted = 0
    sentences: list[LabelledSentence] = []
    disagreements: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    for name, row in table.items():
        given = {annotator: category(sentence) for annotator, sentence in row.items()}
        majority = _majority(given.values())
        decided = decisions.get(name)
        if len(set(given.values())) > 1:
            open_row = {"id": name, "text": next(iter(row.values())).text, **given}
            disagreements.append({**open_row, "majority": majority or "", DECISION: decided or ""})
        chosen = decided or majority
        if not chosen and name in weights:
            chosen, weighted = weights[name], weighted + 1
        if chosen:
            sentences.append(_merged(row, name, chosen))
            left_out.update({column for s in row.values() for column in s.columns} - sentences[-1].columns.keys())
    for column, count in sorted(left_out.items()):
        logger.warning("Column %r is left out of %s in which annotators differ.", column, counted(count, "sentence"))
    annotators = sorted({annotator for row in table.values() for annotator in row})
    for item in disagreements:
        item.update({annotator: item.get(annotator, "") for annotator in annotators})
    return Merged(sentences, disagreements, annotators, len(table) - len(sentences), weighted)


def read_decisions(path: Path, label_names: LabelNames | None = None) -> dict[str, str]:
    """Read the decisions by id from a list of disagreements (CSV, TSV or JSON Lines), skipping rows without one.

    Args:
        path: The list.
        label_names: Other names for labels.

    Raises:
        CertaintyError: the file cannot be read, a column is missing, or a decision is not a label.
    """
    decisions: dict[str, str] = {}
    rows: Iterable[tuple[int, Mapping[str, Any]]] = (
        read_csv(path) if path.suffix.lower() in (".csv", ".tsv") else read_json_lines(path)
    )
    for number, row in rows:
        where = f"{path}, line {number}"
        for column in ("id", DECISION):
            if column not in row:
                raise CertaintyError(f"{where}: no {column!r}; use the file written by --disagreements.")
        if str(row[DECISION] or "").strip():
            label = parse_category(row[DECISION], f"{where}: {DECISION}", label_names)
            decisions[without_guard(str(row["id"]))] = category(LabelledSentence("", label, claim=label is not None))
    return decisions


def _id(row: Answers) -> str:
    return next((sentence.id for sentence in row.values() if sentence.id), "")


def _majority(values: Iterable[_T]) -> _T | None:
    """Return the value that more than half of the values have, or None."""
    counts = Counter(values)
    value, count = counts.most_common(1)[0]
    return value if 2 * count > counts.total() else None


def _most_common(values: Iterable[_T | None]) -> _T | None:
    """Return the most frequent of the values that are known; None if none is."""
    counts = Counter(value for value in values if value is not None)
    return counts.most_common(1)[0][0] if counts else None


def _shared_columns(row: Answers) -> dict[str, str]:
    """Return the other columns, such as the document, without those in which annotators differ, such as a remark."""
    given = [s.columns for s in row.values()]
    names = dict.fromkeys(name for columns in given for name in columns)
    values = {name: {columns[name] for columns in given if name in columns} for name in names}
    return {name: found.pop() for name, found in values.items() if len(found) == 1}


def _merged(row: Answers, name: str, chosen: str) -> LabelledSentence:
    label = parse_category(chosen, name)
    agreeing = {annotator: s for annotator, s in row.items() if s.label is label and s.claim == (label is not None)}
    first = replace(
        next(iter((agreeing or row).values())),
        id=name,
        columns=_shared_columns(row),
        doubtful=any(s.doubtful for s in row.values()),
    )
    if not agreeing:  # nobody gave the label that was decided on
        cues = () if label is None else None
        return replace(
            first,
            label=label,
            claim=label is not None,
            second=None,
            second_known=False,
            cues=cues,
            sources=None,
            annotator=DECISION,
        )
    seconds = [s.second for s in agreeing.values() if s.second or s.second_known]
    second = _majority(seconds) if seconds else None
    return replace(
        first,
        second=second,
        second_known=2 * seconds.count(second) > len(seconds),
        attributed=_majority(s.attributed for s in agreeing.values()),
        cues=_most_common(s.cues for s in agreeing.values()),
        sources=_most_common(s.sources for s in agreeing.values()),
        annotator=_TOGETHER.join(sorted(agreeing)),
    )
