"""The notebook of the examples runs on the example archive, and asks what the page on questions to an archive does."""

from __future__ import annotations

import json
import re
import shutil
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


def test_its_cells_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import matplotlib.pyplot as plt

    for name in (NOTEBOOK.name, "archive.csv"):
        shutil.copy(DOCS / "examples" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.switch_backend("agg")
    names: dict[str, Any] = {}
    for cell in cells("code"):
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    printed = capfd.readouterr().out
    for told in ("2025-03", "La Digue", "hedging", "denials", "pourrait"):
        assert told in printed
    (axes,) = plt.gcf().axes
    ends = [bar.get_x() + bar.get_width() for bar in axes.containers[-1]]
    assert ends == pytest.approx([1, 1]) and [label.get_text() for label in axes.get_yticklabels()] == [
        "La Digue",
        "Le Phare",
    ]
    plt.close()


def test_its_outputs_are_cleared() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells("code"))


def test_its_queries_are_those_of_the_page() -> None:
    found = queries("\n".join("".join(cell["source"]) for cell in cells("code")))
    page = queries((DOCS / "pages/how-to/archive-questions.md").read_text(encoding="utf-8"))
    assert len(page) == 5
    assert [query for query in found if query in page] == page
