"""Input from strangers: pages hold no markup of theirs, names no paths, cells no formulas, archives no bombs."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from documenting import archive, docx, epub, text_of, texts_of
from hypothesis import given, settings
from hypothesis import strategies as st

from certainty import CertaintyError, Document, Label
from certainty.alignment import align
from certainty.commands.page_files import RESERVED_STEMS, unique_stem
from certainty.comparison import Change, Comparison, SentencePair
from certainty.documents.archives import opened_archive, refuse_entities
from certainty.documents.finding import find_files
from certainty.json_lines import read_json_lines
from certainty.labels import LABELS
from certainty.model_info import ModelInfo
from certainty.normalising import reading_form
from certainty.sentence_score import Cue, SentenceScore, Source
from certainty.spreadsheets import CsvWriter, without_guard
from certainty.unread import SCORED_CHARACTERS, UNSPACED_CHARACTERS, read_form, unread_characters
from certainty.views.html import IndexEntry, render_comparison, render_fragment, render_index, render_page

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></script><script>alert(1)</script>",
    "<!--",
    "--><b>",
    "]]>",
    "<![CDATA[<b>]]>",
    "&lt;script&gt;",
    "&#60;b&#62;",
    "javascript:alert(1)",
    "{{ 7 * 7 }}",
    "<\0script>",
    "\ud800<b>",
    "\u202e<b>",
]
strings = st.lists(st.sampled_from(ATTACKS) | st.text(st.characters(), max_size=12), max_size=3).map(" ".join)


class Structure(HTMLParser):
    """The elements of a page with the names of their attributes, the comments, and the addresses; not its texts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[object] = []
        self.addresses: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, sorted(name for name, _ in attributes)))
        self.addresses += [value or "" for name, value in attributes if name in ("href", "src", "action")]

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")

    def handle_decl(self, declaration: str) -> None:
        self.found.append(declaration)

    def unknown_decl(self, data: str) -> None:
        self.found.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.found.append("instruction")


def tame(text: str) -> str:
    """Return a harmless text in whose place a page has the same elements: white space and slashes decide on some."""
    return re.sub(r"[^\s/]", "x", text)


def scored(text: str, name: str) -> Document:
    """Return a document of a single sentence with everything that a sentence can have."""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    words = text[start:end]
    model = ModelInfo(name, name, "0" * 64)
    if not words:
        return Document(text, (), model)
    shares = dict.fromkeys(LABELS, 0.25)
    cues, source = (Cue(start, end, words),), Source(start, end, words)
    score = SentenceScore(words, start, end, Label.DENIED, shares, 0.9, True, cues, Label.PROBABLE, 0.8, cues, source)
    return Document(text, (score,), model)


def pages(text: str, name: str) -> list[str]:
    """Return every kind of page, with a text and a name in every place where one may be."""
    document, other = scored(text, name), scored(f"{text} Fin", name)
    address = f"{unique_stem(name, set())}.html"
    sentences = (document[0], other[0]) if document and other else (None, other[0])
    changes = [SentencePair(change, *sentences) for change in Change if change not in (Change.ADDED, Change.REMOVED)]
    changes = changes if document else []
    changes += [SentencePair(Change.ADDED, None, other[0]), SentencePair(Change.REMOVED, other[0], None)]
    compared = Comparison(document, other, tuple(changes))
    return [
        render_page([document], [name], 0.5, index=address, title=name),
        render_page([document, other], [name, name], title=name, lang="fr"),
        render_index([IndexEntry(name, address, {"asserted": 1, "no_claim": 2})], name),
        render_fragment(document),
        render_comparison(compared, name),
    ]


@settings(deadline=None, max_examples=60)
@given(strings, strings)
def test_no_text_and_no_name_becomes_markup(text: str, name: str) -> None:
    for page, harmless in zip(pages(text, name), pages(tame(text), tame(name)), strict=True):
        hostile = Structure(page)
        assert hostile.found == Structure(harmless).found
        assert not any(":" in address for address in hostile.addresses)  # neither javascript: nor another host


@given(
    st.lists(strings | st.sampled_from(["../../etc/passwd", "..", "/", "C:\\a", "con", "NUL.txt", "-rf"]), max_size=6)
)
def test_no_name_of_a_page_is_a_path(names: list[str]) -> None:
    taken = {"index", *RESERVED_STEMS}
    for name in names:
        stem = unique_stem(name, taken)
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,90}", stem), stem
    assert len(taken) == 1 + len(RESERVED_STEMS) + len(names)


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠A1",
    '=HYPERLINK("http://x")',
]


@given(st.sampled_from(FORMULAS) | strings)
def test_no_cell_for_a_spreadsheet_is_a_formula(text: str) -> None:
    out = io.StringIO(newline="")
    CsvWriter(out, excel=True).write([text, -0.5, 3])
    ((cell, number, whole),) = csv.reader(io.StringIO(out.getvalue().removeprefix("\ufeff"), newline=""), delimiter=";")
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert (number, whole) == ("-0,500000", "3")
    assert without_guard(cell) == without_guard(text.replace("\0", "\ufffd"))


# ---- What the model does not read ------------------------------------------------------------------------------------


PIECES = ["La pluie", " tombe. ", "x" * 1001, "y" * 999, "\n", "&nbsp;", "\xad", " ", "la pluie " * 300]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_what_is_read_is_in_the_sentence_and_the_rest_is_counted(pieces: list[str]) -> None:
    sentence = "".join(pieces)
    form = read_form(sentence)
    assert len(form.offsets) == len(form.text) + 1 and len(form.ends) == len(form.text)
    assert all(len(run) <= UNSPACED_CHARACTERS for run in form.text.split())
    assert len(form.text) <= SCORED_CHARACTERS
    assert all(
        sentence[a:b].strip() in (c, "&nbsp;", "") for c, a, b in zip(form.text, form.offsets, form.ends, strict=False)
    )
    whole = reading_form(sentence).text
    assert unread_characters(sentence) == len(whole) - len(form.text)
    assert (form.text == whole) == (len(whole) <= SCORED_CHARACTERS and max(map(len, whole.split()), default=0) <= 1000)


# ---- Files -----------------------------------------------------------------------------------------------------------


def test_links_that_lead_in_circles_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("archive/inner")
    folder.mkdir(parents=True)
    for name in ("a.txt", ".hidden.txt"):
        (folder / name).write_text("Il pleut.")
    for name in ("one", "two", "three"):
        (folder / name).symlink_to(Path(".."))
    assert find_files(["archive"], recursive=True) == ["archive/inner/a.txt"]
    assert find_files(["archive/**/*.txt"]) == ["archive/inner/a.txt"]
    assert find_files([f"{tmp_path}/arch*/**/*.txt"]) == [f"{tmp_path}/archive/inner/a.txt"]
    assert find_files(["**/a.txt"]) == ["archive/inner/a.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("given", ["in", "in/*.txt", "in/**/*.txt"])
def test_pipes_in_a_folder_are_not_read(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/a.txt").write_text("Il pleut.")
    Path("in/link.txt").symlink_to("a.txt")
    os.mkfifo("in/pipe.txt")
    Path("in/to_pipe.txt").symlink_to("pipe.txt")
    assert find_files([given], recursive=True) == ["in/a.txt", "in/link.txt"]
    shown = "pipe.txt, to_pipe.txt" if given == "in" else "in/pipe.txt, in/to_pipe.txt"
    assert caplog.messages == [f"{given}: 2 files are not read, as only regular files are: {shown}."]
    assert find_files(["in/pipe.txt"], recursive=True) == ["in/pipe.txt"]


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({f"{i}": b"" for i in range(10_001)}, "has 10,001 members"),
        ({"a.xml": bytes(2_000_000)}, "would unpack to 2 MB"),
        ({"a.xml": bytes(900_000), "b.xml": bytes(900_000)}, None),
    ],
)
def test_archives_that_would_fill_the_memory(members: dict[str, bytes], told: str | None) -> None:
    data = zipped(members)
    if told is None:
        with opened_archive(data, "a.docx") as archive:
            assert archive.namelist() == list(members)
        return
    with pytest.raises(CertaintyError, match=told), opened_archive(data, "a.docx"):
        pass


def test_a_member_to_parse_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certainty.documents.archives._LARGEST_MARKUP", 10)
    with (
        pytest.raises(CertaintyError, match=r"its member word/document\.xml"),
        opened_archive(zipped({"word/document.xml": b"<a>" * 10}), "a.docx"),
    ):
        pass


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_entities_are_refused_wherever_they_are_declared(encoding: str) -> None:
    xml = f'<!-- {"x" * 10_000} --><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    with pytest.raises(CertaintyError, match="declares XML entities"):
        refuse_entities(xml.encode(encoding), "a.docx")


def test_a_line_of_a_compressed_file_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certainty.json_lines._LONGEST_LINE", 1000)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "Il pleut."}\n{"text": "' + b"x" * 5000 + b'"}\n'))
    rows = read_json_lines(path)
    assert next(rows) == (1, {"text": "Il pleut."})
    with pytest.raises(CertaintyError, match="line 2: has over"):
        next(rows)


# ---- Comparison ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("repeated", [1, 2, 40, 3000])
def test_long_versions_are_aligned_as_short_ones_are(repeated: int) -> None:
    old = [f"phrase {i % (3000 // repeated)}" for i in range(3000)]
    new = [*old[:700], "une phrase neuve", *old[700:2000], *old[2001:]]
    steps = align(old, new)
    assert sorted(step.old for step in steps if step.old is not None) == list(range(3000))
    assert [step.new for step in steps if step.new is not None] == list(range(len(new)))
    if repeated == 1:
        assert [step for step in steps if step.old is None or step.new is None] == [
            (None, 700, False),
            (2000, None, False),
        ]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(CertaintyError, match=r"a\.docx: would unpack to 400 MB, more than is allowed"):
        bomb = io.BytesIO()
        with (
            zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out,
            out.open("word/document.xml", "w") as member,
        ):
            for _ in range(400):
                member.write(bytes(1_000_000))
        pytest.importorskip("docx")
        texts_of(bomb.getvalue(), "a.docx")


def test_entities_of_strangers_are_not_followed(tmp_path: Path) -> None:
    pytest.importorskip("docx")
    pytest.importorskip("trafilatura")
    secret = tmp_path / "secret"
    secret.write_text("Le code est 1234.")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    with pytest.raises(CertaintyError, match="declares XML entities"):
        texts_of(archive(**{"word/document.xml": f"{entity}<w>&e;</w>"}), "a.docx")
    book = epub("Il pleut sur le port.", "Elle attend.")
    with zipfile.ZipFile(io.BytesIO(book)) as given:
        members = {name: given.read(name).decode() for name in given.namelist()}
    members["OEBPS/texte 0.xhtml"] = entity + members["OEBPS/texte 0.xhtml"].replace("port.", "port. &e;")
    text = text_of(archive(**members), "a.epub")
    assert "1234" not in text and "Elle attend." in text


def test_a_picture_with_a_document_type_is_no_declaration() -> None:
    file = io.BytesIO(docx("Il pleut."))
    with zipfile.ZipFile(file, "a") as out:
        out.writestr("word/media/a.svg", '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://a/svg11.dtd"><svg/>')
    assert text_of(file.getvalue(), "a.docx") == "Il pleut."
    with zipfile.ZipFile(file, "a") as out:
        out.writestr("word/media/b.svg", '<!DOCTYPE svg [<!ENTITY a "b">]><svg/>')
    with pytest.raises(CertaintyError, match="declares XML entities"):
        text_of(file.getvalue(), "a.docx")
