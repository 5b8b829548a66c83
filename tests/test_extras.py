"""Libraries that are not installed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import certainty
from certainty import CertaintyError
from certainty.errors import MissingExtraError
from certainty.extras import DISTRIBUTION, needs
from certainty.labelled import read_labelled

PROJECT = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")


def test_a_missing_library_is_a_users_mistake_and_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    for kind in (CertaintyError, ImportError):
        with pytest.raises(kind, match=r"a threshold needs scipy \(.*\): pip install 'certainty-fr\[label\]'\."):
            needs("json", "scipy", extra="label", user="a threshold")
    with pytest.raises(MissingExtraError) as caught:
        needs("scipy", extra="label")
    assert caught.value.name == "scipy"


def test_the_distribution_and_its_extras_are_those_of_the_project() -> None:
    assert f'name = "{DISTRIBUTION}"' in PROJECT
    package = Path(certainty.__file__).parent  # in a packager's tests it is installed elsewhere
    calls = re.compile(r'needs\(.*extra="(\w+)"')
    named = {extra for file in package.rglob("*.py") for extra in calls.findall(file.read_text("utf-8"))}
    assert named >= {"label", "pandas", "parquet", "server", "spacy", "train"}
    assert all(re.search(rf"^{extra} = \[", PROJECT, re.MULTILINE) for extra in named)


def test_json_lines_and_csv_need_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("datasets", "pandas", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    lines, table, parquet = (tmp_path / f"rows.{suffix}" for suffix in ("jsonl", "csv", "parquet"))
    lines.write_text('{"text": "Il pleut.", "label": "asserted"}\n')
    table.write_text("text;label\nIl neige.;denied\n")
    parquet.write_bytes(b"PAR1")
    assert [s.text for s in read_labelled([lines, table])] == ["Il pleut.", "Il neige."]
    with pytest.raises(MissingExtraError, match=r"rows\.parquet: Parquet needs pyarrow .*'certainty-fr\[parquet\]'"):
        read_labelled(parquet)
