"""One label for each sentence that several annotators labelled: the majority's, and a list of what it leaves open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from certainty.errors import CertaintyError
from certainty.json_lines import read_json_lines
from certainty.labelled import LabelledSentence
from certainty.labelling.annotators import Answers, Source, by_sentence
from certainty.labelling.choices import category, parse_category
from certainty.labelling.tasks import sentence_id
from certainty.tables import read_csv

DECISION = "decision"
"""The column of a list of disagreements that a third person fills in."""
_TOGETHER = ", "
_T = TypeVar("_T", bound=Hashable)


@dataclass(frozen=True)
class Merged:
    """Sentences with one label each, and those that are left open.

    Attributes:
        sentences: The sentences that have a majority or a decision; the annotator names all who gave that label.
        disagreements: For each sentence with different labels `id`, `text`, the label of each annotator, `majority` (or
            empty) and `decision`, to be filled in.
        annotators: Who labelled, sorted.
        open: How many sentences have no majority and no decision.
    """

    sentences: list[LabelledSentence]
    disagreements: list[dict[str, Any]]
    annotators: list[str]
    open: int

    @property
    def columns(self) -> list[str]:
        """The columns of the disagreements."""
        return ["id", "text", *self.annotators, "majority", DECISION]


def merge(sources: Sequence[Source], decisions: Mapping[str, str] | None = None) -> Merged:
    """Give each sentence the label of more than half of its annotators, or the decision where there is one.

    Attribution and second label are those of the majority of who gave the label; the cues are those that most of them
    marked, the first annotator's where none are marked twice.

    Args:
        sources: See `certainty.labelling.annotators.by_sentence`.
        decisions: Labels by id, as `read_decisions` gives them; they win over the majority.

    Raises:
        CertaintyError: see `by_sentence`; or a decision names no sentence, or an unknown label.
    """
    decisions = decisions or {}
    table = {sentence_id(next(iter(row.values())).text, _id(row)): row for row in by_sentence(sources).values()}
    for name in decisions:
        if name not in table:
            raise CertaintyError(f"decision on {name!r}: no sentence has this id; take the list of the same rows.")
    sentences: list[LabelledSentence] = []
    disagreements: list[dict[str, Any]] = []
    for name, row in table.items():
        given = {annotator: category(sentence) for annotator, sentence in row.items()}
        majority = _majority(given.values())
        decided = decisions.get(name)
        if len(set(given.values())) > 1:
            open_row = {"id": name, "text": next(iter(row.values())).text, **given}
            disagreements.append({**open_row, "majority": majority or "", DECISION: decided or ""})
        chosen = decided or majority
        if chosen:
            sentences.append(_merged(row, name, chosen))
    annotators = sorted({annotator for row in table.values() for annotator in row})
    for item in disagreements:
        item.update({annotator: item.get(annotator, "") for annotator in annotators})
    return Merged(sentences, disagreements, annotators, len(table) - len(sentences))


def read_decisions(path: Path) -> dict[str, str]:
    """Return the decisions of a list of disagreements, CSV or JSON Lines, by id; rows without one are left out.

    Raises:
        CertaintyError: the file cannot be read, a column is missing, or a decision is no label.
    """
    decisions: dict[str, str] = {}
    rows: Iterable[tuple[int, Mapping[str, Any]]] = (
        read_csv(path) if path.suffix.lower() in (".csv", ".tsv") else read_json_lines(path)
    )
    for number, row in rows:
        where = f"{path}, line {number}"
        for column in ("id", DECISION):
            if column not in row:
                raise CertaintyError(f"{where}: no {column!r}; take the file that --disagreements writes.")
        if str(row[DECISION] or "").strip():
            label = parse_category(row[DECISION], f"{where}: {DECISION}")
            decisions[str(row["id"])] = category(LabelledSentence("", label, claim=label is not None))
    return decisions


def _id(row: Answers) -> str:
    return next((sentence.id for sentence in row.values() if sentence.id), "")


def _majority(values: Iterable[_T]) -> _T | None:
    """Return the value of more than half, or None."""
    counts = Counter(values)
    value, count = counts.most_common(1)[0]
    return value if 2 * count > counts.total() else None


def _merged(row: Answers, name: str, chosen: str) -> LabelledSentence:
    label = parse_category(chosen, name)
    agreeing = {annotator: s for annotator, s in row.items() if s.label is label and s.claim == (label is not None)}
    if not agreeing:  # a decision that nobody gave
        first = next(iter(row.values()))
        cues = () if label is None else None
        return replace(first, id=name, label=label, claim=label is not None, second=None, cues=cues, annotator=DECISION)
    first = next(iter(agreeing.values()))
    return replace(
        first,
        id=name,
        second=_majority(s.second for s in agreeing.values()),
        attributed=_majority(s.attributed for s in agreeing.values()),
        cues=Counter(s.cues for s in agreeing.values()).most_common(1)[0][0],
        annotator=_TOGETHER.join(sorted(agreeing)),
    )
