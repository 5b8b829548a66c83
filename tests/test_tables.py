"""CSV as spreadsheets write it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certainty import CertaintyError
from certainty.tables import read_csv

cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(str.strip)


@given(
    rows=st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=4), separator=st.sampled_from(";,\t")
)
@settings(max_examples=40, deadline=None)
def test_what_a_spreadsheet_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows([["text", "label"], *rows])
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    path.write_bytes(out.getvalue().encode("utf-8-sig"))
    assert [[row["text"], row["label"]] for _, row in read_csv(path)] == rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("text;label\r\nL’été, il neige.;denied\r\n".encode(encoding))
    assert list(read_csv(path)) == [(2, {"text": "L’été, il neige.", "label": "denied"})]


def test_excels_separator_line_blank_rows_and_lines_within_a_field(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('sep=;\ntext; label \n"Il pleut.\nFort.";denied\n;;\n\n"Il dit ""non"".";\n')
    with pytest.raises(CertaintyError, match="line 5: 3 fields"):  # a row of blanks counts no more than it holds
        path.write_text('sep=;\ntext; label \n"Il pleut.\nFort.";denied\na;;\n')
        list(read_csv(path))
    path.write_text('sep=;\ntext; label \n"Il pleut.\nFort.";denied\n;\n\n"Il dit ""non"".";\n')
    assert list(read_csv(path)) == [
        (3, {"text": "Il pleut.\nFort.", "label": "denied"}),
        (7, {"text": 'Il dit "non".', "label": ""}),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\nIl pleut, enfin,asserted\n", r"line 2: 3 fields, but the header has 2; put .* in double quotes"),
        ('text,label\na,b\n"Il pleut.,asserted\n', r"line 3: not a table row .*close the field"),
        ("text,text\na,b\n", r"line 1: column 'text' appears twice"),
    ],
)
def test_mistakes_name_the_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    with pytest.raises(CertaintyError, match=message):
        list(read_csv(path))


def test_rows_with_too_few_fields_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,date\n1,Il part.,2020\n2,La Russie aurait\nlivré des armes.,2020\n", encoding="utf-8")
    assert [row["text"] for _, row in read_csv(path)] == ["Il part.", "La Russie aurait", "2020"]
    assert "2 rows have fewer fields than the header (the first is on line 3)" in caplog.text


def test_a_field_may_be_long(tmp_path: Path) -> None:
    text = "Il part demain. " * 10_000
    path = tmp_path / "a.csv"
    path.write_text(f'id,text\n1,"{text}"\n', encoding="utf-8")
    limit = csv.field_size_limit()
    assert [row["text"] for _, row in read_csv(path)] == [text]
    assert csv.field_size_limit() == limit
