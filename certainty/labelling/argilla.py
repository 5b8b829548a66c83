"""Argilla 2: the JSON formats of `Dataset.records.to_json` and `Settings.to_json`.

Argilla identifies annotators by the UUID of their account. Labels of annotators named by a UUID are written as
responses; other labels are written as suggestions, of which a record has only one per question.
https://docs.argilla.io/latest/how_to_guides/import_export/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from certainty.errors import CertaintyError
from certainty.json_lines import read_json_list, write_json_list
from certainty.labelled import LabelledSentence
from certainty.labelling.choices import (
    ATTRIBUTED,
    CATEGORIES,
    CUE,
    NOT_ATTRIBUTED,
    TITLES,
    attribution,
    category,
    labelled_sentence,
)
from certainty.labelling.columns import COLUMNS
from certainty.labelling.guideline import guideline
from certainty.labelling.rows import as_list, as_name, as_object, place
from certainty.labelling.tasks import Task
from certainty.labelling.tools import DRAFT, REJECTED, UNLABELLED, Imported
from certainty.labels import LABELS
from certainty.messages import shown

NEXT_STEPS = """In Python, with Argilla 2 as rg:
  1. dataset = rg.Dataset(NAME, settings=rg.Settings.from_json('{name}.settings.json'))
  2. dataset.create()
  3. dataset.records.from_json('{name}')
  4. When the labels are done, export them: python {name}.export.py NAME labelled.json
     Unlike dataset.records.to_json, this script records which answers are submitted, drafts or discarded."""
_MEND = "Write the file with the script NAME.export.py, or with `dataset.records.to_json(path)` of Argilla 2."
_SUBMITTED, _DISCARDED = "submitted", "discarded"
_EXPORT = '''"""Write the records of an Argilla dataset with the status of each answer. Written by certainty.

Usage: python FILE DATASET OUTPUT, with ARGILLA_API_URL and ARGILLA_API_KEY in the environment.
"""

import json
import sys


def export(records):
    rows = []
    for record in records:
        row = record.to_dict()
        row["responses"] = {}
        for response in record.responses:
            answer = {"value": response.value, "user_id": str(response.user_id), "status": response.status.value}
            row["responses"].setdefault(response.question_name, []).append(answer)
        rows.append(row)
    return rows


if __name__ == "__main__":
    import argilla

    dataset = argilla.Argilla().datasets(sys.argv[1])
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump(export(dataset.records(with_responses=True)), out, ensure_ascii=False, indent=1, default=str)
'''
_LABEL, _SECOND, _SOURCE, _CUES, _TEXT = "label", "second", "attribution", "cues", "text"
_QUESTIONS = (_LABEL, _SOURCE, _SECOND, _CUES)


def write(tasks: Iterable[Task], out: TextIO) -> None:
    """Write a JSON list of records.

    Raises:
        CertaintyError: a sentence has several labels by annotators that are not Argilla accounts.
    """
    write_json_list(map(_record, tasks), out)


def companions(name: str) -> dict[str, str]:
    """Return the settings of the dataset, including the guideline, and a script that exports the answers."""
    return {".settings.json": json.dumps(settings(), ensure_ascii=False, indent=2), ".export.py": _EXPORT}


def settings() -> dict[str, Any]:
    """Return the settings in the format of `argilla.Settings.from_json`."""

    def question(name: str, title: str, values: Iterable[str], required: bool) -> dict[str, Any]:
        options = [{"value": value, "text": TITLES[value], "description": None} for value in values]
        choice = {"type": "label_selection", "options": options, "visible_options": max(len(options), 3)}
        return {"name": name, "title": title, "description": None, "required": required, "settings": choice}

    cues = {
        "type": "span",
        "field": _TEXT,
        "allow_overlapping": True,
        "options": [{"value": CUE, "text": "Cue", "description": None}],
        "visible_options": None,
    }
    return {
        "guidelines": guideline(),
        "fields": [
            {
                "name": _TEXT,
                "title": "Sentence",
                "required": True,
                "description": None,
                "settings": {"type": "text", "use_markdown": False},
            }
        ],
        "questions": [
            question(_LABEL, "How is the main claim presented?", CATEGORIES, required=True),
            question(_SOURCE, "Is it attributed to a source?", (ATTRIBUTED, NOT_ATTRIBUTED), required=False),
            question(_SECOND, "Label of a second claim", (label.value for label in LABELS), required=False),
            {"name": _CUES, "title": "Cues", "description": None, "required": False, "settings": cues},
        ],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }


def read(path: Path, reviewed: bool = False) -> Imported:
    """Read a JSON export of records: one sentence for each submitted answer; suggestions are ignored.

    Args:
        path: The file.
        reviewed: Not used; Argilla keeps answers apart from suggestions.

    Raises:
        CertaintyError: the file is not an export of Argilla.
    """
    found = Imported("submit some answers in Argilla, and export again.")
    unsure = 0
    for n, record in enumerate(read_json_list(path, _MEND), 1):
        where = f"{path}, record {place(record.get('id'), n)}"
        if "fields" not in record:
            raise CertaintyError(f"{where}: has no `fields`, so it is not in the format of records.to_json. {_MEND}")
        with found.answer():
            responses = as_object(record.get("responses"), f"{where}: responses", _MEND)
            answers = _by_annotator(responses, where)
            found.left[UNLABELLED] += not answers
            # A record is no longer pending once an answer is submitted.
            closed = record.get("status") != "pending"
            for annotator, answer in answers.items():
                unsure += answer.status is None and (not closed or len(answers) > 1)
                status = answer.status or (None if closed else DRAFT)
                if status in (None, _SUBMITTED):
                    with found.answer():
                        found.sentences.append(_sentence(record, answer, annotator, f"{where}, annotator {annotator}"))
                else:
                    found.left[REJECTED if status == _DISCARDED else DRAFT] += 1
    if unsure:
        found.notes.append(
            f"{unsure} answers do not say whether they were submitted (those of pending records were left out); to "
            "identify drafts and discarded answers, write the file with the script from `certainty label export`."
        )
    return found


def _sentence(record: dict[str, Any], answer: _Answer, annotator: str, where: str) -> LabelledSentence:
    fields, metadata = (as_object(record.get(key), f"{where}: {key}", _MEND) for key in ("fields", "metadata"))
    given = answer.values
    spans = [span for spans in given.get(_CUES, []) for span in as_list(spans, f"{where}: cues", _MEND)]
    return labelled_sentence(
        where,
        fields.get(_TEXT),
        given.get(_LABEL, []),
        given.get(_SECOND, []),
        given.get(_SOURCE, []),
        [_span(span, where) for span in spans],
        identifier=record.get("id"),
        annotator=annotator,
        corpus=metadata.get("corpus"),
        group=metadata.get("group"),
        columns=metadata.get(COLUMNS),
    )


def _record(task: Task) -> dict[str, Any]:
    others = [sentence for sentence in task.labels if not _is_account(sentence.annotator)]
    if len(others) > 1:
        names = ", ".join(repr(sentence.annotator) for sentence in others)
        raise CertaintyError(
            f"id {task.id!r}: labels of {names}, which are not Argilla accounts; Argilla shows one suggestion per "
            "sentence. Export the rows of one annotator, or give --blank."
        )
    suggestions: dict[str, dict[str, Any]] = {}
    if task.prediction:
        guess = task.prediction
        suggestions = {
            name: {"value": value, "agent": guess.model, "score": guess.probability if name == _LABEL else None}
            for name, value in _values(guess.sentence).items()
        }
    for sentence in others:
        agent = sentence.annotator or "labels"
        suggestions = {n: {"value": v, "agent": agent, "score": None} for n, v in _values(sentence).items()}
    responses: dict[str, list[dict[str, Any]]] = {}
    for sentence in task.labels:
        if _is_account(sentence.annotator):
            for name, value in _values(sentence).items():
                responses.setdefault(name, []).append({"value": value, "user_id": sentence.annotator})
    return {
        "id": task.id,
        "fields": {_TEXT: task.text},
        "metadata": task.fields,
        "suggestions": suggestions,
        "responses": responses,
        "vectors": {},
    }


def _values(sentence: LabelledSentence) -> dict[str, Any]:
    values: dict[str, Any] = {_LABEL: category(sentence)}
    if sentence.attributed is not None:
        values[_SOURCE] = attribution(sentence)
    if sentence.second:
        values[_SECOND] = sentence.second.value
    if sentence.cues:
        values[_CUES] = [{"start": start, "end": end, "label": CUE} for start, end in sentence.cues]
    return values


def _is_account(annotator: str) -> bool:
    try:
        return str(uuid.UUID(annotator)) == annotator
    except ValueError:
        return False


@dataclass
class _Answer:
    """The values that one annotator gave, by question, and the status of the answer if the file has one."""

    values: dict[str, list[Any]] = field(default_factory=dict)
    status: str | None = None


def _by_annotator(responses: dict[str, Any], where: str) -> dict[str, _Answer]:
    """Return the answer of each annotator, including those to questions that certainty does not use."""
    answers: dict[str, _Answer] = {}
    for question, given in responses.items():
        for item in as_list(given, f"{where}: {question}", _MEND):
            response = as_object(item, f"{where}: {question}", _MEND)
            annotator = as_name(response.get("user_id"), f"{where}: {question}: user_id")
            answer = answers.setdefault(annotator, _Answer())
            answer.status = response.get("status") or answer.status
            if response.get("value") is not None:
                answer.values.setdefault(question, []).append(response["value"])
    others = [repr(question) for question in responses if question not in _QUESTIONS]
    if others and _LABEL not in responses:
        raise CertaintyError(
            f"{where}: answers {', '.join(others)}, but not {_LABEL!r}; use the settings written by certainty."
        )
    return answers


def _span(span: Any, where: str) -> tuple[Any, Any]:
    if not isinstance(span, dict) or span.get("label") != CUE:
        raise CertaintyError(f"{where}: span {shown(span)}; expected start, end and the label {CUE!r}.")
    return span.get("start"), span.get("end")
