"""`certainty view`, with the shipped model."""

import os
import re
import sys
from pathlib import Path

import pytest

from certainty.cli import main
from certainty.views.html import GENERATOR

TEXT = "Le maire a signé. Le pont aurait cédé.\n\nMoscou dément.\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a text in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "article.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file())


def links(page: Path) -> list[str]:
    return re.findall(r'href="([^"]+)"', page.read_text(encoding="utf-8"))


def test_a_text_becomes_a_page_in_the_current_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "texts").mkdir()
    (folder / "article.txt").rename(folder / "texts" / "article.txt")
    assert main(["view", "texts/article.txt"]) == 0
    assert capsys.readouterr().out == "article.html\n"
    assert files(folder) == ["article.html", "texts/article.txt"]
    page = (folder / "article.html").read_text(encoding="utf-8")
    assert "<u>aurait</u>" in page and GENERATOR in page
    assert main(["view", "texts/article.txt", "--min-confidence", "1"]) == 0  # a page of ours may be replaced
    assert 'data-category="undecided"' in (folder / "article.html").read_text(encoding="utf-8")


def test_somebody_elses_file_is_not_replaced_by_default(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "article.html").write_text("<p>the article as it was published", encoding="utf-8")
    assert main(["view", "article.txt"]) == 2
    assert "article.html: exists already and was not written by certainty" in capsys.readouterr().err
    (folder / "pages").mkdir()
    (folder / "pages" / "index.html").write_text("a site", encoding="utf-8")
    assert main(["view", "article.txt", "-o", "pages/"]) == 2
    assert files(folder) == ["article.html", "article.txt", "pages/index.html"]
    assert main(["view", "article.txt", "-o", "article.html"]) == 0


@pytest.mark.parametrize("output", ["article.txt", "./article.txt"])
def test_an_input_is_never_replaced(folder: Path, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "article.txt", "-o", output]) == 2
    assert "is one of the inputs" in capsys.readouterr().err
    assert main(["view", "article.txt", "-o", "article.html"]) == 0
    page = (folder / "article.html").read_bytes()
    assert main(["view", "article.html"]) == 2
    assert main(["view", "article.html", "-o", "./"]) == 2
    assert (folder / "article.html").read_bytes() == page
    assert files(folder) == ["article.html", "article.txt"]


def test_a_folder_gets_an_index_and_a_page_a_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [
        "article.txt",
        "b/article.txt",
        "b/ARTICLE.md",
        "Été à l’Orvanne <1>.txt",
        "index.txt",
        "con.txt",
        "文.txt",
    ]
    if sys.platform == "win32":
        names = names[:3]
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(TEXT, encoding="utf-8")
    assert main(["view", *names, "-o", "pages/"]) == 0
    assert Path(capsys.readouterr().out.strip()) == Path("pages/index.html")
    written = links(folder / "pages" / "index.html")
    assert written[:3] == ["article.html", "article-2.html", "ARTICLE-3.html"]
    if sys.platform != "win32":
        assert written[3:] == ["Ete-a-lOrvanne-1.html", "index-2.html", "con-2.html", "text.html"]
    assert sorted([*written, "index.html"]) == sorted(path.name for path in (folder / "pages").iterdir())
    assert all(links(folder / "pages" / page) == ["index.html"] for page in written)
    assert not [name for name in files(folder) if ".certainty" in name]


def test_an_index_names_texts_without_the_folder_that_they_share(folder: Path) -> None:
    for name in ("texts/a.txt", "texts/deep/a.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(TEXT, encoding="utf-8")
    (folder / "here").mkdir()
    os.chdir(folder / "here")  # which `folder` undoes
    assert main(["view", "../texts/a.txt", "../texts/deep/a.txt", "-o", "pages/"]) == 0
    index = Path("pages/index.html").read_text(encoding="utf-8")
    assert re.findall("<bdi>(.*?)</bdi>", index) == ["a.txt", "deep/a.txt"]


def test_several_texts_by_default_and_on_one_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "other.txt").write_text("Il pleut.", encoding="utf-8")
    assert main(["view", "article.txt", "other.txt"]) == 0
    assert Path(capsys.readouterr().out.strip()) == Path("certainty-pages/index.html")
    assert links(folder / "certainty-pages" / "index.html") == ["article.html", "other.html"]
    assert main(["view", "article.txt", "missing.txt", "other.txt", "-o", "all.html"]) == 2
    assert "missing.txt: no such file" in capsys.readouterr().err
    page = (folder / "all.html").read_text(encoding="utf-8")
    assert ">2 texts</h1>" in page and re.findall(r"<h2><bdi>(.*?)</bdi>", page) == ["article.txt", "other.txt"]


def test_open_shows_a_temporary_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: bool(opened.append(address) or True))
    monkeypatch.setattr("tempfile.tempdir", str(folder / "temporary"))
    (folder / "temporary").mkdir()
    assert main(["view", "article.txt", "--open"]) == 0
    page = Path(capsys.readouterr().out.strip())
    assert opened == [page.as_uri()]
    assert page.name == "article.html" and page.is_relative_to(folder / "temporary")
    assert main(["view", "article.txt", "--open", "-o", "kept.html"]) == 0
    assert opened[1] == (folder / "kept.html").as_uri()

    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert main(["view", "article.txt", "--open", "-o", "kept.html"]) == 2
    assert "kept.html: no web browser was found" in capsys.readouterr().err


@pytest.mark.parametrize(("output", "made"), [("page.html", "page.html"), ("pages/", "pages/index.html")])
def test_texts_that_a_page_lacks_are_told(output: str, made: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "article.txt", "missing.txt", "-o", output]) == 2
    told = capsys.readouterr()
    assert Path(told.out.strip()) == Path(made)
    assert told.err.endswith(f"warning: {made} does not contain missing.txt; see the errors above.\n")


@pytest.mark.parametrize("name", ["missing.txt", "empty.txt", "binary.txt"])
def test_nothing_is_written_where_nothing_can_be_read(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty.txt").write_text(" \n")
    (folder / "binary.txt").write_bytes(bytes(range(256)))
    before = files(folder)
    for output in ([], ["-o", "pages/"], ["-o", "page.html"]):
        assert main(["view", name, *output]) == 2
    assert capsys.readouterr().err.count(f"error: {name}: ") == 3
    assert files(folder) == before


def test_an_interrupted_run_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("certainty.views.html.render_index", interrupted)
    assert main(["view", "article.txt", "-o", "pages/"]) == 130
    assert files(folder) == ["article.txt"] and not (folder / "pages").exists()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("none/page.html", "there is no folder none"),
        ("none/pages/", "there is no folder none"),
        ("article.txt/", "cannot be written"),
    ],
)
def test_an_output_that_cannot_be_written(
    folder: Path, output: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", "article.txt", "-o", output]) == 2
    assert said in capsys.readouterr().err
    assert files(folder) == ["article.txt"]


@pytest.mark.parametrize("name", ["out.csv", "pages", "page.txt"])
def test_a_page_is_named_as_one(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "article.txt", "-o", name]) == 2
    assert "the name of a page ends in .html or .htm, and that of a folder in /" in capsys.readouterr().err
    assert not Path(name).exists()


def test_standard_output_is_for_score(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "article.txt", "-o", "-"]) == 2
    assert "certainty score --format html" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["1.5", "-0.1", "nan", "0,8", "high"])
@pytest.mark.parametrize("command", ["view", "score"])
def test_least_confidence_is_a_probability(command: str, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "article.txt", f"--min-confidence={given}"])
    assert caught.value.code == 2
    assert re.search(r"--min-confidence: .*give a number between 0 and 1", capsys.readouterr().err)


@pytest.mark.parametrize(
    "text", ["\u202eIl est parti.\u202c Fin.", "Oui 😀.\r\nIl serait là.", "שלום. Il ment.", "a" * 3000]
)
def test_odd_texts_make_pages(folder: Path, text: str) -> None:
    (folder / "odd.txt").write_text(text, encoding="utf-8", newline="")
    assert main(["view", "odd.txt", "--force"]) == 0
    assert 'class="certainty-sentence' in (folder / "odd.html").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no UTF-8")
def test_file_name_that_is_no_utf8(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    (folder / name).write_text(TEXT, encoding="utf-8")
    assert main(["view", name]) == 0
    assert main(["view", name, "-o", "pages/"]) == 0
    assert links(folder / "pages" / "index.html") == ["caf.html"]


def test_a_title_and_a_language_are_those_that_are_given(folder: Path) -> None:
    (folder / "texts").mkdir()
    (folder / "article.txt").rename(folder / "texts" / "article.txt")
    assert main(["view", "texts/article.txt"]) == 0
    assert "<h1><bdi>article.txt</bdi></h1>" in (folder / "article.html").read_text(encoding="utf-8")
    assert main(["view", "texts/article.txt", "--title", "Le pont & la ville", "--lang", "fr"]) == 0
    page = (folder / "article.html").read_text(encoding="utf-8")
    assert "<title>Le pont &amp; la ville – certainty</title>" in page and '<html lang="fr">' in page
    assert ">présenté comme un fait</span>" in page
    assert main(["view", "texts/article.txt", "-o", "pages/", "--title", "Archives", "--lang", "fr"]) == 0
    index = (folder / "pages" / "index.html").read_text(encoding="utf-8")
    assert "<h1><bdi>Archives</bdi></h1>" in index and ">3 phrases</span>" in index
    assert ">Tous les textes</a>" in (folder / "pages" / "article.html").read_text(encoding="utf-8")


def test_two_versions_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "new.txt").write_text(TEXT.replace("aurait", "a") + "Il pleut.\n", encoding="utf-8")
    assert main(["view", "--compare", "article.txt", "new.txt"]) == 0
    said = capsys.readouterr()
    assert said.out == "article-new.html\n"
    assert "3 sentences before, 4 sentences after · commitment changed: 1 · reworded: 0 · added: 1" in said.err
    page = (folder / "article-new.html").read_text(encoding="utf-8")
    assert "<bdi>article.txt → new.txt</bdi>" in page and "probable → asserted" in page
    assert main(["view", "--compare", "article.txt", "new.txt", "-o", "changes.html", "--lang", "fr"]) == 0
    assert '<html lang="fr">' in (folder / "changes.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["article.txt"], "--compare takes two texts, the old version and the new one; 1 given"),
        (["article.txt", "rows.csv"], "not tables"),
        (["article.txt", "missing.txt"], "missing.txt: no such file"),
        (["article.txt", "article.txt", "-o", "pages/"], "--compare writes one page"),
        (["article.txt", "article.txt", "--min-confidence", "0.5"], "shows every label"),
    ],
)
def test_what_cannot_be_compared(
    folder: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "rows.csv").write_text("text\nIl pleut.\nIl neige.\n", encoding="utf-8")
    assert main(["view", "--compare", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert files(folder) == ["article.txt", "rows.csv"]
