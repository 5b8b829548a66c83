"""Inputs of the tests of archives, which are skipped without the extra, and the rows of what was scored."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

for _module in ("duckdb", "filelock", "fsspec", "pyarrow"):
    pytest.importorskip(_module, reason=f"{_module} is not installed: pip install '.[archive]'")

TEXTS = {
    "port": "Le port agrandit ses quais. Le coût pourrait doubler.",
    "gare": "La gare fermerait en mars. La mairie dément. Qui paiera ?",
    "parc": "À mon avis, le parc est trop petit.",
}
ROWS = [
    {"id": key, "text": text, "date": f"2025-0{i}-11", "section": "ville"}
    for i, (key, text) in enumerate(TEXTS.items(), 1)
]
SENTENCES = 6


def jsonl(rows: list[Any] | None = None) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in (ROWS if rows is None else rows)).encode()


def csv(rows: list[dict[str, str]] | None = None) -> bytes:
    rows = ROWS if rows is None else rows
    return "\n".join([",".join(rows[0]), *(",".join(f'"{cell}"' for cell in row.values()) for row in rows)]).encode()


def parquet(rows: list[dict[str, Any]] | None = None) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(ROWS if rows is None else rows), out)
    return bytes(out.getvalue().to_pybytes())


def zst(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    middle = len(data) // 2
    return bytes(zstd.compress(data[:middle]) + zstd.compress(data[middle:]))  # as `cat a.zst b.zst` makes it


def rows_of(folder: Path, table: str = "sentences") -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for path in sorted((folder / table).iterdir()):
        assert not path.name.startswith(".")
        if path.suffix == ".parquet":
            rows += pq.ParquetFile(path).read().to_pylist()
        else:
            rows += map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return rows


def many(count: int) -> list[dict[str, str]]:
    """Return rows of which no two have the same text."""
    return [
        {"id": f"d{i}", "text": f"Le quai {i} ouvrira en mars. La mairie dément {i} fois. Qui paiera ?"}
        for i in range(count)
    ]
