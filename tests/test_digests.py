"""The digest of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from certainty.digests import file_digest


@pytest.mark.parametrize("content", [b"", b"a", bytes(range(256)) * 5000])
def test_it_is_that_of_the_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights"
    path.write_bytes(content)
    assert file_digest(path) == hashlib.sha256(content).hexdigest()


def test_what_cannot_be_read_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_digest(tmp_path / "none")
    with pytest.raises(OSError):
        file_digest(tmp_path)
