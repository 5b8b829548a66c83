"""Argilla 2: the JSON of `Dataset.records.to_json` and of `Settings.to_json`.

Argilla knows annotators by the UUID of their account. Labels of such annotators are written as responses, any other as
suggestions, of which a record has one. https://docs.argilla.io/latest/how_to_guides/import_export/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from certainty.errors import CertaintyError
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
from certainty.labelling.guideline import guideline
from certainty.labelling.rows import as_list, as_object, read_json_list, write_json_list
from certainty.labelling.tasks import Task
from certainty.labelling.tools import Imported
from certainty.labels import LABELS

NEXT_STEPS = (
    "In Python: rg.Dataset(name, settings=rg.Settings.from_json('{name}.settings.json')), then dataset.create() and "
    "dataset.records.from_json('{name}'). Later dataset.records.to_json('labelled.json')."
)
_MEND = "Write the file with `dataset.records.to_json(path)` of Argilla 2."
_LABEL, _SECOND, _SOURCE, _CUES, _TEXT = "label", "second", "attribution", "cues", "text"
_QUESTIONS = (_LABEL, _SOURCE, _SECOND, _CUES)


def write(tasks: Iterable[Task], out: TextIO) -> None:
    """Write a JSON list of records.

    Raises:
        CertaintyError: a sentence has several labels whose annotators are no Argilla accounts.
    """
    write_json_list(map(_record, tasks), out)


def companions(name: str) -> dict[str, str]:
    """Return the settings of the dataset, with the guideline in them."""
    return {".settings.json": json.dumps(settings(), ensure_ascii=False, indent=2)}


def settings() -> dict[str, Any]:
    """Return the settings as `argilla.Settings.from_json` reads them."""

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


def read(path: Path) -> Imported:
    """Read a JSON export of records: a sentence for each annotator who responded. Suggestions are not read.

    Raises:
        CertaintyError: it is not such a file, or a response breaks the rules; the message names record and annotator.
    """
    sentences: list[LabelledSentence] = []
    skipped = 0
    for n, record in enumerate(read_json_list(path, _MEND), 1):
        where = f"{path}, record {record.get('id') or n}"
        fields, responses, metadata = (
            as_object(record.get(key), f"{where}: {key}", _MEND) for key in ("fields", "responses", "metadata")
        )
        answers = _by_annotator(responses, where)
        skipped += not answers
        for annotator, answer in answers.items():
            place = f"{where}, annotator {annotator}"
            sentences.append(
                labelled_sentence(
                    place,
                    fields.get(_TEXT),
                    answer.get(_LABEL, []),
                    answer.get(_SECOND, []),
                    answer.get(_SOURCE, []),
                    [
                        _span(span, place)
                        for spans in answer.get(_CUES, [])
                        for span in as_list(spans, f"{place}: cues", _MEND)
                    ],
                    identifier=record.get("id"),
                    annotator=annotator,
                    corpus=metadata.get("corpus"),
                    group=metadata.get("group"),
                )
            )
    return Imported(sentences, skipped)


def _record(task: Task) -> dict[str, Any]:
    others = [sentence for sentence in task.labels if not _is_account(sentence.annotator)]
    if len(others) > 1:
        names = ", ".join(repr(sentence.annotator) for sentence in others)
        raise CertaintyError(
            f"id {task.id!r}: labels of {names}, which are no Argilla accounts; Argilla shows one suggestion a "
            "sentence. Export one annotator's rows, or give --blank."
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
    metadata = {"corpus": task.corpus, "group": task.group}
    return {
        "id": task.id,
        "fields": {_TEXT: task.text},
        "metadata": {key: value for key, value in metadata.items() if value not in ("", None)},
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


def _by_annotator(responses: dict[str, Any], where: str) -> dict[str, dict[str, list[Any]]]:
    """Return the values of each annotator's answers by question."""
    answers: dict[str, dict[str, list[Any]]] = {}
    for question, given in responses.items():
        if question not in _QUESTIONS:
            raise CertaintyError(
                f"{where}: answers {question!r}, which is not in the settings that certainty writes "
                f"({', '.join(_QUESTIONS)}); use those settings."
            )
        for item in as_list(given, f"{where}: {question}", _MEND):
            response = as_object(item, f"{where}: {question}", _MEND)
            values = answers.setdefault(str(response.get("user_id") or ""), {}).setdefault(question, [])
            if response.get("value") is not None:
                values.append(response["value"])
    return answers


def _span(span: Any, where: str) -> tuple[Any, Any]:
    if not isinstance(span, dict) or span.get("label") != CUE:
        raise CertaintyError(f"{where}: span {span!r}; expected start, end and the label {CUE!r}.")
    return span.get("start"), span.get("end")
