"""The notebook of the examples runs on the example archive, and asks what the page on questions to an archive does."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for _module in ("duckdb", "filelock", "fsspec", "pyarrow", "matplotlib"):
    pytest.importorskip(_module, reason=f"{_module} is not installed: pip install '.[archive]'")

DOCS = Path(__file__).parent.parent / "docs"
NOTEBOOK = DOCS / "examples/archive.ipynb"


def cells(kind: str) -> list[dict[str, Any]]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def queries(text: str) -> list[str]:
    return [" ".join(query.split()) for query in re.findall(r'duckdb\.sql\("""(.*?)"""\)\.show', text, re.DOTALL)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.switch_backend("agg")
    yield tmp_path
    plt.close("all")


def run(leave_out: str | None = None) -> None:
    names: dict[str, Any] = {}
    for cell in cells("code"):
        if cell["id"] != leave_out:
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)


def test_its_cells_run_one_after_the_other(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import matplotlib.pyplot as plt

    shutil.copy(DOCS / "examples/archive.csv", here)
    run()
    printed = capfd.readouterr().out
    for told in ("2025-03", "La Digue", "hedging", "denials", "pourrait"):
        assert told in printed
    (axes,) = plt.gcf().axes
    ends = [bar.get_x() + bar.get_width() for bar in axes.containers[-1]]
    assert ends == pytest.approx([1, 1]) and [label.get_text() for label in axes.get_yticklabels()] == [
        "La Digue",
        "Le Phare",
    ]
    (here / "archive.csv").unlink()
    run(leave_out="score")  # of an archive that was scored before
    assert capfd.readouterr().out == printed


def test_it_runs_on_an_archive_without_a_claim(here: Path) -> None:
    import matplotlib.pyplot as plt

    (here / "archive.csv").write_text("date,source,section,text\n2025-03-11,Le Phare,ville,Qui paiera ?\n")
    run()
    (axes,) = plt.gcf().axes
    assert not axes.patches


def test_its_outputs_are_cleared() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells("code"))


def test_its_queries_are_those_of_the_page() -> None:
    found = queries("\n".join("".join(cell["source"]) for cell in cells("code")))
    page = queries((DOCS / "pages/how-to/archive-questions.md").read_text(encoding="utf-8"))
    assert len(page) == 5
    assert [query for query in found if query in page] == page
