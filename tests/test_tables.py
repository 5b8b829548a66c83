"""CSV as spreadsheets write it."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certainty import CertaintyError
from certainty.tables import read_csv, read_parquet

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


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("id,text,date\n1,Il part.,2020\n2,Il aurait plu\nselon elle.,2020\n", 4),
        ("id,date,text\n1,2020,Il aurait plu\nselon elle.\n", 3),
        ("id,date,text\n1,2020,Il part.\n2,2020\n", 3),
    ],
)
def test_a_line_break_outside_quotes_is_refused(tmp_path: Path, content: str, line: int) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content)
    with pytest.raises(CertaintyError, match=rf"line {line}: .*, but the header has 3; .* line break in double quotes"):
        list(read_csv(path, needed="text"))


def test_empty_fields_left_out_at_the_end_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text,date,note\n1,Il part.,2020,a\n2,Il pleut.\n3,Il neige.\n")
    assert [row["note"] for _, row in read_csv(path, needed="text")] == ["a", "", ""]
    assert "2 rows have fewer fields than the header (first: line 3); the missing fields are read as" in caplog.text


def test_a_header_may_have_any_number_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    names = [f"c{i}" for i in range(100_000)]
    path.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    begin = time.process_time()
    ((_, row),) = read_csv(path)
    assert list(row) == names
    assert time.process_time() - begin < 10  # if each name were looked for among all others, minutes


def test_a_field_may_be_longer_than_the_csv_module_accepts_by_default(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    text = "Il part demain. " * 10_000
    path.write_text(f'id,text\n1,"{text}"\n')
    assert [row["text"] for _, row in read_csv(path)] == [text]


UNREADABLE = {"UnknownTimeZone|ZoneInfoNotFound|zoneinfo": ("us", "Mars/Phobos", 1), "out of range": ("us", None, 2)}


@pytest.mark.parametrize("told", UNREADABLE)
def test_values_of_parquet_that_python_cannot_hold_are_one_error(told: str, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow.parquet import write_table

    pytest.importorskip("fsspec", reason="fsspec is not installed")
    from certainty.archive.documents import read_documents
    from certainty.archive.doubts import Doubts
    from certainty.archive.inputs import find_inputs
    from certainty.documents.reader import ReadingOptions

    unit, zone, first = UNREADABLE[told]
    path = tmp_path / "a.parquet"
    times = pa.array([0, 2**58], pa.int64()).view(pa.timestamp(unit, zone))
    write_table(pa.table({"text": ["Il pleut.", "Il neige."], "time": times}), path)
    rows = read_parquet(path)
    if first == 2:
        assert next(rows)[1]["text"] == "Il pleut."
    with pytest.raises(CertaintyError, match=rf"a\.parquet: row {first} cannot be read .*(?:{told})"):
        next(rows)
    found = list(read_documents(*find_inputs([str(path)]), ReadingOptions(), Doubts()))
    assert [one.error is None for one in found] == [first == 2, False]


def test_a_name_of_a_column_of_parquet_that_is_no_utf8_is_one_error(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow.parquet import write_table

    path = tmp_path / "a.parquet"
    write_table(pa.table({"text": ["Il pleut."], "abcdefgh": [1]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"\xff\xfebcdefg"))
    with pytest.raises(CertaintyError, match=r"a\.parquet: cannot be read as Parquet"):
        list(read_parquet(path))
