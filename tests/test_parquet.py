"""Parquet files that stand for much more than their size."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from certainty import CertaintyError
from certainty.tables import read_parquet

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install '.[parquet]'")

LONG = 1_000_000
ROWS = 3_000


def parquet(column: Any, **options: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": column}), out, compression="zstd", store_schema=False, **options)
    return bytes(out.getvalue().to_pybytes())


def repeated(string: Any, rows: int = ROWS) -> Any:
    """Return a column that has the same string in each row, as a dictionary with one entry."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([string]))


def in_lists(strings: Any, length: int = 10) -> Any:
    import pyarrow as pa

    return pa.ListArray.from_arrays(pa.array(range(0, len(strings) + 1, length), pa.int32()), strings)


def prefixed(rows: int = 60) -> bytes:
    import pyarrow as pa

    options = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    return parquet(pa.array(["a" * LONG] * rows), **options)


@pytest.mark.parametrize(
    "content",
    [
        lambda: parquet(repeated("a" * LONG)),
        lambda: parquet(repeated(b"a" * LONG)),
        lambda: parquet(in_lists(repeated("a" * LONG))),
        prefixed,
    ],
    ids=["strings", "bytes", "lists", "prefixes"],
)
def test_a_string_that_all_rows_share_takes_no_memory_for_each(content: Callable[[], bytes]) -> None:
    import pyarrow as pa

    data = content()
    assert len(data) < 100_000
    before = pa.total_allocated_bytes()
    for expected, (number, row) in enumerate(islice(read_parquet(data, "a.parquet"), 40), 1):
        assert pa.total_allocated_bytes() - before < 50_000_000
        assert number == expected
        assert len(row["text"]) in (LONG, 10)


def test_long_texts_among_short_ones_are_read_in_order() -> None:
    import pyarrow as pa

    texts = [str(i) for i in range(300)] + [f"{i:07}" * (LONG // 7) for i in range(70)] + ["fin"]
    data = parquet(pa.array(texts), use_dictionary=False, row_group_size=200)
    assert list(read_parquet(data, "a.parquet")) == [(i, {"text": text}) for i, text in enumerate(texts, 1)]


def test_rows_that_unpack_to_too_much_are_refused_before_they_are_unpacked() -> None:
    import numpy as np
    import pyarrow as pa

    for column, options in (
        (pa.ListArray.from_arrays([0, 40_000_000], pa.array(np.zeros(40_000_000, bool))), {"write_statistics": False}),
        (pa.array(["a" * 40_000_000] * 8), {}),
    ):
        data = parquet(column, use_dictionary=False, **options)
        assert len(data) < 100_000
        before = pa.total_allocated_bytes()
        with pytest.raises(CertaintyError, match=r"^a\.parquet: row group 1 unpacks to over 300 MB and 20 times its"):
            list(read_parquet(data, "a.parquet"))
        assert pa.total_allocated_bytes() - before < 1_000_000


def test_a_row_that_is_too_large_is_refused_after_those_before_it() -> None:
    import pyarrow as pa

    strings = repeated("a" * LONG, 400)
    column = pa.ListArray.from_arrays(pa.array([0, 1, 2, 400], pa.int32()), strings)
    rows = read_parquet(parquet(column), "a.parquet")
    assert [len(row["text"]) for _, row in islice(rows, 2)] == [1, 1]
    with pytest.raises(CertaintyError, match=r"^a\.parquet: row 3 has over 300 MB; leave it out, or divide its text"):
        next(rows)


def test_values_of_every_type_are_read() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = [
        {"text": "Il pleut.", "tags": ["a", "b"], "place": {"name": "Brest", "codes": [1]}, "more": [("k", "v")]},
        {"text": None, "tags": None, "place": None, "more": []},
        {"text": "Il neige.", "tags": [], "place": {"name": None, "codes": [2, 3]}, "more": [("k", None), ("l", "w")]},
    ]
    place = pa.struct({"name": pa.string(), "codes": pa.list_(pa.int64())})
    schema = pa.schema(
        {"text": pa.string(), "tags": pa.list_(pa.string()), "place": place, "more": pa.map_(pa.string(), pa.string())}
    )
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), out, row_group_size=2)
    assert list(read_parquet(out.getvalue())) == list(enumerate(rows, 1))
