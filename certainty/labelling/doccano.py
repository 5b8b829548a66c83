"""doccano: JSONL for a project of the type "Intent Detection and Slot Filling", which has categories and spans.

Format of import and export: `{"text": …, "cats": [category, …], "entities": [[start, end, label], …], …}`; every
further column is kept as meta data. Exports of the types "Text Classification" and "Sequence Labeling" have `label`
instead. Offsets count code points, as in Python (unless the project counts grapheme clusters).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from certainty.errors import CertaintyError
from certainty.labelled import LabelledSentence
from certainty.labelling.choices import COLOURS, CUE, FLAT, flat_choices, labelled_sentence, split_flat
from certainty.labelling.guideline import guideline
from certainty.labelling.rows import as_list, read_json_lines, write_json_lines
from certainty.labelling.tasks import Task
from certainty.labelling.tools import Imported

NEXT_STEPS = (
    'In doccano: create a project "Intent Detection and Slot Filling" that allows overlapping spans and does not count '
    "grapheme clusters, import {name}.categories.json and {name}.spans.json under Labels and {name} (JSONL, columns "
    "text, cats, entities) under Dataset, paste {name}.guideline.md under Guideline. Later export as JSONL."
)
_MEND = "Export from doccano as JSONL, without relations."
_KEYS = "apodnsx"


def write(tasks: Iterable[Task], out: TextIO) -> None:
    """Write a line for each label of each task. A prediction fills the same fields: doccano has no suggestions."""
    write_json_lines((_line(task, sentence) for task in tasks for sentence in task.answers), out)


def companions(name: str) -> dict[str, str]:
    """Return the label sets for categories and spans, and the guideline."""
    keys = dict(zip(FLAT, _KEYS, strict=False))
    categories = [_label(choice, keys.get(choice)) for choice in FLAT]
    return {
        ".categories.json": json.dumps(categories, indent=2),
        ".spans.json": json.dumps([_label(CUE, "c")], indent=2),
        ".guideline.md": guideline(),
    }


def read(path: Path) -> Imported:
    """Read a JSONL export; a line with neither category nor span is not labelled yet and is skipped.

    Raises:
        CertaintyError: it is not such a file, or a line breaks the rules; the message names the line.
    """
    sentences: list[LabelledSentence] = []
    skipped = 0
    for number, row in read_json_lines(path):
        where = f"{path}, line {number}"
        if "text" not in row or not {"cats", "entities", "label"} & row.keys():
            raise CertaintyError(f"{where}: needs `text` and `cats`, `entities` or `label`. {_MEND}")
        answers = [a for key in ("cats", "entities", "label") for a in as_list(row.get(key), f"{where}: {key}", _MEND)]
        categories = [answer for answer in answers if not isinstance(answer, (list, tuple))]
        spans = [answer for answer in answers if isinstance(answer, (list, tuple))]
        if not answers:
            skipped += 1
            continue
        label, second, source = split_flat(categories)
        sentences.append(
            labelled_sentence(
                where,
                row["text"],
                label,
                second,
                source,
                [_span(span, where) for span in spans],
                identifier=row.get("sentence_id", row.get("id")),
                annotator=row.get("annotator"),
                corpus=row.get("corpus"),
                group=row.get("group"),
            )
        )
    return Imported(sentences, skipped)


def _line(task: Task, sentence: LabelledSentence | None) -> dict[str, Any]:
    meta = {
        # `id` is doccano's own.
        "sentence_id": task.id,
        "corpus": task.corpus,
        "group": task.group,
        "annotator": sentence.annotator if sentence else "",
    }
    cues = (sentence.cues or ()) if sentence else ()
    return {
        "text": task.text,
        "cats": flat_choices(sentence) if sentence else [],
        "entities": [[start, end, CUE] for start, end in cues],
        **{key: value for key, value in meta.items() if value not in ("", None)},
    }


def _label(name: str, key: str | None) -> dict[str, Any]:
    colour = COLOURS.get(name, "#6c757d")
    return {"text": name, "prefix_key": None, "suffix_key": key, "background_color": colour, "text_color": "#000000"}


def _span(span: Any, where: str) -> tuple[Any, Any]:
    if len(span) != 3 or span[2] != CUE:
        raise CertaintyError(f"{where}: span {span!r}; expected [start, end, {CUE!r}].")
    return span[0], span[1]
