"""Prodigy: JSONL tasks for blocks of `spans_manual` and `choice`, and a recipe that shows them.

`accept` contains the chosen options and `spans` the cues; `db-out` returns them with `answer` and `_annotator_id`.
https://prodi.gy/docs/api-interfaces
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

from certainty.errors import CertaintyError
from certainty.json_lines import read_json_lines, write_json_lines
from certainty.labelled import LabelledSentence
from certainty.labelling.choices import CUE, FLAT, TITLES, Span, flat_choices, labelled_sentence, split_flat
from certainty.labelling.columns import COLUMNS
from certainty.labelling.guideline import guideline
from certainty.labelling.rows import as_list, as_object
from certainty.labelling.tasks import Task
from certainty.labelling.tools import REJECTED, UNLABELLED, Imported
from certainty.messages import shown

NEXT_STEPS = """In Prodigy, in the folder with {name}.guideline.html:
  1. If the tasks have labels, load them: prodigy db-in DATASET {name}
  2. Label: prodigy certainty DATASET {name} -F {name}.recipe.py
  3. Export: prodigy db-out DATASET > labelled.jsonl"""
_MEND = "Write the file with prodigy db-out."
_OPTIONS = [{"id": choice, "text": TITLES[choice]} for choice in FLAT]
# An elided word is a separate token, including its apostrophe.
_TOKEN = re.compile(r"\w+(?:['’])?|[^\w\s]")
_RECIPE = '''"""Label sentences by how they commit to what they claim. Written by certainty."""

import pathlib

import prodigy
from prodigy.components.stream import get_stream

GUIDELINE = pathlib.Path(__file__).with_name({guideline!r})


@prodigy.recipe(
    "certainty",
    dataset=("Dataset to save the answers in", "positional", None, str),
    source=("JSONL file written by certainty", "positional", None, str),
)
def certainty(dataset, source):
    return {{
        "dataset": dataset,
        "stream": get_stream(source, rehash=True, dedup=True, input_key="text"),
        "view_id": "blocks",
        "config": {{
            "blocks": [{{"view_id": "spans_manual"}}, {{"view_id": "choice", "text": None}}],
            "labels": [{cue!r}],
            "choice_style": "multiple",
            "instructions": str(GUIDELINE),
        }},
    }}
'''
_PAGE = '<pre style="white-space: pre-wrap; text-align: left">{}</pre>\n'


def write(tasks: Iterable[Task], out: TextIO) -> None:
    """Write one line for each label of each task; predictions are preselected, without an `answer`."""
    write_json_lines((_line(task, sentence) for task in tasks for sentence in task.answers), out)


def companions(name: str) -> dict[str, str]:
    """Return the recipe, and the guideline as the HTML page that Prodigy shows."""
    from html import escape

    return {
        ".recipe.py": _RECIPE.format(guideline=f"{name}.guideline.html", cue=CUE),
        ".guideline.html": _PAGE.format(escape(guideline())),
    }


def read(path: Path, reviewed: bool = False) -> Imported:
    """Read the output of `db-out`; tasks that were rejected, ignored or not answered are left out.

    Args:
        path: The file.
        reviewed: Not used; Prodigy records whether a task was answered.

    Raises:
        CertaintyError: the file is not an export of Prodigy.
    """
    found = Imported("answer some tasks in Prodigy, and write the file with prodigy db-out again.")
    for number, task in read_json_lines(path):
        where = f"{path}, line {number}"
        if "text" not in task:
            raise CertaintyError(f"{where}: a Prodigy task has `text`. {_MEND}")
        answer = task.get("answer")
        if answer != "accept":
            found.left[REJECTED if answer else UNLABELLED] += 1
            continue
        with found.answer():
            found.sentences.append(_sentence(task, where))
    return found


def _sentence(task: dict[str, Any], where: str) -> LabelledSentence:
    label, second, source = split_flat(as_list(task.get("accept"), f"{where}: accept", _MEND))
    meta = as_object(task.get("meta"), f"{where}: meta", _MEND)
    return labelled_sentence(
        where,
        task["text"],
        label,
        second,
        source,
        [_span(span, where) for span in as_list(task.get("spans"), f"{where}: spans", _MEND)],
        identifier=meta.get("id"),
        annotator=task.get("_annotator_id") or task.get("_session_id"),
        corpus=meta.get("corpus"),
        group=meta.get("group"),
        columns=task.get(COLUMNS),
    )


def _line(task: Task, sentence: LabelledSentence | None) -> dict[str, Any]:
    cues = (sentence.cues or ()) if sentence else ()
    tokens = _tokens(task.text, cues)
    starts = {token["start"]: token["id"] for token in tokens}
    ends = {token["end"]: token["id"] for token in tokens}
    line = {
        "text": task.text,
        "tokens": tokens,
        "spans": [
            {"start": start, "end": end, "label": CUE, "token_start": starts[start], "token_end": ends[end]}
            for start, end in cues
        ],
        "options": _OPTIONS,
        "accept": flat_choices(sentence) if sentence else [],
        "meta": {"id": task.id, **task.details},
        COLUMNS: dict(task.columns),
    }
    if task.labels:
        line["answer"] = "accept"
    if sentence and sentence.annotator:
        line["_annotator_id"] = line["_session_id"] = sentence.annotator
    return line


def _tokens(text: str, cues: Iterable[Span]) -> list[dict[str, Any]]:
    """Split the text into words and punctuation, and at the ends of cues, since Prodigy's spans cover whole tokens."""
    edges = {offset for cue in cues for offset in cue}
    spans: list[Span] = []
    for match in _TOKEN.finditer(text):
        spans.extend(_cut(match.start(), match.end(), edges))
    # A cue may begin or end with white space, which otherwise belongs to no token.
    covered = {i for start, end in spans for i in range(start, end)}
    for start, end in cues:
        loose = [i for i in (start, end - 1) if i not in covered]
        spans.extend((i, i + 1) for i in loose)
        covered.update(loose)
    return [
        {"text": text[start:end], "start": start, "end": end, "id": n, "ws": text[end : end + 1].isspace()}
        for n, (start, end) in enumerate(sorted(spans))
    ]


def _cut(start: int, end: int, edges: set[int]) -> Iterable[Span]:
    cuts = [start, *sorted(edge for edge in edges if start < edge < end), end]
    return pairwise(cuts)


def _span(span: Any, where: str) -> tuple[Any, Any]:
    if not isinstance(span, dict) or span.get("label") != CUE:
        raise CertaintyError(f"{where}: span {shown(span)}; expected start, end and the label {CUE!r}.")
    return span.get("start"), span.get("end")
