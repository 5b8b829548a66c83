"""Label Studio: JSON tasks with annotations and predictions, and the labelling configuration.

Formats: https://labelstud.io/guide/task_format, https://labelstud.io/guide/predictions,
https://labelstud.io/guide/export. Offsets count code points, as in Python (Label Studio 1.5 and later). The id of the
sentence is in the field `sentence_id`, because JSON-MIN overwrites a field `id` with the number of the task.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from xml.sax.saxutils import quoteattr

from certainty.errors import CertaintyError
from certainty.json_lines import read_json_list, write_json_list
from certainty.labelled import LabelledSentence
from certainty.labelling.choices import (
    ATTRIBUTED,
    CATEGORIES,
    COLOURS,
    CUE,
    NOT_ATTRIBUTED,
    TITLES,
    attribution,
    category,
    labelled_sentence,
)
from certainty.labelling.columns import COLUMNS
from certainty.labelling.guideline import guideline
from certainty.labelling.rows import as_list, as_object, place
from certainty.labelling.tasks import Task
from certainty.labelling.tools import DRAFT, REJECTED, UNLABELLED, UNREVIEWED, Imported
from certainty.labels import LABELS
from certainty.messages import shown
from certainty.tables import read_csv

NEXT_STEPS = """In Label Studio:
  1. Create a project.
  2. Settings > Labeling Interface > Code: paste {name}.config.xml.
  3. Settings > Instructions: paste {name}.guideline.md.
  4. Import {name}.
  5. When the labels are done, export them as JSON, which contains more than JSON-MIN, CSV and TSV."""
_MEND = "Export the project from Label Studio as JSON, JSON-MIN, CSV or TSV."
_LABEL, _SECOND, _SOURCE, _CUES, _TEXT = "label", "second", "attribution", "cues", "text"
_BLANKS = re.compile(r"\s|\\n")


def write(tasks: Iterable[Task], out: TextIO) -> None:
    """Write a JSON list of tasks: labels as annotations, predictions as predictions."""
    write_json_list(map(_task, tasks), out)


def companions(name: str) -> dict[str, str]:
    """Return the labelling configuration and the guideline."""
    return {".config.xml": config(), ".guideline.md": guideline()}


def config() -> str:
    """Return the labelling configuration, with choices of label, attribution and second label, and cue spans."""

    def choices(name: str, title: str, values: Iterable[str], required: bool) -> str:
        options = "\n".join(f"    <Choice value={quoteattr(v)} hint={quoteattr(TITLES[v])}/>" for v in values)
        rule = ' required="true" requiredMessage="Choose a label."' if required else ""
        return (
            f"  <Header value={quoteattr(title)}/>\n"
            f'  <Choices name="{name}" toName="{_TEXT}" choice="single" showInline="true"{rule}>\n'
            f"{options}\n  </Choices>"
        )

    return "\n".join(
        (
            "<View>",
            '  <Header value="How does the sentence commit itself to its main claim?"/>',
            f'  <Labels name="{_CUES}" toName="{_TEXT}">',
            f'    <Label value="{CUE}" background="{COLOURS[CUE]}" hotkey="c"/>',
            "  </Labels>",
            f'  <Text name="{_TEXT}" value="$text" granularity="symbol"/>',
            choices(_LABEL, "The main claim is presented as", CATEGORIES, required=True),
            choices(_SOURCE, "Its source", (ATTRIBUTED, NOT_ATTRIBUTED), required=False),
            choices(_SECOND, "A second claim with another label", (label.value for label in LABELS), required=False),
            "</View>\n",
        )
    )


def read(path: Path, reviewed: bool = False) -> Imported:
    """Read an export (JSON, JSON-MIN, CSV or TSV); each submitted annotation becomes a sentence.

    Cancelled annotations and drafts are left out.

    Args:
        path: The file.
        reviewed: Whether a person has reviewed all annotations; if false, annotations that were created from
            predictions, and that nobody opened, are left out.

    Raises:
        CertaintyError: the file is not an export of Label Studio.
    """
    found = Imported("label some in Label Studio and export again.")
    if path.suffix.lower() in (".csv", ".tsv"):
        for line, row in read_csv(path):
            _read_flat(row, f"{path}, line {line}", found, reviewed)
        return _with_note(found)
    for n, task in enumerate(read_json_list(path, _MEND), 1):
        where = f"{path}, task {place(task.get('id'), n)}"
        if "annotations" in task:
            with found.answer():
                _read_task(task, where, found, reviewed)
        else:
            _read_flat(task, where, found, reviewed)
    return _with_note(found)


def _with_note(found: Imported) -> Imported:
    if found.left[UNREVIEWED]:
        found.notes.append(
            "annotations created from predictions (in JSON-MIN, CSV and TSV: those without a `lead_time`) may not have "
            "been seen by anybody and were left out; give --reviewed if a person has reviewed all of them."
        )
    return found


def _read_task(task: dict[str, Any], where: str, found: Imported, reviewed: bool) -> None:
    data = as_object(task.get("data"), f"{where}: data", _MEND)
    annotations = as_list(task["annotations"], f"{where}: annotations", _MEND)
    if not annotations:
        found.left[DRAFT if task.get("drafts") else UNLABELLED] += 1
    for item in annotations:
        with found.answer():
            annotation = as_object(item, f"{where}: annotation", _MEND)
            if annotation.get("was_cancelled"):
                found.left[REJECTED] += 1
            # Annotations copied from predictions have no working time; those submitted by a person have one.
            elif annotation.get("parent_prediction") and annotation.get("lead_time") is None and not reviewed:
                found.left[UNREVIEWED] += 1
            else:
                within = f"{where}, annotation {place(annotation.get('id'), '?')}"
                answers = _answers(annotation, data.get("text"), within)
                found.sentences.append(_sentence(answers, data, task.get("id"), within))


def _read_flat(row: dict[str, Any], where: str, found: Imported, reviewed: bool) -> None:
    """Read a row of JSON-MIN or CSV: the fields of the task, and one field for each question.

    Such rows do not say whether they were created from a prediction, only how long somebody worked on them.
    """
    if "text" not in row or not {"annotation_id", "annotator"} & row.keys():
        raise CertaintyError(f"{where}: has neither `annotations` nor `annotation_id` and `annotator`. {_MEND}")
    with found.answer():
        if row.get("annotation_id") in (None, ""):
            found.left[UNLABELLED] += 1
            return
        if row.get("lead_time", "?") in (None, "") and not reviewed:
            found.left[UNREVIEWED] += 1
            return
        choices = {name: _flat_choices(row.get(name), f"{where}: {name}") for name in (_LABEL, _SECOND, _SOURCE)}
        marks = as_list(_from_json(row.get(_CUES) or [], f"{where}: {_CUES}"), f"{where}: {_CUES}", _MEND)
        cues = [_cue(as_object(mark, f"{where}: {_CUES}", _MEND), row["text"], where) for mark in marks]
        found.sentences.append(_sentence(_Answers(choices, cues, row.get("annotator")), row, None, where))


def _flat_choices(value: Any, where: str) -> list[Any]:
    """Return the choices of one question: a single choice is a string, several are an object `{"choices": […]}`."""
    if value in (None, ""):
        return []
    value = _from_json(value, where) if isinstance(value, str) and value.startswith("{") else value
    if isinstance(value, dict):
        return as_list(value.get("choices"), where, _MEND)
    return value if isinstance(value, list) else [value]


def _from_json(value: Any, where: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise CertaintyError(f"{where} is {shown(value)}, which is not JSON ({error}). {_MEND}") from error


def _task(task: Task) -> dict[str, Any]:
    result: dict[str, Any] = {"data": {"text": task.text, "sentence_id": task.id, **task.fields}}
    result["annotations"] = [{"result": list(_results(s))} for s in task.labels]
    if task.prediction:
        guess = task.prediction
        result["predictions"] = [
            {"model_version": guess.model, "score": guess.probability, "result": list(_results(guess.sentence))}
        ]
    return result


def _results(sentence: LabelledSentence) -> Iterator[dict[str, Any]]:
    second = sentence.second.value if sentence.second else None
    for name, choice in ((_LABEL, category(sentence)), (_SOURCE, attribution(sentence)), (_SECOND, second)):
        if choice:
            result = {
                "id": name,
                "from_name": name,
                "to_name": _TEXT,
                "type": "choices",
                "value": {"choices": [choice]},
            }
            # Not in `completed_by`, because Label Studio rejects annotators without an account.
            named = name == _LABEL and sentence.annotator
            yield {**result, "meta": {"annotator": sentence.annotator}} if named else result
    for n, (start, end) in enumerate(sentence.cues or ()):
        value = {"start": start, "end": end, "text": sentence.text[start:end], "labels": [CUE]}
        yield {"id": f"{CUE}-{n}", "from_name": _CUES, "to_name": _TEXT, "type": "labels", "value": value}


class _Answers(NamedTuple):
    choices: dict[str, list[Any]]
    cues: list[tuple[Any, Any]]
    annotator: Any


def _answers(annotation: dict[str, Any], text: Any, where: str) -> _Answers:
    """Return the answers of an annotation, ignoring comments, relations and questions that certainty does not use."""
    choices: dict[str, list[Any]] = {_LABEL: [], _SECOND: [], _SOURCE: []}
    cues: list[tuple[Any, Any]] = []
    others: list[str] = []
    annotator = annotation.get("completed_by")
    for item in as_list(annotation.get("result"), f"{where}: result", _MEND):
        result = as_object(item, f"{where}: result", _MEND)
        name, value = result.get("from_name"), as_object(result.get("value"), f"{where}: value", _MEND)
        if name is not None and not isinstance(name, str):
            raise CertaintyError(f"{where}: from_name is {shown(name)}, which is not the name of a question. {_MEND}")
        if name in choices:
            choices[name].extend(as_list(value.get("choices"), f"{where}: choices", _MEND))
            annotator = as_object(result.get("meta"), f"{where}: meta", _MEND).get("annotator") or annotator
        elif name == _CUES:
            cues.append(_cue(value, text, where))
        elif name:
            others.append(repr(name))
    if others and not choices[_LABEL]:
        raise CertaintyError(
            f"{where}: answers {', '.join(others)}, but not {_LABEL!r}; use the configuration written by certainty."
        )
    return _Answers(choices, cues, annotator)


def _sentence(answers: _Answers, data: dict[str, Any], number: Any, where: str) -> LabelledSentence:
    annotator = answers.annotator
    if isinstance(annotator, dict):
        annotator = annotator.get("email") or annotator.get("id")
    return labelled_sentence(
        where,
        data.get("text"),
        answers.choices[_LABEL],
        answers.choices[_SECOND],
        answers.choices[_SOURCE],
        answers.cues,
        identifier=data.get("sentence_id") or data.get("id") or number,
        annotator=annotator,
        corpus=data.get("corpus"),
        group=data.get("group"),
        columns=data.get(COLUMNS),
    )


def _cue(value: dict[str, Any], text: Any, where: str) -> tuple[Any, Any]:
    _check_marked(value, text, where)
    return value.get("start"), value.get("end")


def _check_marked(value: dict[str, Any], text: Any, where: str) -> None:
    """Check that a cue has the marked text; older releases count UTF-16 units, which shifts cues after an emoji."""
    start, end, marked = value.get("start"), value.get("end"), value.get("text")
    if not (isinstance(text, str) and isinstance(start, int) and isinstance(end, int) and isinstance(marked, str)):
        return  # labelled_sentence reports these errors
    if 0 <= start < end <= len(text) and _BLANKS.sub("", text[start:end]) != _BLANKS.sub("", marked):
        raise CertaintyError(
            f"{where}: the cue [{start}, {end}] is {text[start:end]!r} in the text, but {marked!r} was marked; mark "
            "the words again in Label Studio 1.5 or later."
        )
