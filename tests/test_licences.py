"""The list of licences is complete, and no licence on it comes as a surprise."""

from __future__ import annotations

import re
import zipfile
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


def test_the_wheel_has_the_notice_of_the_shipped_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    pytest.importorskip("hatch_fancy_pypi_readme", reason="hatch-fancy-pypi-readme is not installed")
    builder = wheels.WheelBuilder(str(DOCS.parent))
    monkeypatch.setattr(type(builder), "recurse_included_files", lambda _: iter(()))  # only what names the licences
    monkeypatch.setattr(type(builder.config), "force_include", {})
    (built,) = builder.build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(built) as wheel:
        licences = {name: wheel.read(name).decode() for name in wheel.namelist() if "/licenses/" in name}
    assert {name.split("/licenses/")[1] for name in licences} == {"LICENSE", "models/NOTICE.md"}
    (notice,) = (text for name, text in licences.items() if name.endswith("NOTICE.md"))
    assert "intfloat/multilingual-e5-small" in notice and "Copyright (c) Microsoft Corporation" in notice
