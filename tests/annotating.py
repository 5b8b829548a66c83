"""What annotation tools give back of the tasks that they got."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable
from typing import Any

from certainty.labelled import LabelledSentence
from certainty.labelling.tasks import tasks_of_rows
from certainty.labelling.tools import tool


def export(name: str, sentences: list[LabelledSentence]) -> str:
    out = io.StringIO()
    tool(name).write(tasks_of_rows(sentences), out)
    return out.getvalue()


def label_studio_gives_back(exported: str) -> str:
    tasks = json.loads(exported)
    for n, task in enumerate(tasks):
        task.update(id=n + 100, project=1, inner_id=n, predictions=[], meta={})
        for m, annotation in enumerate(task["annotations"]):
            annotation.update(
                id=m, completed_by=1, was_cancelled=False, ground_truth=False, lead_time=3.2, task=n + 100
            )
            annotation["result"] = [{**result, "origin": "manual"} for result in reversed(annotation["result"])]
    return json.dumps(tasks, ensure_ascii=False)


def doccano_gives_back(exported: str) -> str:
    lines = []
    for n, line in enumerate(exported.split("\n")[:-1]):
        row = json.loads(line)
        ends = {"cats": sorted(row.pop("cats")), "entities": sorted(row.pop("entities")), "Comments": []}
        lines.append(json.dumps({"id": n + 7, **row, **ends}, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def argilla_gives_back(exported: str) -> str:
    records = json.loads(exported)
    for record in records:
        record.update(status="completed", _server_id=str(uuid.uuid4()))
    return json.dumps(records)


def prodigy_gives_back(exported: str) -> str:
    lines = [json.loads(line) for line in exported.split("\n")[:-1]]
    for line in lines:
        line.update(_input_hash=1, _task_hash=2, _view_id="blocks", _timestamp=1700000000)
    return "".join(json.dumps(line) + "\n" for line in lines)


def label_studio_gives_back_flat(exported: str) -> list[dict[str, Any]]:
    """Return the rows of JSON-MIN: the answers, over them the fields of the task, over them what Label Studio adds."""
    rows = []
    for task in json.loads(label_studio_gives_back(exported)):
        for annotation in task["annotations"]:
            results = annotation["result"]
            chosen = {r["from_name"]: r["value"]["choices"][0] for r in results if r["type"] == "choices"}
            marks = [result["value"] for result in results if result["type"] == "labels"]
            own = {"id": task["id"], "annotator": 1, "annotation_id": annotation["id"], "lead_time": 3.2}
            dates = {"created_at": "2026-11-29T03:01:27Z", "updated_at": "2026-11-29T03:01:27Z"}
            rows.append({**chosen, **({"cues": marks} if marks else {}), **task["data"], **own, **dates})
    return rows


def as_csv(rows: list[dict[str, Any]], separator: str) -> str:
    """Return such rows as Label Studio's CSV or TSV, with all columns in each row."""
    out = io.StringIO()
    names = sorted({name for row in rows for name in row})
    writer = csv.DictWriter(out, names, quoting=csv.QUOTE_NONNUMERIC, delimiter=separator)
    writer.writeheader()
    for row in rows:
        writer.writerow({k: json.dumps(v, ensure_ascii=False) if isinstance(v, list) else v for k, v in row.items()})
    return out.getvalue()


GIVES_BACK: dict[str, Callable[[str], str]] = {
    "label-studio": label_studio_gives_back,
    "doccano": doccano_gives_back,
    "argilla": argilla_gives_back,
    "prodigy": prodigy_gives_back,
}
