"""Relative links in the Markdown files lead to files that are there; the package's page has none.

`mkdocs build --strict` checks those of the built site, with their anchors.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("benchmarks", "certainty", "docs", "models", "training", ".github")
PAGES = [*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", flags=re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[str]:
    return LINK.findall(CODE.sub("code", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_is_there(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_the_pages_link_each_other() -> None:
    # Else the test above would pass on nothing.
    assert "training/README.md" in links(ROOT / "README.md")
    assert "../screenshots/light.png" in links(ROOT / "docs/pages/how-to/view.md")


def test_the_readme_of_the_package_has_addresses_in_place_of_relative_links() -> None:
    hatchling = pytest.importorskip("hatchling.metadata.core", reason="hatchling is not installed")
    plugins = pytest.importorskip("hatchling.plugin.manager").PluginManager()
    pytest.importorskip("hatch_fancy_pypi_readme", reason="hatch-fancy-pypi-readme is not installed")
    readme = hatchling.ProjectMetadata(str(ROOT), plugins).core.readme
    assert LINK.findall(readme) == []
    assert re.findall(r"\]\(https://github.com/[\w-]+/[\w-]+/blob/main/docs/pages/how-to/archive\.md\)", readme)
