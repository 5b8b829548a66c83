"""Label Studio: JSON tasks with annotations and predictions, and the labelling configuration.

Formats: https://labelstud.io/guide/task_format, https://labelstud.io/guide/predictions. Offsets count code points, as
in Python (Label Studio 1.5 and later).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import quoteattr

from certainty.errors import CertaintyError
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
from certainty.labelling.guideline import guideline
from certainty.labelling.rows import as_list, as_object, read_json_list, write_json_list
from certainty.labelling.tasks import Task
from certainty.labelling.tools import Imported
from certainty.labels import LABELS

NEXT_STEPS = (
    "In Label Studio: create a project, paste {name}.config.xml under Settings > Labeling Interface > Code and "
    "{name}.guideline.md under Instructions, import {name}. Later export as JSON."
)
_MEND = "Export the project from Label Studio as JSON (not JSON-MIN, CSV or TSV)."
_LABEL, _SECOND, _SOURCE, _CUES, _TEXT = "label", "second", "attribution", "cues", "text"
_BLANKS = re.compile(r"\s|\\n")


def write(tasks: Iterable[Task], out: TextIO) -> None:
    """Write a JSON list of tasks: labels as annotations, predictions as predictions."""
    write_json_list(map(_task, tasks), out)


def companions(name: str) -> dict[str, str]:
    """Return the labelling configuration and the guideline."""
    return {".config.xml": config(), ".guideline.md": guideline()}


def config() -> str:
    """Return the labelling configuration: choices of label, attribution and second label, and the cues to mark."""

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


def read(path: Path) -> Imported:
    """Read a JSON export; each annotation that was not cancelled becomes a sentence.

    Raises:
        CertaintyError: it is not such a file, or an annotation breaks the rules; the message names task and annotation.
    """
    sentences: list[LabelledSentence] = []
    skipped = 0
    for n, task in enumerate(read_json_list(path, _MEND), 1):
        where = f"{path}, task {task.get('id', n)}"
        if not isinstance(task.get("data"), dict) or not isinstance(task.get("annotations"), list):
            raise CertaintyError(f"{where}: has no `data` and `annotations`. {_MEND}")
        data = {"id": task.get("id"), **task["data"]}
        annotations = [as_object(a, f"{where}: annotation", _MEND) for a in task["annotations"]]
        kept = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
        skipped += not kept
        for annotation in kept:
            sentences.append(_sentence(annotation, data, f"{where}, annotation {annotation.get('id', '?')}"))
    return Imported(sentences, skipped)


def _task(task: Task) -> dict[str, Any]:
    data = {"text": task.text, "id": task.id, "corpus": task.corpus, "group": task.group}
    result: dict[str, Any] = {"data": {key: value for key, value in data.items() if value not in ("", None)}}
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
            # Not in `completed_by`: Label Studio refuses who has no account there.
            named = name == _LABEL and sentence.annotator
            yield {**result, "meta": {"annotator": sentence.annotator}} if named else result
    for n, (start, end) in enumerate(sentence.cues or ()):
        value = {"start": start, "end": end, "text": sentence.text[start:end], "labels": [CUE]}
        yield {"id": f"{CUE}-{n}", "from_name": _CUES, "to_name": _TEXT, "type": "labels", "value": value}


def _sentence(annotation: dict[str, Any], data: dict[str, Any], where: str) -> LabelledSentence:
    choices: dict[str, list[Any]] = {_LABEL: [], _SECOND: [], _SOURCE: []}
    cues: list[tuple[Any, Any]] = []
    annotator = annotation.get("completed_by")
    for item in as_list(annotation.get("result"), f"{where}: result", _MEND):
        result = as_object(item, f"{where}: result", _MEND)
        name, value = result.get("from_name"), as_object(result.get("value"), f"{where}: value", _MEND)
        if name in choices:
            choices[name].extend(as_list(value.get("choices"), f"{where}: choices", _MEND))
            annotator = as_object(result.get("meta"), f"{where}: meta", _MEND).get("annotator") or annotator
        elif name == _CUES:
            cues.append((value.get("start"), value.get("end")))
            _check_marked(value, data.get("text"), where)
        else:
            raise CertaintyError(
                f"{where}: answers {name!r}, which is not in the configuration that certainty writes "
                f"({', '.join((*choices, _CUES))}); use that configuration."
            )
    if isinstance(annotator, dict):
        annotator = annotator.get("email") or annotator.get("id")
    return labelled_sentence(
        where,
        data.get("text"),
        choices[_LABEL],
        choices[_SECOND],
        choices[_SOURCE],
        cues,
        identifier=data.get("id"),
        annotator=annotator,
        corpus=data.get("corpus"),
        group=data.get("group"),
    )


def _check_marked(value: dict[str, Any], text: Any, where: str) -> None:
    """Older releases counted UTF-16 units, which shifts every cue after an emoji."""
    start, end, marked = value.get("start"), value.get("end"), value.get("text")
    if not (isinstance(text, str) and isinstance(start, int) and isinstance(end, int) and isinstance(marked, str)):
        return  # labelled_sentence says what is wrong with these
    if 0 <= start < end <= len(text) and _BLANKS.sub("", text[start:end]) != _BLANKS.sub("", marked):
        raise CertaintyError(
            f"{where}: the cue [{start}, {end}] is {text[start:end]!r} in the text, but {marked!r} was marked; mark "
            "the words again in Label Studio 1.5 or later."
        )
