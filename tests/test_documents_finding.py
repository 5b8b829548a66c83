"""Names, folders and patterns that stand for files, and `read_files`, which takes them in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from certainty import CertaintyError, read_files
from certainty.documents.finding import find_files


def test_folders_and_patterns_stand_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a/x.HTML", "a/b/y.pdf", "a/.z.txt", ".h/w.txt", "a/~$x.docx", "a/image.png", "out.csv"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert find_files(["a"], recursive=True) == ["a/b/y.pdf", "a/x.HTML"]
    told = "a: 1 file is not read, as the ending stands for no kind of text: image.png."
    assert caplog.messages == [told]
    assert find_files([".", "b.txt"], True, [Path("out.csv")]) == ["./a/b/y.pdf", "./a/x.HTML", "./b.txt", "b.txt"]
    assert find_files(["*.txt", "none.txt", "-"]) == ["b.txt", "none.txt", "-"]
    assert find_files(["**/*.pdf"]) == ["a/b/y.pdf"]
    for names, said in ((["*.odt"], "matches no file"), ([".h"], "contains no file")):
        (Path(".h") / "w.txt").unlink(missing_ok=True)
        with pytest.raises(CertaintyError, match=said):
            find_files(names, recursive=True)


def test_files_are_read_in_python_as_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("id;message\nk1;Il pleut.\nk2;\nk3;Il neige.\n", encoding="utf-8")
    Path("b.txt").write_bytes("Il a plu cet été.".encode("cp1252"))
    rows = [("Il pleut.", "k1"), ("Il neige.", "k3")]
    text = ("Il a plu cet été.", "b.txt")
    assert list(read_files("b.txt")) == list(read_files(Path("b.txt"))) == [text]
    assert list(read_files("a.csv", text_column="message")) == rows
    several = [(text, f"a.csv#{key}") for text, key in rows] + [text]
    assert list(read_files(["a.csv", "*.txt"], text_column="message")) == several
    assert [text for text, _ in read_files(".", recursive=True, text_column="message")] == [t for t, _ in several]
    with pytest.raises(CertaintyError, match=r"none\*: matches no file"):
        read_files("none*")
    with pytest.raises(CertaintyError, match=r"c\.txt: no such file"):
        list(read_files(["b.txt", "c.txt"]))


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        (None, {}, "None is not the name of a file"),
        (b"a.txt", {}, "b'a.txt' is not the name of a file"),
        (["a.txt", 5], {}, "5 is not the name of a file"),
        ("a.csv", {"text_column": 5}, "text_column is 5; give the name of a column"),
        ("a.csv", {"id_column": 5}, "id_column is 5; give a string, or None"),
    ],
)
def test_arguments_of_a_wrong_type_are_told(files: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(CertaintyError, match=said):
        read_files(files, **options)
