"""The target `importers`: what annotation tools export, as somebody may have changed or damaged it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator

from benchmarks.fuzz.made import folder, zipped
from certainty.errors import CertaintyError
from certainty.labelled import LabelledSentence
from certainty.labelling import argilla, doccano, label_studio, prodigy
from certainty.labelling.rows import write_rows
from certainty.labelling.tasks import Prediction, Task, tasks_of_rows
from certainty.labelling.tools import Tool
from certainty.labels import Label

_EXPORTS: tuple[tuple[Tool, str], ...] = (
    (label_studio, "a.json"),
    (label_studio, "a.csv"),
    (label_studio, "a.tsv"),
    (doccano, "a.jsonl"),
    (doccano, "a.zip"),
    (argilla, "a.json"),
    (prodigy, "a.jsonl"),
)
"""The tools, and the files that they export."""
_GIVEN, _COMPRESSED, _ZIPPED, _REVIEWED = 0, 1, 2, 3
_ANNOTATOR = "00000000-0000-0000-0000-000000000001"
_JSON_MIN = {
    "text": "Il aurait plu.",
    "sentence_id": "a",
    "id": 3,
    "label": "probable",
    "attribution": {"choices": ["attributed"]},
    "cues": [{"start": 3, "end": 9, "text": "aurait", "labels": ["cue"]}],
    "annotator": 1,
    "annotation_id": 2,
    "lead_time": 3.5,
    "group": "4",
}


def importers(data: bytes) -> None:
    """Any export is rows that can be written, and errors that name its file."""
    choice, content = (data[0], data[1:]) if data else (0, b"")
    tool, name = _EXPORTS[choice % len(_EXPORTS)]
    how = choice // len(_EXPORTS) % 4
    if how == _COMPRESSED:
        name, content = f"{name}.gz", gzip.compress(content, 1)
    elif how == _ZIPPED:
        content = zipped({"all.jsonl": content, "ana.jsonl": content})
    path = folder() / name
    path.write_bytes(content)
    try:
        found = tool.read(path, reviewed=how == _REVIEWED)
    except CertaintyError as error:
        assert str(error).startswith(str(path)), error
        return
    assert all(problem.startswith(str(path)) for problem in found.problems), found.problems
    for sentence in found.sentences:
        assert all(0 <= start < end <= len(sentence.text) for start, end in sentence.cues or ()), sentence
    out = io.StringIO()
    write_rows(found.sentences, out)
    out.getvalue().encode()


def seeds() -> Iterator[bytes]:
    """Yield what each tool reads: its own tasks, and what it makes of them."""
    contents = {
        label_studio: [_written(label_studio), json.dumps([_JSON_MIN]).encode()],
        doccano: [_written(doccano)],
        argilla: [_written(argilla)],
        prodigy: [_written(prodigy)],
    }
    for number, (tool, name) in enumerate(_EXPORTS):
        found = contents[tool] if name.endswith((".json", ".jsonl")) else []  # type: ignore[index]
        if name == "a.zip":
            found = [zipped({"all.jsonl": _written(doccano)})]
        elif name == "a.csv":
            found = [_table(",")]
        elif name == "a.tsv":
            found = [_table("\t")]
        for content in found:
            for how in (_GIVEN, _COMPRESSED, _ZIPPED, _REVIEWED):
                yield bytes([number + how * len(_EXPORTS)]) + content


def _written(tool: Tool) -> bytes:
    """Return the tasks that a tool gets: labelled, predicted, blank."""
    labelled = LabelledSentence(
        *("Il aurait plu.", Label.PROBABLE),
        second=Label.DENIED,
        attributed=True,
        cues=((3, 9),),
        id="a",
        corpus="presse",
        group=4,
        annotator=_ANNOTATOR,
        columns={"genre": "brève"},
    )
    guess = Prediction(LabelledSentence("Il ment.", Label.DENIED, cues=((3, 7),)), 0.5, "model")
    out = io.StringIO()
    tool.write([*tasks_of_rows([labelled]), Task("Il ment.", "b", prediction=guess), Task("Il part.", "c")], out)
    return out.getvalue().encode()


def _table(separator: str) -> bytes:
    cells = [value if isinstance(value, str) else json.dumps(value) for value in _JSON_MIN.values()]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    return f"{separator.join(_JSON_MIN)}\n{separator.join(quoted)}\n".encode()
