"""doccano: JSONL for projects of the type "Intent Detection and Slot Filling", which have categories and spans.

Import and export format: `{"text": …, "cats": [category, …], "entities": [[start, end, label], …], …}`; all other
columns are kept as metadata. Exports of the types "Text Classification" and "Sequence Labeling" have `label` instead;
those with relations have objects for spans. Offsets count code points, as in Python (unless the project counts grapheme
clusters). An export is a zip archive of `all.jsonl`, or of one file per annotator.

doccano has no suggestions, so predictions fill the label fields. They are also stored in the column `predicted`, which
makes it possible to recognise answers that nobody changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any, TextIO

from certainty.documents.archives import opened_archive, read_member
from certainty.errors import CertaintyError
from certainty.json_lines import bounded_lines, parse_json_lines, read_json_lines
from certainty.labelled import LabelledSentence
from certainty.labelling.choices import COLOURS, CUE, FLAT, flat_choices, labelled_sentence, split_flat
from certainty.labelling.columns import COLUMNS, packed
from certainty.labelling.guideline import guideline
from certainty.labelling.rows import as_list
from certainty.labelling.tasks import Task
from certainty.labelling.tools import UNLABELLED, UNREVIEWED, Imported
from certainty.messages import shown
from certainty.reading import opening, read_bytes

NEXT_STEPS = """In doccano:
  1. Create a project "Intent Detection and Slot Filling" that allows overlapping spans and does not count grapheme
     clusters.
  2. Labels: import {name}.categories.json and {name}.spans.json.
  3. Dataset: import {name} (JSONL, columns text, cats, entities).
  4. Guideline: paste {name}.guideline.md.
  5. When the labels are done, export them as JSONL. If the tasks have predictions, tick `Export only approved
     documents` and import with --reviewed; otherwise answers that equal the prediction do not count as labels."""
_MEND = "Export from doccano as JSONL."
_KEYS = "apodnsx"
_CATS, _SPANS, _PREDICTED = "cats", "entities", "predicted"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")  # how archives begin; the second is empty
_ALL = "all"  # name of the file if annotators share their labels


def write(tasks: Iterable[Task], out: TextIO) -> None:
    """Write one line for each label of each task, in ASCII, since doccano may guess the encoding wrongly."""
    for task in tasks:
        for sentence in task.answers:
            out.write(json.dumps(_line(task, sentence)) + "\n")


def companions(name: str) -> dict[str, str]:
    """Return the label sets of categories and spans, and the guideline."""
    keys = dict(zip(FLAT, _KEYS, strict=False))
    categories = [_label(choice, keys.get(choice)) for choice in FLAT]
    return {
        ".categories.json": json.dumps(categories, indent=2),
        ".spans.json": json.dumps([_label(CUE, "c")], indent=2),
        ".guideline.md": guideline(),
    }


def read(path: Path, reviewed: bool = False) -> Imported:
    """Read a JSONL export, or a zip archive of JSONL files as exported by doccano.

    Lines with neither category nor span are not labelled yet and are left out.

    Args:
        path: The file.
        reviewed: Whether a person has reviewed all answers; if false, answers that equal the prediction are left out,
            because the file does not say whether anybody has seen them.

    Raises:
        CertaintyError: the file is not an export of doccano.
    """
    found = Imported(
        "label some in doccano and export again; if predictions were approved, export only approved documents and give "
        "--reviewed."
    )
    if not _is_zip(path):
        _read_lines(read_json_lines(path), str(path), "", found, reviewed)
        return found
    with opened_archive(read_bytes(path), str(path)) as archive:
        for member in archive.namelist():
            name, stem = f"{path}/{member}", Path(member).stem
            lines = bounded_lines(BytesIO(read_member(archive, member, name)), name)
            _read_lines(parse_json_lines(lines, name), name, "" if stem == _ALL else stem, found, reviewed)
    return found


def _is_zip(path: Path) -> bool:
    if not path.is_file():
        return False
    with opening(path), path.open("rb") as file:
        return file.read(len(_ZIPS[0])) in _ZIPS


def _read_lines(
    rows: Iterable[tuple[int, dict[str, Any]]], name: str, annotator: str, found: Imported, reviewed: bool
) -> None:
    for number, row in rows:
        where = f"{name}, line {number}"
        if "text" not in row or not {_CATS, _SPANS, "label"} & row.keys():
            raise CertaintyError(f"{where}: needs `text` and `cats`, `entities` or `label`. {_MEND}")
        with found.answer():
            given = {key: as_list(row.get(key), f"{where}: {key}", _MEND) for key in (_CATS, _SPANS, "label")}
            answers = [answer for values in given.values() for answer in values]
            if not answers:
                found.left[UNLABELLED] += 1
                continue
            categories = [answer for answer in answers if isinstance(answer, str)]
            spans = [_span(answer, where) for answer in answers if not isinstance(answer, str)]
            if not reviewed and row.get(_PREDICTED) == _fingerprint(categories, spans):
                found.left[UNREVIEWED] += 1
                continue
            label, second, source = split_flat(categories)
            found.sentences.append(
                labelled_sentence(
                    where,
                    row["text"],
                    label,
                    second,
                    source,
                    spans,
                    identifier=row.get("sentence_id") or row.get("id"),
                    annotator=row.get("annotator") or annotator,
                    corpus=row.get("corpus"),
                    group=row.get("group"),
                    columns=row.get(COLUMNS),
                )
            )


def _line(task: Task, sentence: LabelledSentence | None) -> dict[str, Any]:
    categories = flat_choices(sentence) if sentence else []
    cues = list(sentence.cues or ()) if sentence else []
    is_prediction = sentence is not None and not task.labels
    return {
        "text": task.text,
        _CATS: categories,
        _SPANS: [[start, end, CUE] for start, end in cues],
        # Write every column in every line, as a string: doccano turns a gap into a number that its database rejects.
        "sentence_id": task.id,  # `id` is doccano's own
        **{name: str(task.details.get(name, "")) for name in ("corpus", "group", "before", "after")},
        COLUMNS: packed(task.columns),
        "annotator": sentence.annotator if sentence else "",
        _PREDICTED: _fingerprint(categories, cues) if is_prediction else "",
    }


def _fingerprint(categories: Iterable[str], spans: Iterable[tuple[Any, Any]]) -> str:
    """Return categories and spans as one string that does not depend on their order."""
    return json.dumps([sorted(categories), sorted(map(list, spans), key=str)])


def _label(name: str, key: str | None) -> dict[str, Any]:
    colour = COLOURS.get(name, "#6c757d")
    return {"text": name, "prefix_key": None, "suffix_key": key, "background_color": colour, "text_color": "#000000"}


def _span(span: Any, where: str) -> tuple[Any, Any]:
    if isinstance(span, dict):  # from a project with relations
        span = [span.get("start_offset"), span.get("end_offset"), span.get("label")]
    if not isinstance(span, list) or len(span) != 3 or span[2] != CUE or not all(map(_is_offset, span[:2])):
        raise CertaintyError(f"{where}: span {shown(span)}; expected [start, end, {CUE!r}].")
    return span[0], span[1]


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
