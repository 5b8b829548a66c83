"""The page on the cost of a billion sentences shows what its script works out from the measured rates."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import billion

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGES = ROOT / "docs" / "pages"


def tables(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    billion.main(["--results", str(RESULTS), *arguments])
    return capsys.readouterr().out.strip().split("\n\n")


def figures(text: str) -> list[str]:
    cells = "".join(re.findall(r"^\|.*\n?", text, flags=re.MULTILINE))
    return re.findall(r"\d+(?:\.\d+)?", re.sub(r"[,\u202f](?=\d{3}\b)", "", cells).replace(",", "."))


def test_the_pages_have_the_figures_of_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    printed = tables(capsys)
    english = (PAGES / "how-to" / "billion.md").read_text(encoding="utf-8")
    assert [table for table in printed if table not in english] == []
    french = (PAGES / "fr" / "milliard.md").read_text(encoding="utf-8")
    assert figures(french.partition("\n## ")[2]) == figures("\n".join(printed))


def test_hours_price_and_storage_follow_from_the_rates(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    costs = json.loads((RESULTS / "archive_costs.json").read_text(encoding="utf-8"))
    costs |= {"read_seconds_per_sentence": 0.0006, "write_seconds_per_sentence": 0.0003}
    costs |= {"parquet_bytes_per_sentence": 100}
    contenders = {
        f"certainty-fr-small, {engine}": {"core_hours_per_million": hours}
        for engine, hours in (("onnx", 1.75), ("onnx-int8", 0.75))
    }
    (tmp_path / "archive_costs.json").write_text(json.dumps(costs))
    (tmp_path / "field.json").write_text(json.dumps({"contenders": contenders}))
    arguments = [
        "--results",
        str(tmp_path),
        "--sentences",
        "4000000",
        "--price",
        "2",
        "--cores",
        "4",
        "--machines",
        "1",
    ]
    work, storage, _, _ = tables(capsys, *arguments)
    rows = [row.strip("| ").split(" | ") for row in work.splitlines()[2:]]
    assert rows == [
        ["core hours of the model", "7", "3"],
        ["core hours of reading and writing", "1", "1"],
        ["price at 2 a core hour", "16", "8"],
        ["hours on 1 machine of 4 cores", "2.0", "1.0"],
    ]
    assert "| output: Parquet | 100 bytes | 0 GB |" in storage
    assert "| parts |  | 200 |" in storage
