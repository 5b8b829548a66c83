"""The views of a scored document, on documents built by hand."""

import base64
import csv
import hashlib
import io
import itertools
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

import certainty
from certainty import CertaintyError, Cue, Document, Label, ModelInfo, SentenceScore, Source
from certainty.labels import LABELS
from certainty.model_folder import HEADS
from certainty.views.html import IndexEntry, render_fragment, render_index, render_page
from certainty.views.language import LANGUAGES, language
from certainty.views.palette import DARK, INKS, LIGHT, TINTS, tint_opacity
from certainty.views.plain import write_plain
from certainty.views.records import CSV_COLUMNS, write_csv, write_json, write_jsonl
from certainty.views.table import write_table
from certainty.views.terminal import write_marked_text, write_text
from certainty.views.wording import percent, split_at_cues

TEXT = "Le pont aurait cédé.\r\n\r\n« Il\u00a0tient\u00a0», dit\nle <b>maire</b> & co.\tQui\u00a0paiera\u00a0?\n"


def scored(
    text: str, start: int, end: int, label: Label, cues: tuple[str, ...] = (), claim: bool = True, source: bool = False
) -> SentenceScore:
    rest = {other: 0.03 for other in LABELS}
    spans = tuple(Cue(text.index(cue, start), text.index(cue, start) + len(cue), cue) for cue in cues)
    probabilities = {**rest, label: 0.91}
    if not claim:
        return SentenceScore(text[start:end], start, end, Label.NO_CLAIM, probabilities, 0.07, False, ())
    return SentenceScore(text[start:end], start, end, label, probabilities, 0.98, source, spans)


def span(words: str) -> tuple[int, int]:
    return TEXT.index(words), TEXT.index(words) + len(words)


DOCUMENT = Document(
    TEXT,
    (
        scored(TEXT, *span("Le pont aurait cédé."), Label.PROBABLE, ("aurait",)),
        scored(TEXT, *span("« Il\u00a0tient\u00a0», dit\nle <b>maire</b> & co."), Label.ASSERTED, source=True),
        scored(TEXT, *span("Qui\u00a0paiera\u00a0?"), Label.DENIED, claim=False),
    ),
)


NAMED = Document(
    TEXT,
    (
        replace(DOCUMENT[0], second=Label.DENIED, second_probability=0.7512345, second_cues=(Cue(15, 19, "cédé"),)),
        replace(DOCUMENT[1], second_probability=0.01, source=Source(*span("<b>maire</b>"), "<b>maire</b>")),
        DOCUMENT[2],
    ),
)


UNTAUGHT = Document(
    TEXT,
    tuple(replace(one, claim_probability=None, attributed=None, cues=()) for one in DOCUMENT[:2]),
    ModelInfo("mine", None, "0" * 64, ("second", "source")),
)
"""As a model gives it that was taught neither claims nor attribution nor cues."""


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any text, cut anywhere, with cues anywhere, overlapping ones too."""
    text = draw(st.text(st.characters(), max_size=60))
    places = st.integers(0, len(text))
    cuts = sorted(draw(st.lists(places, max_size=8)))
    sentences = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        if start == end:
            continue
        within = st.integers(start, end)
        pairs = [sorted(pair) for pair in draw(st.lists(st.tuples(within, within), max_size=3))]
        p = draw(st.floats(0.25, 1))
        label = draw(st.sampled_from(LABELS))
        probabilities = {other: p if other is label else (1 - p) / 3 for other in LABELS}
        cues = tuple(Cue(a, b, text[a:b]) for a, b in pairs if a < b)
        claim = draw(st.floats(0, 1))
        if draw(st.booleans()):
            flags = label, probabilities, claim, draw(st.booleans()), cues
        else:
            flags = Label.NO_CLAIM, probabilities, claim, False, ()
        sentences.append(SentenceScore(text[start:end], start, end, *flags))
    return Document(text, tuple(sentences))


def written(write: Callable[..., None], *documents: Document, **options: object) -> str:
    out: TextIO = io.StringIO(newline="")
    write([(f"{i}.txt", document) for i, document in enumerate(documents)], out, **options)
    return out.getvalue()  # type: ignore[attr-defined, no-any-return]


class Reader(HTMLParser):
    """The text inside `certainty-text` elements, and the attributes of every element."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self._depth = "", 0
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if self._depth or ("class", "certainty-text") in attributes:
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        self._depth = max(0, self._depth - 1)

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.text += data


def test_html_keeps_the_whole_text_and_escapes_it() -> None:
    evil = "<script>alert(\"x\")</script> a\n& 'b'"
    document = Document(evil, (scored(evil, 0, len(evil), Label.DENIED, ("<script>",)),))
    page = render_page([DOCUMENT, document], ["<i>", "b"])
    assert Reader(page).text == TEXT + evil
    assert not {"i", "b"} & {tag for tag, _ in Reader(page).tags}
    assert "&lt;script&gt;" in page and "<h2><bdi>&lt;i&gt;</bdi></h2>" in page
    assert [tag for tag, _ in Reader(page).tags].count("script") == 1


def test_html_asks_nothing_of_the_network_and_admits_its_own_script_alone() -> None:
    page = render_page([DOCUMENT], ["article.txt"])
    assert not re.search(r"https?:|url\(|@import|\bsrc=", page)
    assert not {"link", "img", "iframe"} & {tag for tag, _ in Reader(page).tags}
    (policy,) = (a["content"] for _, a in Reader(page).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none';")
    for tag in ("style", "script"):
        source = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
    assert "script-src 'unsafe" not in policy and "onclick" not in page


def sentence_tags(page: str) -> list[dict[str, str | None]]:
    return [a for tag, a in Reader(page).tags if "certainty-sentence" in (a.get("class") or "")]


def test_html_shows_label_strength_cue_and_source() -> None:
    page = DOCUMENT.to_html()
    sentences = sentence_tags(page)
    assert [s["aria-label"] for s in sentences] == ["probable, 91%", "asserted, 91%, attributed", "no claim, 93%"]
    assert sentences[2]["title"] == "no claim 93%" and sentences[2]["data-probability"] == "0.9300"
    assert sentences[0]["title"] == "asserted 3% · probable 91% · personal opinion 3% · denied 3%"
    assert sentences[0]["style"] == f"--opacity:{tint_opacity(0.91):.2f}"
    assert "certainty-attributed" in str(sentences[1]["class"])
    assert "<u>aurait</u>" in page
    assert 'aria-label="asserted 33%, probable 33%, no claim 33%"' in page
    shares = dict(re.findall(r'<li data-category="(\w+)">.*?certainty-share">([^<]*)<', page))
    assert shares == {
        "asserted": "1 · 33%",
        "probable": "1 · 33%",
        "personal_opinion": "0 · 0%",
        "denied": "0 · 0%",
        "no_claim": "1 · 33%",
    }


def test_html_of_several_texts_sums_them_up() -> None:
    page = render_page([DOCUMENT, DOCUMENT], ["a.txt", "b.txt"])
    assert '<h1 data-word="texts" data-n="2">2 texts</h1>' in page and page.count('<ul class="certainty-key"') == 1
    assert 'data-category="probable"' in page and "2 · 33%" in page


def test_index_links_the_pages_and_sums_them_up() -> None:
    counts = {"asserted": 1, "denied": 3}
    page = render_index([IndexEntry("<a>.txt", "a b.html", counts), IndexEntry("b", "b.html", {"asserted": 4})])
    assert ">4 sentences<" in page and ">1 sentence<" in render_index([IndexEntry("c", "c.html", {"denied": 1})])
    links = [a["href"] for tag, a in Reader(page).tags if tag == "a"]
    assert links == ["a%20b.html", "b.html"]
    assert "<bdi>&lt;a&gt;.txt</bdi>" in page
    assert 'aria-label="asserted 62%, denied 38%"' in page and 'aria-label="asserted 25%, denied 75%"' in page
    assert 'href="index.html"' in render_page([DOCUMENT], ["a"], index="index.html")


def test_html_fragment_is_no_page_and_restyles_nothing_outside() -> None:
    fragment = DOCUMENT._repr_html_()
    assert fragment == render_fragment(DOCUMENT)
    assert "<html" not in fragment and "<body" not in fragment
    assert not [attributes for _, attributes in Reader(fragment).tags if "id" in attributes]
    style = re.sub(r"/\*.*?\*/", "", fragment.partition("<style>")[2].partition("</style>")[0], flags=re.DOTALL)
    style = re.sub(r"@(media|container)[^{]*\{(([^{}]*\{[^{}]*\})*)\s*\}", r"\2", style)
    selectors = [part.strip() for rule in style.split("}") for part in rule.partition("{")[0].split(",")]
    assert len(selectors) > 50
    assert all(re.match(r"(\S+ )?\.certainty", selector) for selector in selectors if selector)


def test_claims_under_the_least_confidence_are_undecided() -> None:
    page = render_page([DOCUMENT], min_confidence=0.92)
    assert [s["data-category"] for s in sentence_tags(page)] == ["undecided", "undecided", "no_claim"]
    assert sentence_tags(page)[0]["aria-label"] == "undecided, probable, 91%"
    assert 'aria-label="undecided 67%, no claim 33%"' in page
    assert "under 0.92." in page and "under 0" not in DOCUMENT.to_html()
    assert render_page([DOCUMENT], min_confidence=0.92) == DOCUMENT.to_html(min_confidence=0.92)
    assert "undecided" not in {s["data-category"] for s in sentence_tags(DOCUMENT.to_html(min_confidence=0.91))}

    plain = written(write_plain, DOCUMENT, min_confidence=0.92).splitlines()
    assert plain[0] == "# 0.txt: 0 asserted, 0 probable, 0 personal_opinion, 0 denied, 2 undecided, 1 no_claim"
    assert [line.split()[0] for line in plain[1:]] == ["undecided", "undecided", "no_claim"]
    for view in (write_table, write_text):
        shown = re.sub(r"\x1b\[[\d;]*m", "", written(view, DOCUMENT, min_confidence=0.92, width=100))
        assert re.search(r"^\?.*Le pont aurait cédé\.", shown, re.MULTILINE) and "2 undecided" in shown


def test_records_say_what_is_undecided_and_lose_nothing() -> None:
    rows = [json.loads(line) for line in written(write_jsonl, DOCUMENT, min_confidence=0.92).splitlines()]
    assert [row.pop("undecided") for row in rows] == [True, True, False]
    assert rows == [json.loads(line) for line in written(write_jsonl, DOCUMENT).splitlines()]
    record = json.loads(written(write_json, DOCUMENT, as_list=False, min_confidence=0.5))
    assert [row.pop("undecided") for row in record["sentences"]] == [False] * 3
    assert record == json.loads(written(write_json, DOCUMENT, as_list=False))
    table = list(csv.DictReader(io.StringIO(written(write_csv, DOCUMENT, min_confidence=0.92), newline="")))
    assert [row["undecided"] for row in table] == ["true", "true", "false"]
    assert "undecided" not in written(write_csv, DOCUMENT)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "0.5", True])
def test_least_confidence_is_a_probability(value: object) -> None:
    for render in (DOCUMENT.to_html, lambda min_confidence: render_fragment(DOCUMENT, min_confidence)):
        with pytest.raises(CertaintyError, match=r"min_confidence is .*; give a number between 0 and 1"):
            render(min_confidence=value)  # type: ignore[operator]


def test_running_text_keeps_its_paragraphs_and_marks_sentences() -> None:
    assert written(write_marked_text, DOCUMENT).split("\n") == [
        "# 0.txt: 1 asserted, 1 probable, 0 personal_opinion, 0 denied, 1 no_claim",
        "# = asserted, ≈ probable, ◆ personal opinion, ≠ denied, ? undecided, ∅ no claim, ❞ "
        "attributed, _words that decided_",
        "",
        "≈ Le pont _aurait_ cédé.",
        "",
        "= « Il\u00a0tient\u00a0», dit le <b>maire</b> & co. ❞ ∅ Qui\u00a0paiera\u00a0?",
        "",
        "",
    ]
    coloured = written(write_text, DOCUMENT, width=40)
    assert re.search(r"\x1b\[1;4;[\d;]*maurait\x1b\[0m", coloured)
    assert re.search(r"\x1b\[2mQui\u00a0paiera\u00a0\?", coloured)
    assert max(map(len, re.sub(r"\x1b\[[\d;]*m", "", coloured).split("\n"))) <= 40


def test_html_needs_a_title_for_each_document() -> None:
    with pytest.raises(ValueError, match="argument"):
        render_page([DOCUMENT], ["a", "b"])


def contrast(one: Sequence[int], other: Sequence[int]) -> float:
    """Contrast ratio of WCAG 2."""
    dark, light = sorted(
        sum(
            weight * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
            for weight, c in zip((0.2126, 0.7152, 0.0722), (part / 255 for part in colour), strict=True)
        )
        for colour in (one, other)
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("label", LABELS)
def test_colours_are_readable(label: Label) -> None:
    for background, text, dim in (LIGHT, DARK):
        a = tint_opacity(1)
        tinted = tuple(round(a * t + (1 - a) * b) for t, b in zip(TINTS[label], background, strict=True))
        assert contrast(tinted, text) >= 4.5
        assert contrast(background, dim) >= 4.5
    ink = tuple(bytes.fromhex(INKS[label][1:]))
    assert min(contrast(ink, (0, 0, 0)), contrast(ink, (255, 255, 255))) >= 4.4


def test_plain_is_one_aligned_line_a_sentence() -> None:
    lines = written(write_plain, DOCUMENT).split("\n")
    assert lines == [
        "# 0.txt: 1 asserted, 1 probable, 0 personal_opinion, 0 denied, 1 no_claim",
        "probable           91%  -           Le pont aurait cédé.  [aurait]",
        "asserted           91%  attributed  « Il\u00a0tient\u00a0», dit le <b>maire</b> & co.",
        "no_claim           93%  -           Qui\u00a0paiera\u00a0?",
        "",
    ]


def test_plain_wraps_and_cuts_nothing() -> None:
    text = "mot " * 500 + "fin."
    assert text in written(write_plain, Document(text, (scored(text, 0, len(text), Label.ASSERTED),)))


def test_table_underlines_cues_and_dims_what_claims_nothing() -> None:
    table = written(write_table, DOCUMENT, width=100)
    assert re.search(r"\x1b\[1;4;[\d;]*maurait\x1b\[0m", table)
    assert re.search(r"\x1b\[2mQui\u00a0paiera\u00a0\?", table)
    assert "1 no claim" in re.sub(r"\x1b\[[\d;]*m", "", table) and "❞ attributed" in table


@pytest.mark.parametrize("width", [30, 59, 60, 100])
def test_table_wraps_to_the_width_and_never_at_a_no_break_space(width: int) -> None:
    text = "Il « demande », dit-on : « pourquoi ? » et « comment ? » " * 4
    text = text.replace("« ", "«\u00a0").replace(" »", "\u00a0»").replace(" ?", "\u202f?").replace(" :", "\u00a0:")
    table = written(write_table, Document(text, (scored(text, 0, len(text), Label.DENIED, ("demande",)),)), width=width)
    lines = re.sub(r"\x1b\[[\d;]*m", "", table).split("\n")
    assert max(map(len, lines)) <= width
    assert len(lines) > 6
    assert not [line for line in lines if line.strip()[:1] in {"»", "?", ":"} and line.strip()]


def test_csv_round_trip() -> None:
    rows = list(csv.DictReader(io.StringIO(written(write_csv, DOCUMENT, DOCUMENT), newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["file"] for row in rows] == ["0.txt"] * 3 + ["1.txt"] * 3
    for row, sentence in zip(rows, [*DOCUMENT, *DOCUMENT], strict=True):
        assert TEXT[int(row["start"]) : int(row["end"])] == row["text"] == sentence.text
        assert row["label"] == sentence.label
        assert float(row["probability"]) == pytest.approx(sentence.probability)
        assert [float(row[label]) for label in LABELS] == [sentence.probabilities[label] for label in LABELS]
        assert float(row["claim_probability"]) == sentence.claim_probability
        assert row["certainty"] == ("" if sentence.certainty is None else str(round(sentence.certainty, 6)))
        assert (row["is_claim"] == "true", row["attributed"] == "true") == (sentence.is_claim, sentence.attributed)
        assert row["cues"] == " | ".join(cue.text for cue in sentence.cues)


def test_second_claims_and_sources_in_every_view() -> None:
    rows = list(csv.DictReader(io.StringIO(written(write_csv, NAMED), newline="")))
    found = [(row["second"], row["second_probability"], row["second_cues"], row["source"]) for row in rows]
    assert found == [("denied", "0.751235", "cédé", ""), ("", "0.01", "", "<b>maire</b>"), ("", "", "", "")]
    assert "+ denied [cédé]" in written(write_plain, NAMED)
    assert "❞ <b>maire</b>" in written(write_plain, NAMED)
    table = re.sub("\x1b[^m]*m", "", written(write_table, NAMED, width=120))
    assert "+ denied [cédé]" in table and "❞ <b>maire</b>" in table
    page = NAMED.to_html()
    start, end = span("<b>maire</b>")
    assert 'data-second="denied" data-second-probability="0.751235" data-second-cues="15-19"' in page
    assert page.count(f'data-source="{start}-{end}"') == page.count("data-source=") == 1


def test_a_page_says_what_the_model_cannot_tell() -> None:
    page = UNTAUGHT.to_html(lang="fr")
    told = Reader(page.partition('data-word="untold"')[2].partition("</p>")[0]).tags
    assert [a["data-word"] for _, a in told] == ["untold_claim", "untold_attributed", "untold_cue"]
    assert "Ce modèle ne sait pas dire" in page and "quels mots sont décisifs" in UNTAUGHT._repr_html_()
    assert 'data-word="untold"' in certainty.compare(DOCUMENT, UNTAUGHT).to_html()
    assert all("data-claim" not in s and s["data-attributed"] == "unknown" for s in sentence_tags(page))
    for document in (DOCUMENT, replace(DOCUMENT, model=ModelInfo("mine", None, "0" * 64, HEADS))):
        assert 'data-word="untold"' not in document.to_html()


def test_what_the_model_cannot_tell_is_empty_in_tables() -> None:
    pytest.importorskip("pandas")
    for row in csv.DictReader(io.StringIO(written(write_csv, UNTAUGHT, min_confidence=0.92), newline="")):
        assert (row["claim_probability"], row["is_claim"], row["attributed"], row["undecided"]) == ("", "", "", "true")
    frame, full = UNTAUGHT.to_dataframe(), DOCUMENT.to_dataframe()
    assert frame[["claim_probability", "is_claim", "attributed"]].isna().all(axis=None)
    assert frame.dtypes.tolist() == full.dtypes.tolist()
    assert list(full["is_claim"]) == [True, True, False]
    lines = written(write_plain, UNTAUGHT).splitlines()
    assert lines[1] == "probable           91%  ?           Le pont aurait cédé."


def test_jsonl_round_trip() -> None:
    rows = [json.loads(line) for line in written(write_jsonl, DOCUMENT).splitlines()]
    assert rows == [{"file": "0.txt", **sentence.to_dict()} for sentence in DOCUMENT]


def test_json_is_an_object_or_a_list() -> None:
    assert json.loads(written(write_json, DOCUMENT, as_list=False)) == {"file": "0.txt", **DOCUMENT.to_dict()}
    several = json.loads(written(write_json, DOCUMENT, DOCUMENT, as_list=True))
    assert [row["file"] for row in several] == ["0.txt", "1.txt"]
    assert json.loads(written(write_json, as_list=True)) == []


def test_dataframe_has_typed_columns_even_when_empty() -> None:
    pytest.importorskip("pandas")
    frame = DOCUMENT.to_dataframe()
    empty = Document("", ()).to_dataframe()
    assert list(frame.columns) == list(empty.columns)
    assert list(frame["label"]) == ["probable", "asserted", "no_claim"]
    assert list(frame["probable"]) == [0.91, 0.03, 0.03]
    assert list(frame["cues"]) == [[{"start": 8, "end": 14, "text": "aurait"}], [], []]
    assert frame["certainty"].isna().tolist() == [False, False, True]
    assert tuple(frame.columns) == CSV_COLUMNS[1:]
    assert frame.dtypes.tolist() == empty.dtypes.tolist()
    assert str(empty["start"].dtype) == "int64" and str(empty["is_claim"].dtype) == "boolean"


@pytest.mark.parametrize(
    "document",
    [DOCUMENT, DOCUMENT[2:], DOCUMENT[:0], NAMED, UNTAUGHT],
    ids=["cues", "no cues", "empty", "named", "untaught"],
)
def test_dataframe_goes_through_parquet_feather_and_datasets(document: Document, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    datasets = pytest.importorskip("datasets")
    frame = document.to_dataframe()
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_feather(tmp_path / "a.feather")
    expected = [[cue._asdict() for cue in sentence.cues] for sentence in document]
    for back in (pandas.read_parquet(tmp_path / "a.parquet"), pandas.read_feather(tmp_path / "a.feather")):
        words = ["cues", "second_cues", "source"]
        pandas.testing.assert_frame_equal(back.drop(columns=words), frame.drop(columns=words))
        assert list(back["source"]) == list(frame["source"])
        assert [list(cues) for cues in back["cues"]] == expected
    assert [list(cues) for cues in datasets.Dataset.from_pandas(frame)["cues"]] == expected


def test_what_is_written_keeps_the_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(__file__).parent.parent / "docs/pages/reference/output.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    line = jsonschema.Draft202012Validator({"$ref": "#/$defs/line", "$defs": schema["$defs"]})
    scored_by = replace(DOCUMENT, model=ModelInfo("mine", None, "0" * 64))
    for document, least in itertools.product((DOCUMENT, scored_by, UNTAUGHT), (None, 0.92)):
        validator.validate(json.loads(written(write_json, document, as_list=False, min_confidence=least)))
        validator.validate(json.loads(written(write_json, document, document, as_list=True, min_confidence=least)))
        for row in written(write_jsonl, document, min_confidence=least).splitlines():
            line.validate(json.loads(row))
            assert json.loads(row).get("model") == document.to_dict().get("model")
        validator.validate(json.loads(document.to_json()))
    known = set(schema["$defs"]["sentence"]["properties"])
    assert known == {*DOCUMENT[0].to_dict(), "undecided"}, "every member is described"
    for change in (
        {"label": "no_claim"},
        {"certainty": None},
        {"is_claim": False},
        {"label": "no_claim", "certainty": None, "is_claim": False, "cues": [], "claim_probability": None},
        {"probability": 1.2},
        {"cues": [[0, 1]]},
    ):
        assert not validator.is_valid({"text": TEXT, "sentences": [DOCUMENT[0].to_dict() | change]}), change


def test_dataframe_without_pandas_names_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(CertaintyError, match=r"pip install 'certainty-fr\[pandas\]'"):
        DOCUMENT.to_dataframe()


@pytest.mark.parametrize(
    ("probability", "shown"), [(1.0, "100%"), (0.9999, ">99%"), (0.994, "99%"), (0.004, "<1%"), (0.0, "0%")]
)
def test_percent_never_rounds_to_certainty(probability: float, shown: str) -> None:
    assert percent(probability) == shown


@given(documents())
def test_no_text_breaks_a_view(document: Document) -> None:
    for sentence in document:
        assert "".join(piece for piece, _ in split_at_cues(sentence)) == sentence.text
    page = document.to_html()
    page.encode()
    readable = re.sub("[\0\ud800-\udfff]", "\ufffd", document.text)
    assert Reader(page).text == readable

    plain = written(write_plain, document)
    assert len(plain.split("\n")) == len(document) + 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", plain)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", written(write_marked_text, document))
    for view in (write_table, write_text):
        shown = re.sub(r"\x1b\[[\d;]*m", "", written(view, document, width=50))
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)

    rows = list(csv.DictReader(io.StringIO(written(write_csv, document), newline="")))
    assert [row["text"] for row in rows] == [sentence.text.replace("\0", "\ufffd") for sentence in document]
    lines = written(write_jsonl, document).split("\n")[:-1]
    assert [json.loads(line)["text"] for line in lines] == [sentence.text for sentence in document]
    assert json.loads(written(write_json, document, as_list=False))["text"] == document.text
    assert Document.from_json(document.to_json()) == Document.from_dict(document.to_dict()) == document
    assert str(document) + "\n" == plain.replace("# 0.txt: ", "# ", 1)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_is_in_the_language_that_is_asked_for(lang: str) -> None:
    said = language(lang)
    page = DOCUMENT.to_html(min_confidence=0.92, title="Le pont", lang=lang)
    assert f'<html lang="{lang}">' in page and f'<main class="certainty" lang="{lang}">' in page
    assert "<title>Le pont – certainty</title>" in page and "<h1><bdi>Le pont</bdi></h1>" in page
    first = sentence_tags(page)[0]
    assert first["aria-label"] == f"{said.say('undecided')}, {said.say('probable')}, {said.percent(0.91)}"
    assert said.say("help_undecided", number={"en": "0.92", "fr": "0,92"}[lang]) in page
    index = render_index([IndexEntry("a", "a.html", {"asserted": 0})], "Archives", lang)
    assert f">{said.counted('sentences', 0)}<" in index and "<h1><bdi>Archives</bdi></h1>" in index


def test_french_counts_none_in_the_singular_and_spaces_its_percentages() -> None:
    assert [language("fr").counted("sentences", n) for n in (0, 1, 2)] == ["0 phrase", "1 phrase", "2 phrases"]
    assert [language("en").counted("sentences", n) for n in (0, 1, 2)] == ["0 sentences", "1 sentence", "2 sentences"]
    assert language("fr").percent(0.999) == ">99\u00a0%"


def test_another_language_is_refused() -> None:
    with pytest.raises(CertaintyError, match="lang is 'de'; give 'en', 'fr', or None"):
        DOCUMENT.to_html(lang="de")


def test_every_word_is_there_in_every_language() -> None:
    """The same keys with the same values to fill in; and all that pages and scripts ask for."""
    english, *others = (language(code).words for code in LANGUAGES)
    for words in others:
        assert list(words) == list(english)
        for key, word in words.items():
            assert set(re.findall(r"\{\w+\}", word)) == set(re.findall(r"\{\w+\}", english[key])), key
    folder = Path(certainty.__file__).parent
    scripts = "".join(
        path.read_text("utf-8") for path in [*folder.glob("views/script/*.js"), *folder.glob("server/page.*")]
    )
    asked = set(re.findall(r"""(?:\bword: |\bsay\(|data-word=)"(\w+)\"""", scripts))
    assert len(asked) > 30
    assert asked <= set(english)


def test_carriage_returns_reach_the_browser() -> None:
    """A browser makes a line feed of them, which would shift the offsets of what it exports."""
    assert "\r" not in DOCUMENT.to_html().partition('<div class="certainty-text"')[2].partition("</div>")[0]
    assert Reader(DOCUMENT.to_html()).text == TEXT
