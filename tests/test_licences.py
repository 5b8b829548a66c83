"""The list of licences is complete, and no licence on it comes as a surprise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
ROW = re.compile(r"^\| ([\w.-]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str]]:
    page = (DOCS / "pages/reference/licences.md").read_text(encoding="utf-8")
    return {name: (licence, users) for name, licence, users in ROW.findall(page) if name != "package"}


def test_every_requirement_is_listed() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 has it")
    requirements = pytest.importorskip("packaging.requirements")
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    names = {requirements.Requirement(line).name.lower() for line in lines} - {"certainty-fr"}
    assert not names - rows().keys(), "run docs/list_licences.py"


def test_no_package_is_under_the_gpl_alone() -> None:
    found = {name: users for name, (licence, users) in rows().items() if re.match(r"A?GPL|GNU (?!Lesser)", licence)}
    assert not found
    assert not any("see the package" in licence or not licence.strip() for licence, _ in rows().values())
