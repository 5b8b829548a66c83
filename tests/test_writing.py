"""Whole files: the old one or the new one, never a part, and one clear error."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from certainty import CertaintyError
from certainty.writing import check_output, draft, make_folder, whole_file, write_whole

FULL = Path("/dev/full")
needs_dev_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, "é\r\n\ud83d\n")
    assert path.read_bytes() == "é\r\n\\ud83d\n".encode()
    write_whole(path, b"\xff\0")
    assert path.read_bytes() == b"\xff\0"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as out:
        out.write("new" * 10_000)
        out.write(str(1 // 0))
    with pytest.raises(ZeroDivisionError), draft(path) as unfinished:
        unfinished.write_text(str(1 // 0))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_whole(link, "new")
    assert link.is_symlink() and path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_places_that_cannot_be_written_are_told_before_the_work(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text("x")
    for output, inputs, message in (
        (tmp_path, [], "is a directory; give a file in it"),
        (tmp_path / "none" / "a.txt", [], "there is no folder .*none; create it"),
        (tmp_path / "." / "rows.jsonl", [source], "is one of the inputs"),
    ):
        with pytest.raises(CertaintyError, match=message):
            check_output(output, inputs)
        with pytest.raises(CertaintyError, match=message), draft(output, inputs):
            pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(CertaintyError, match="is read-only"):
        write_whole(path, "new")
    assert path.read_text() == "old"


@needs_dev_full
def test_a_full_disk_is_one_error_and_other_failures_stay_themselves(tmp_path: Path) -> None:
    for write in (lambda: write_whole(FULL, "x" * 100_000), lambda: write_whole(FULL, b"x")):
        with pytest.raises(CertaintyError, match=r"/dev/full: cannot be written \(No space left on device\)"):
            write()
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a.txt") as out:
        out.write((tmp_path / "missing").read_text())
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(CertaintyError, match="a: is a file; give a folder"):
        make_folder(tmp_path / "a")
    assert make_folder(tmp_path / "b" / "c").is_dir()


@needs_dev_full
def test_a_command_on_a_full_disk_says_so_in_one_line() -> None:
    run = [sys.executable, "-m", "certainty", "score", "--format", "jsonl"]
    with FULL.open("w") as out:
        done = subprocess.run(run, input=b"Il pleut.", stdout=out, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    message = "error: cannot write (No space left on device); free some space or give another output.\n"
    assert done.stderr.decode() == message
