"""Apply label corrections that are stored separately from the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.json_lines import read_json_lines
from certainty.label_names import LabelNames
from certainty.labelled import LabelledSentence
from certainty.labelling.choices import category, needs_no_cues, parse_category
from certainty.labelling.tasks import sentence_id
from certainty.labels import Label, plain_name
from certainty.spreadsheets import without_guard
from certainty.tables import read_csv

KEEP = "keep"
"""Decision in an audit to keep the label."""


@dataclass(frozen=True)
class Correction:
    """One corrected label.

    Attributes:
        id: Id of the row; rows without one have the id that exports and audits give them.
        old: Current label of the row; None for no claim.
        new: Corrected label; None for no claim.
        annotator: Annotator of the row, if several labelled the sentence; None for the rows of all annotators.
        where: File and line, for error messages.
    """

    id: str
    old: Label | None
    new: Label | None
    annotator: str | None
    where: str


def apply_corrections(
    sentences: Sequence[LabelledSentence], path: str | Path, label_names: LabelNames | None = None
) -> list[LabelledSentence]:
    """Return the sentences with their labels corrected.

    Cues belong to a label, so those of a corrected sentence are dropped: it has no cues if the new label needs none
    (asserted, no claim), otherwise they are unknown.

    Args:
        sentences: The rows, as returned by `read_labelled`.
        path: JSONL with `id`, `old`, `new` and `reason` (and `annotator`, to correct only that annotator's row), or an
            audit file with its `decision` column filled in. Labels are the four labels and `no_claim`.
        label_names: Other names for labels.

    Raises:
        CertaintyError: the file is invalid, an id is unknown or corrected twice, or `old` is not the label of the row;
            the message names the line.
    """
    result = list(sentences)
    places: dict[str, list[int]] = {}
    for i, sentence in enumerate(result):
        places.setdefault(sentence_id(sentence.text, sentence.id), []).append(i)
    done: dict[int, str] = {}
    for correction in read_corrections(Path(path), label_names):
        rows = [
            i
            for i in places.get(correction.id, [])
            if correction.annotator is None or result[i].annotator == correction.annotator
        ]
        if not rows:
            by = "" if correction.annotator is None else f" of annotator {correction.annotator!r}"
            raise CertaintyError(
                f"{correction.where}: no row has the id {correction.id!r}{by}; check it or delete the line."
            )
        for i in rows:
            if i in done:
                raise CertaintyError(
                    f"{correction.where}: id {correction.id!r} is already corrected in {done[i]}; delete one."
                )
            if result[i].label is not correction.old:
                raise CertaintyError(
                    f"{correction.where}: old is {correction.old or Label.NO_CLAIM!s}, but the label of "
                    f"{correction.id!r} is {category(result[i])}; correct the line"
                    + (", or name the annotator whose row is meant." if len(rows) > 1 else " or delete it.")
                )
            done[i] = correction.where
            result[i] = _corrected(result[i], correction.new)
    return result


def read_corrections(path: Path, label_names: LabelNames | None = None) -> Iterator[Correction]:
    """Yield the corrections in a file; see `apply_corrections`.

    Args:
        path: The file.
        label_names: Other names for labels.

    Raises:
        CertaintyError: the file cannot be read, or a line is invalid.
    """
    rows: Iterable[tuple[int, dict[str, Any]]] = (
        read_csv(path) if path.suffix.lower() in (".csv", ".tsv") else read_json_lines(path)
    )
    for number, row in rows:
        where = f"{path}, line {number}"
        is_audit = "decision" in row
        names = ("id", "label", "decision") if is_audit else ("id", "old", "new", "reason")
        missing = [name for name in names if name not in row]
        if missing:
            raise CertaintyError(f"{where}: no {missing[0]!r}; a correction needs {', '.join(names)}.")
        if is_audit and plain_name(row["decision"]) in ("", None, KEEP):
            continue
        if not is_audit and not str(row["reason"] or "").strip():
            raise CertaintyError(f"{where}: reason is empty; say why the label is wrong.")
        old, new = (row[name] for name in names[1:3])
        yield Correction(
            id=without_guard(str(row["id"])),
            old=parse_category(old, f"{where}: {names[1]}", label_names),
            new=parse_category(new, f"{where}: {names[2]}", label_names),
            annotator=str(row["annotator"]) if row.get("annotator") else None,
            where=where,
        )


def _corrected(sentence: LabelledSentence, label: Label | None) -> LabelledSentence:
    name = label.value if label else Label.NO_CLAIM
    return replace(
        sentence,
        label=label,
        claim=label is not None,
        second=None if sentence.second is label else sentence.second,
        cues=() if label is None or needs_no_cues(name) else None,
    )
