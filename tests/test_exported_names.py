"""What is public is named in `__all__`, explained, and all that the documentation uses."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import certainty

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "certainty"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "pages").rglob("*.md"))]
REFERENCE = (ROOT / "docs" / "pages" / "reference" / "api.md").read_text(encoding="utf-8")

# The packages whose names are a promise, each in its `__all__`.
PUBLIC = ["certainty", "certainty.archive", "certainty.evaluation", "certainty.finetuning", "certainty.ray"]
# Modules from which an example of the documentation imports beside these: their names without an underscore.
ALSO_SHOWN = {"certainty.evaluation.metrics", "certainty.labelled", "certainty.labels"}


def packages() -> list[ModuleType]:
    """Return the public packages that can be imported here; fine-tuning needs torch."""
    modules = []
    for name in PUBLIC:
        try:
            modules.append(import_module(name))
        except ImportError:
            assert name != "certainty"
    return modules


def exported(module: ModuleType) -> list[str]:
    return list(getattr(module, "__all__", []))


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def imported_names(source: str) -> set[tuple[str, str]]:
    """Return what a program imports of certainty, as (module, name)."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {(n.module, a.name) for n in nodes if isinstance(n, ast.ImportFrom) and n.module for a in n.names}
    names |= {(alias.name, "") for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {(module, name) for module, name in names if module.split(".")[0] == "certainty"}


@pytest.mark.parametrize("module", packages(), ids=lambda module: module.__name__)
def test_exported_names_are_there_and_explained(module: ModuleType) -> None:
    names = exported(module)
    assert len(names) == len(set(names))
    assert set(names) <= set(dir(module))
    explained = [name for name in names if callable(getattr(module, name))]
    assert [name for name in explained if not inspect.getdoc(getattr(module, name))] == []


@pytest.mark.parametrize("module", packages(), ids=lambda module: module.__name__)
def test_nothing_else_lies_about_in_a_public_package(module: ModuleType) -> None:
    own = {name for name, value in vars(module).items() if not name.startswith("_") and not inspect.ismodule(value)}
    ours = {name for name in own if getattr(getattr(module, name), "__module__", "").startswith("certainty")}
    assert ours - set(exported(module)) == set()


def test_the_reference_shows_what_is_exported() -> None:
    shown = set(re.findall(r"^::: (certainty[\w.]*)$", REFERENCE, flags=re.MULTILINE))
    assert shown == {*(f"certainty.{name}" for name in certainty.__all__), *PUBLIC[1:]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_documentation_imports_is_public(page: Path) -> None:
    here = {module.__name__: module for module in packages()}
    for module, name in sorted(set().union(*map(imported_names, python_blocks(page)))):
        if module in PUBLIC:
            assert not name or module not in here or name in exported(here[module])
        else:
            assert module in ALSO_SHOWN and not name.startswith("_")


def test_private_modules_are_not_in_the_documentation() -> None:
    private = [path for path in LIBRARY.rglob("_*.py") if not path.stem.startswith("__")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in private]
    assert [(page.name, name) for page in PAGES for name in names if name in page.read_text(encoding="utf-8")] == []


def test_the_version_is_told_where_it_should_be() -> None:
    """That of the last release, or a development version of the next one."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\]", changelog, re.MULTILINE)[0]
    assert f"\nversion: {'.'.join(released)}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version, is_development = re.fullmatch(r"(\d+\.\d+\.\d+)(\.dev0)?", certainty.__version__).groups()  # type: ignore[union-attr]
    numbers = tuple(map(int, version.split(".")))
    assert numbers > tuple(map(int, released)) if is_development else version == ".".join(released)
