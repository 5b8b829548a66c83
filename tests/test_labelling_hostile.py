"""Exports that somebody changed or damaged: an answer is a row or a problem that is told, a file rows or one error."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certainty import CertaintyError, Label
from certainty.commands.label.arguments import TOOLS
from certainty.labelled import LabelledSentence
from certainty.labelling.rows import to_row
from certainty.labelling.tasks import tasks_of_rows
from certainty.labelling.tools import tool

ANNOTATOR = "00000000-0000-0000-0000-000000000001"
SENTENCE = LabelledSentence(
    *("Il aurait plu.", Label.PROBABLE, Label.DENIED, True),
    **{"cues": ((3, 9),), "id": "a", "corpus": "presse", "group": 4, "annotator": ANNOTATOR},
    columns={"genre": "brève"},
)
FLAT = {
    **{"text": "Il aurait plu.", "label": "probable", "attribution": {"choices": ["attributed"]}, "annotator": 1},
    **{"annotation_id": 2, "lead_time": 3.5, "sentence_id": "a", "corpus": "presse", "group": "4"},
    **{"genre": "brève", "columns": '{"genre": "brève"}'},
    "cues": [{"start": 3, "end": 9, "text": "aurait", "labels": ["cue"]}],
}
JSON_LINES = ("doccano", "prodigy")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["cue", "{"])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["choices", "start", "label"]), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


def rows_of(name: str) -> list[dict[str, Any]]:
    """Return what a tool has of a sentence."""
    out = io.StringIO()
    tool(name).write(tasks_of_rows([SENTENCE]), out)
    content = out.getvalue()
    rows = [json.loads(line) for line in content.splitlines()] if name in JSON_LINES else json.loads(content)
    return [*rows, FLAT] if name == "label-studio" else rows


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Return a value of which a part, however deep, is anything else."""
    if not (isinstance(value, (dict, list)) and value) or draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([5, ["a"], {"a": {}}, "a"]) | values)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = draw(st.sampled_from(keys))
    copy: Any = value.copy()
    copy[key] = draw(changed(value[key]))
    return copy


def rows_or_error(name: str, path: Path) -> None:
    try:
        found = tool(name).read(path)
    except CertaintyError as error:
        assert str(error).startswith(str(path))
        return
    assert all(problem.startswith(str(path)) for problem in found.problems)
    for sentence in found.sentences:
        assert sentence.text.strip() and all(0 <= a < b <= len(sentence.text) for a, b in sentence.cues or ())
        json.dumps(to_row(sentence), ensure_ascii=False).encode()


any_tool = pytest.mark.parametrize("name", TOOLS)
often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@any_tool
@given(data=st.data())
@often
def test_whatever_a_row_holds_it_is_a_sentence_or_a_problem(name: str, tmp_path: Path, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.sampled_from(rows_of(name)).flatmap(changed), max_size=12))
    path = tmp_path / "export"
    lines = [json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) if name in JSON_LINES else f"[{','.join(lines)}]", "utf-8")
    rows_or_error(name, path)


@given(row=changed(FLAT))
@often
def test_whatever_a_cell_holds_it_is_a_sentence_or_a_problem(tmp_path: Path, row: Any) -> None:
    path = tmp_path / "export.csv"
    with path.open("w", encoding="utf-8", errors="replace", newline="") as out:
        cells = row if isinstance(row, dict) else {"text": row}
        csv.writer(out).writerow(cells)
        csv.writer(out).writerow([cell if isinstance(cell, str) else json.dumps(cell) for cell in cells.values()])
    rows_or_error("label-studio", path)


@any_tool
@given(
    content=st.binary(max_size=60), before=st.sampled_from([b"", b"[{", b'{"text":', b"PK\3\4", b"PK\5\6", b"\xff\xfe"])
)
@often
def test_any_bytes_are_rows_or_one_error(name: str, tmp_path: Path, content: bytes, before: bytes) -> None:
    for ending in (".json", ".csv", ".jsonl.gz"):
        path = tmp_path / f"export{ending}"
        path.write_bytes(before + content)
        rows_or_error(name, path)


def nested(times: int) -> str:
    return "[" * times + "]" * times


@pytest.mark.parametrize(
    ("name", "row", "told"),
    [
        ("label-studio", {**FLAT, "cues": 5}, "task 1: cues: expected a list, found 5"),
        ("label-studio", {**FLAT, "annotator": ["a"]}, r"task 1: annotator is \['a'\]; it must be a string"),
        (
            "label-studio",
            {"id": 7, "data": {}, "annotations": [{"id": 2, "result": [{"from_name": ["a"]}]}]},
            r"task 7, annotation 2: from_name is \['a'\], which is not the name of a question",
        ),
        ("argilla", {"fields": {}, "responses": {"label": [{"user_id": {}, "value": "x"}]}}, "label: user_id is {}"),
        ("argilla", {"fields": {"text": "a"}, "responses": {"label": [{"value": [1]}]}}, r"the choice is \[1\]"),
        ("doccano", {"text": "a", "cats": ["denied"], "entities": [["a", 1, "cue"]]}, r"span \['a', 1, 'cue'\]"),
        ("prodigy", {"text": "a", "answer": "accept", "accept": [3]}, "line 1: label: the choice is 3"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_named(name: str, row: dict[str, Any], told: str, tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text(json.dumps(row) if name in JSON_LINES else json.dumps([row]), "utf-8")
    found = tool(name).read(path)
    with pytest.raises(CertaintyError, match=told):
        raise CertaintyError(*found.problems)


@pytest.mark.parametrize("key", ["label", "cues", "annotator", "sentence_id", "group", "text"])
def test_values_that_are_nested_too_deep(key: str, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    depths = (900, 960, 970, 100_000)  # which of them JSON can still read depends on Python
    for depth in depths:
        path.write_text(json.dumps([{**FLAT, key: "HERE"}]).replace('"HERE"', nested(depth)), "utf-8")
        rows_or_error("label-studio", path)
    table = tmp_path / "export.csv"
    table.write_text(f"text,annotation_id,annotator,label,cues\na,1,1,denied,{nested(100_000)}\n", "utf-8")
    (problem,) = tool("label-studio").read(table).problems
    assert "line 2: cues is '[[[" in problem and "which is not JSON" in problem and len(problem) < 500


# ---- Archives of doccano ---------------------------------------------------------------------------------------------

LINE = b'{"text": "Il pleut.", "cats": ["asserted"]}\n'


def zipped(content: bytes, **fields: int) -> bytes:
    """Return an archive; fields of its directory are set to any values."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("all.jsonl", content)
    data = bytearray(out.getvalue())
    directory = data.rindex(b"PK\1\2")
    for field, value in fields.items():
        data[directory + {"flags": 8, "method": 10, "crc": 16}[field]] = value
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (partial(zipped, LINE, flags=1), "is encrypted; save it without a password"),
        (partial(zipped, LINE, method=99), "all.jsonl: is a damaged zip archive"),
        (partial(zipped, LINE, method=12), "all.jsonl: is a damaged zip archive"),
        (partial(zipped, LINE, crc=0), "all.jsonl: is a damaged zip archive .*CRC"),
        (lambda: zipped(LINE * 20)[:-30], "is a damaged zip archive"),
        (partial(zipped, b" " * 5_000_000), "would unpack to 5 MB, more than is allowed"),
    ],
)
def test_damaged_and_hostile_archives_of_doccano(content: Callable[[], bytes], told: str, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(content())
    with pytest.raises(CertaintyError, match=told):
        tool("doccano").read(path)


def test_every_damage_of_an_archive_is_one_error(tmp_path: Path) -> None:
    path, whole = tmp_path / "export.zip", zipped(LINE * 3)
    for place in range(4, len(whole)):
        for byte in (0, 0x80, 0xFF):
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            rows_or_error("doccano", path)


def test_a_line_of_an_archive_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certainty.json_lines._LONGEST_LINE", 1000)
    path = tmp_path / "export.zip"
    path.write_bytes(zipped(LINE + b'{"text": "' + b"x" * 2000 + b'"}'))
    with pytest.raises(CertaintyError, match=r"all\.jsonl, line 2: has over"):
        tool("doccano").read(path)


def test_compressed_lists_are_whole_and_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, whole = tmp_path / "export.json.gz", gzip.compress(json.dumps([FLAT]).encode())
    path.write_bytes(whole)
    assert len(tool("label-studio").read(path).sentences) == 1
    path.write_bytes(whole[:-9])
    with pytest.raises(CertaintyError, match="is damaged"):
        tool("label-studio").read(path)
    path.write_bytes(whole)
    monkeypatch.setattr("certainty.json_lines._LARGEST_LIST", 100)
    with pytest.raises(CertaintyError, match="unpacks to over"):
        tool("label-studio").read(path)


def test_lone_surrogates_of_any_column_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text(r'{"text": "a", "cats": ["denied"], "id": "\ud83d", "annotator": "\ud83d"}', "utf-8")
    (sentence,) = tool("doccano").read(path).sentences
    assert [to_row(sentence)[column] for column in ("id", "annotator")] == ["\ufffd", "\ufffd"]
