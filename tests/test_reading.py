"""Files in the encodings that French texts come in, and files that are no texts."""

import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certainty import CertaintyError
from certainty.reading import decode, read_text

TEXT = "Où ira l’élève ?\r\nLe cœur a coûté 3 €.\rFin.\n"


def write(folder: Path, data: bytes) -> Path:
    path = folder / "article.txt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_detects_the_encoding_and_keeps_line_breaks(tmp_path: Path, encoding: str) -> None:
    assert read_text(write(tmp_path, TEXT.encode(encoding))) == TEXT


def test_detects_big_endian_utf16(tmp_path: Path) -> None:
    assert read_text(write(tmp_path, b"\xfe\xff" + TEXT.encode("utf-16-be"))) == TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac-roman"])
def test_takes_the_given_encoding(tmp_path: Path, encoding: str) -> None:
    assert read_text(write(tmp_path, TEXT.encode(encoding)), encoding) == TEXT


def test_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert read_text(write(tmp_path, b"\xff\xfe" + TEXT.encode("utf-16-le")), "utf-16-le") == TEXT
    assert read_text(write(tmp_path, TEXT.encode("utf-8-sig")), "utf-8") == TEXT


def test_windows_1252_is_warned_of_and_utf8_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read_text(write(tmp_path, TEXT.encode()))
        assert not caplog.messages
        path = write(tmp_path, TEXT.encode("cp1252"))
        read_text(path)
    assert len(caplog.messages) == 1
    assert str(path) in caplog.messages[0] and "Windows-1252" in caplog.messages[0]


@pytest.mark.parametrize("bad", [b"\x92", b"\xc3"])
def test_a_bad_byte_in_utf8_is_named_and_costs_one_character(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bad: bytes
) -> None:
    lines = ["L’été fut sec.\r\n", "Là, ", "e dément l’élu."]
    data = [line.encode() for line in lines]
    assert read_text(path := write(tmp_path, b"".join([*data[:2], bad, data[2]]))) == "".join(
        [*lines[:2], "\ufffd", lines[2]]
    )
    (message,) = caplog.messages
    assert message.startswith(f"{path}: 1 place is not valid UTF-8, the first (0x{bad[0]:02X}) in line 2, column 5")


@pytest.mark.parametrize(("encoding", "said"), [("cp850", "MS-DOS"), ("mac-roman", "Mac OS")])
def test_accents_of_older_systems_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encoding: str, said: str
) -> None:
    text = "L'élève a été reçu à l'hôtel où il était déjà allé."
    assert read_text(write(tmp_path, text.encode(encoding))) == text
    assert said in caplog.text


@pytest.mark.parametrize(
    ("data", "encoding", "says"),
    [
        (b"", None, "is empty"),
        (b"\xef\xbb\xbf", None, "is empty"),
        (b" \r\n\t", None, "is empty"),
        ("\u00a0\n".encode(), None, "is empty"),
        (b"PK\x03\x04\x00\x00\xe9", None, "is binary data"),
        (bytes(range(1, 256)) * 3, None, "is binary data"),
        (b"Il pleut.\0\n", None, "is binary data"),
        ("L’été".encode("utf-16-be"), None, "encoding='utf-16-be'"),
        ("é".encode("utf-16-le"), None, "utf-16-le"),
        (b"caf\xe9", "utf-8", "cannot be decoded as utf-8"),
        (b"\xff\xfea", None, "cannot be decoded as utf-16"),
        (b"\xe9\x81\x81\x8d", None, "cannot be decoded as cp1252"),
        (b"abc", "klingon", "unknown encoding 'klingon'"),
        (b"abc", "hex", "unknown encoding 'hex'"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, data: bytes, encoding: str | None, says: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(CertaintyError) as caught:
        read_text(path, encoding)
    assert str(caught.value).startswith(f"{path}: ") and says in str(caught.value)
    assert ";" in str(caught.value), "the mend is missing"


def test_says_that_a_file_is_missing_or_a_directory(tmp_path: Path) -> None:
    with pytest.raises(CertaintyError, match=r"missing\.txt: no such file"):
        read_text(tmp_path / "missing.txt")
    with pytest.raises(CertaintyError, match="is a directory"):
        read_text(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_says_that_a_file_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, b"abc")
    path.chmod(0)
    with pytest.raises(CertaintyError, match="permissions"):
        read_text(path)


@given(st.binary(max_size=80))
def test_any_bytes_give_text_or_a_message(data: bytes) -> None:
    try:
        text = decode(data, "x")
    except CertaintyError as error:
        assert str(error).startswith("x: ")
    else:
        assert text.strip() and "\0" not in text
