"""The other columns of rows go to an annotation tool and come back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from annotating import GIVES_BACK, as_csv, export, label_studio_gives_back_flat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certainty import CertaintyError, Label
from certainty.cli import main
from certainty.commands.label.arguments import TOOLS
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labelling.columns import unpacked
from certainty.labelling.rows import to_row
from certainty.labelling.tools import tool

ANNOTATOR = "00000000-0000-0000-0000-000000000001"
COLUMNS = {"document": "d 1", "genre": "dépêche, « brève »", "before": "Il pleut.", "date": "2026-01-02"}
# Names of fields of the tasks, of questions, and of what the tools write into their exports.
IN_USE = ["group", "columns", "sentence_id", "attribution", "annotations", "annotation_id", "lead_time", "created_at"]
IN_USE += ["updated_at", "Comments", "cats", "entities", "meta", "answer", "status", "inserted_at", "_server_id"]
any_tool = pytest.mark.parametrize("name", TOOLS)
names = st.sampled_from(IN_USE) | st.text(min_size=1, max_size=8)
columns = st.dictionaries(names, st.text(min_size=1, max_size=8).filter(str.strip), max_size=5)


def labelled(columns: dict[str, str], name: str = "a", annotator: str = ANNOTATOR) -> LabelledSentence:
    return LabelledSentence(
        "Il aurait plu.", Label.PROBABLE, cues=((3, 9),), id=name, annotator=annotator, columns=columns
    )


def read_back(name: str, content: str, path: Path) -> list[LabelledSentence]:
    path.write_text(content, encoding="utf-8", newline="")
    found = tool(name).read(path)
    assert not found.problems
    return found.sentences


FLAT: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "export.json": lambda rows: json.dumps(rows, ensure_ascii=False),
    "export.csv": lambda rows: as_csv(rows, ","),
    "export.tsv": lambda rows: as_csv(rows, "\t"),
}


@any_tool
@given(given_columns=columns)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_columns_of_any_name_come_back(name: str, tmp_path: Path, given_columns: dict[str, str]) -> None:
    expected = read_labelled([{**given_columns, "text": "x", "label": "denied"}])[0].columns
    expected = {column: value for column, value in expected.items() if column not in ("predicted", "uncertainty")}
    sentence = labelled(dict(expected))
    (back,) = read_back(name, GIVES_BACK[name](export(name, [sentence])), tmp_path / "export")
    assert back.columns == expected and back == sentence


@pytest.mark.parametrize("file", FLAT)
@pytest.mark.parametrize("given_columns", [COLUMNS, {**COLUMNS, **dict.fromkeys(IN_USE, "mine")}, {}])
def test_columns_come_back_from_flat_exports(tmp_path: Path, file: str, given_columns: dict[str, str]) -> None:
    rows = label_studio_gives_back_flat(export("label-studio", [labelled(given_columns)]))
    (back,) = read_back("label-studio", FLAT[file](rows), tmp_path / file)
    assert back.columns == given_columns
    assert (back.label, back.attributed, back.cues, back.group) == (Label.PROBABLE, None, ((3, 9),), None)


@pytest.mark.parametrize(("name", "place"), [("label-studio", "data"), ("argilla", "metadata"), ("prodigy", "meta")])
def test_columns_are_plain_text_to_see_and_filter_by(name: str, place: str) -> None:
    content = export(name, [labelled({**COLUMNS, "group": "A"})])
    task = json.loads(content)[0] if content.startswith("[") else json.loads(content)
    assert {column: task[place].get(column) for column in COLUMNS} == COLUMNS
    assert "group" not in task[place]  # it would be read as the number of a quadruple


def test_doccano_has_the_same_columns_as_text_in_each_line() -> None:
    content = export("doccano", [labelled(COLUMNS), labelled({"other": "1"}, "b"), labelled({}, "c")])
    lines = [json.loads(line) for line in content.splitlines()]
    assert {tuple(line) for line in lines} == {tuple(lines[0])}
    assert all(isinstance(line[column], str) for line in lines for column in line.keys() - {"cats", "entities"})
    assert json.loads(lines[0]["columns"]) == COLUMNS


@any_tool
def test_first_row_of_an_id_counts(name: str, tmp_path: Path) -> None:
    other = ANNOTATOR[:-1] + "2"
    rows = [labelled({"genre": "brève"}), labelled({"genre": "éditorial", "date": "2026"}, annotator=other)]
    back = read_back(name, GIVES_BACK[name](export(name, rows)), tmp_path / "export")
    assert [sentence.columns for sentence in back] == [{"genre": "brève", "date": "2026"}] * 2


@any_tool
def test_command_keeps_columns_of_rows_without_labels(name: str, tmp_path: Path, tiny_model: Path) -> None:
    source, tasks, answered, back = (tmp_path / f for f in ("rows.jsonl", "tasks", "answered", "back.jsonl"))
    row = {"text": "Il ment.", "document": 7, "genre": "brève", "note": None, "reason": "random", "before": "Il part."}
    source.write_text(json.dumps({**row, "predicted": "denied", "uncertainty": 0.4}), encoding="utf-8")
    predict = ["--predict", "--model", str(tiny_model)]
    assert main(["label", "export", str(source), *predict, "--to", name, "-o", str(tasks)]) == 0
    assert "uncertainty" not in tasks.read_text(encoding="utf-8")  # what the model thinks is no business of annotators
    answered.write_text(_answered(name, tasks.read_text(encoding="utf-8")), encoding="utf-8")
    assert main(["label", "import", str(answered), "--from", name, "-o", str(back)]) == 0
    (sentence,) = read_labelled(back)
    assert sentence.label is Label.DENIED
    assert sentence.columns == {"document": "7", "genre": "brève", "reason": "random", "before": "Il part."}


def _answered(name: str, exported: str) -> str:
    """Return what the tool gives back if somebody chooses `denied`."""
    content = json.loads(exported)
    task = content[0] if isinstance(content, list) else content
    if name == "label-studio":
        result = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["denied"]}}
        task["annotations"] = [{"result": [result]}]
    elif name == "argilla":
        task["responses"] = {"label": [{"value": "denied", "user_id": ANNOTATOR}]}
    elif name == "doccano":
        task.update(cats=["denied"], entities=[])
    else:
        task.update(accept=["denied"], spans=[], answer="accept")
    return GIVES_BACK[name](json.dumps(content) + "\n")


def test_values_are_text_and_our_own_columns_are_not_taken_from_them() -> None:
    assert unpacked('{"n": 3, "none": null, "text": "x", "doubtful": "yes"}', "here") == {"n": "3"}
    assert unpacked(None, "here") == unpacked("", "here") == unpacked("{}", "here") == {}
    for value in ("{", "[1]", [1], 5):
        with pytest.raises(CertaintyError, match=r"here is .*; it must be the object that `certainty label export`"):
            unpacked(value, "here")


def test_names_of_columns_are_written_without_lone_surrogates() -> None:
    assert to_row(labelled({"genre\ud83d": "x\ud83d"}))["genre\ufffd"] == "x\ufffd"
