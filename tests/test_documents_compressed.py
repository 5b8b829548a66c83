"""Compressed files, which are read like their content."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from documenting import texts_of

from certainty import CertaintyError, read_files


def zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        zstd = pytest.importorskip("backports.zstd", reason="backports.zstd is not installed: pip install '.[archive]'")
    return bytes(zstd.compress(data))


@pytest.mark.parametrize(
    ("ending", "compress"), [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress), ("zst", zstd)]
)
def test_compressed_files_are_read_like_their_content(
    ending: str, compress: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    contents = {
        "a.txt": "L’été.".encode(),
        "b.csv": b"id,text\n1,Oui.\n",
        "c.jsonl": b'{"id": "a", "text": "Il pleut."}',
    }
    for name, content in contents.items():
        Path(f"{name}.{ending}").write_bytes(compress(content))
    found = list(read_files(".", recursive=True))
    assert found == [
        ("L’été.", f"./a.txt.{ending}"),
        ("Oui.", f"./b.csv.{ending}#1"),
        ("Il pleut.", f"./c.jsonl.{ending}#a"),
    ]
    Path(f"d.txt.{ending}").write_bytes(compress(b"Il pleut." * 99)[:-9])
    with pytest.raises(CertaintyError, match=rf"^d\.txt\.{ending}: the compressed file is damaged"):
        list(read_files(f"d.txt.{ending}"))
    monkeypatch.setattr("certainty.documents.compression.LARGEST", 1000)
    Path(f"e.txt.{ending}").write_bytes(compress(bytes(10_000)))
    with pytest.raises(CertaintyError, match=rf"^e\.txt\.{ending}: unpacks to over"):
        list(read_files(f"e.txt.{ending}"))


def test_a_compressed_parquet_file_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"id": [3], "text": ["Il pleut."]}), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(data))
    assert texts_of(tmp_path / "a.parquet.gz", "a.parquet.gz") == [("3", "Il pleut.")]
    assert texts_of(data, "stdin") == [("3", "Il pleut.")]
