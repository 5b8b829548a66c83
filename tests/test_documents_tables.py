"""Tables whose rows are texts: CSV, JSON and Parquet, their columns and ids, and prose that looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from documenting import texts_of
from hypothesis import given
from hypothesis import strategies as st

from certainty import CertaintyError
from certainty.documents.reader import ReadingOptions, read_texts
from certainty.messages import naming_options
from certainty.tables import is_plainly_csv


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"id,text\nx,Il pleut.\n,Il neige.\nz, \n"),
        ("a.csv", '\ufeffid;text\nx;"Il pleut."\n;Il neige.\n'.encode()),
        ("a.tsv", b"id\ttext\nx\tIl pleut.\n\tIl neige.\n"),
        ("a.csv", b"id;text\nx;Il pleut.;\n;Il neige.;\n"),
        ("a.csv", b"sep=|\nid|text\nx|Il pleut.\n|Il neige.\n"),
        ("a.jsonl", b'{"id": "x", "text": "Il pleut."}\n{"text": "Il neige."}\n{"text": null}\n'),
        ("a.json", b'[{"id": "x", "text": "Il pleut."}, {"text": "Il neige."}]'),
        ("a.json", b'{"id": "x", "text": "Il pleut."}\n{"text": "Il neige."}'),
        ("a.json", '{"id": "x", "text": "Il pleut."}\n{"text": "Il neige."}'.encode("utf-16")),
        ("a.jsonl", '{"id": "x", "text": "Il pleut."}\n{"text": "Il neige."}\n'.encode("utf-16")),
    ],
)
def test_each_row_of_a_table_is_a_text(tmp_path: Path, name: str, data: bytes) -> None:
    (path := tmp_path / name).write_bytes(data)
    texts = read_texts(path, name)
    assert texts.is_table
    assert list(texts.named) == [("x", "Il pleut."), ("", "Il neige.")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"text\nIl pleut.\nIl neige.\n"),
        ("a.jsonl", b'{"text": "Il pleut."}\n{"text": "Il neige."}\n'),
    ],
)
def test_rows_of_a_table_without_ids_are_numbered(name: str, data: bytes) -> None:
    assert texts_of(data, name) == [("1", "Il pleut."), ("2", "Il neige.")]


CSV = "id;text;note\na;Il pleut.;1\nb;Il neige.;2\nc;Il vente.;3\n"


@pytest.mark.parametrize("name", ["stdin", "a.csv.txt", "a.xls", "a"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_under_another_name_is_refused_or_read_if_a_column_is_named(
    tmp_path: Path, name: str, separator: str, encoding: str
) -> None:
    table = CSV.replace(";", separator)
    data = table.encode(encoding)
    with pytest.raises(CertaintyError, match=rf"^{name}: looks like a CSV table with the columns id, text, note; name"):
        texts_of(data, name)
    assert texts_of(data, name, force=True) == [(name, table)]
    rows = [("a", "Il pleut."), ("b", "Il neige."), ("c", "Il vente.")]
    (path := tmp_path / name).write_bytes(data)
    assert texts_of(data, name, as_table=True) == texts_of(path, name, as_table=True) == rows
    with pytest.raises(CertaintyError, match=f"^{name}: no column 'texte'. Found: id, text, note; name it"):
        texts_of(data, name, as_table=True, text_column="texte")


@pytest.mark.parametrize(
    "table",
    [
        'clé;"Le texte"\n1;"Il pleut ; il neige.\nIl vente."\n2;Non.\n3;Oui.\n',
        "sep=,\nid,text\n1,Il pleut.\n2,Non.\n3,Oui.\n",
        "id;text;\n1;Il pleut.;\n2;Non.;\n3;Oui.;\n",
        "id;text\n1;Il pleut.;\n2;Non.;\n3;Oui.;\n",
        "id,text\n" + "1,Il pleut.\n" * 20 + "2,Il pleut, enfin.\n",
    ],
)
def test_tables_of_all_styles_are_known(table: str) -> None:
    with pytest.raises(CertaintyError, match="looks like a CSV table"):
        texts_of(table.encode(), "a.txt")


PROSE = {
    "lines with a comma each": "Ô vent, tais-toi\nÔ pluie, va-t’en\nÔ neige, reviens\nÔ lune, réponds\n",
    "lines with semicolons": "Il part ; elle rit\nIl rit ; elle part\nIl dort ; elle veille\nIl ment ; elle sait\n",
    "numbers": "3,5\n4,5\n5,25\n6,75\n7,5\n",
    "a transcript": "ANNE\tBonjour\nPAUL\tAh, bonjour !\nANNE\tIl pleut\nPAUL\tEncore\n",
    "an indented text": "\tIl part.\n\tIl revient.\n\tIl dort.\n\tIl ment.\n",
    "paragraphs": "Le maire, dit-on, partirait.\n\nLe préfet dément.\n\nOui, non ; peut-être.\n\nQui, quoi, où ?\n",
    "a quotation": '"Il part, dit-elle.\nEt puis, rien.\nEt puis, tout.\nEt puis, quoi ?\n',
    "addresses": "Rue du Lac, 3\nRue du Pont, 4\nRue du Port, 5\nRue du Bac, 6\n",
    "a list": "- pain, beurre\n- lait, œufs\n- sel, poivre\n- riz, blé\n",
}


@pytest.mark.parametrize("kind", PROSE)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_prose_is_not_taken_for_a_table(kind: str, ending: str) -> None:
    text = PROSE[kind].replace("\n", ending)
    assert texts_of(text.encode(), "a.txt") == [("a.txt", text)]


@given(
    st.lists(
        st.lists(st.sampled_from(["il", "part", "Lyon", "«", "12", "où"]), min_size=1, max_size=4).map(" ".join),
        min_size=8,
        max_size=24,
    ),
    st.sampled_from([", ", " ; ", ",\u00a0", "\u202f; "]),
    st.integers(2, 4),
)
def test_prose_with_the_same_punctuation_in_each_line_is_no_table(parts: list[str], mark: str, n: int) -> None:
    text = "\n".join(mark.join(parts[i : i + n]) for i in range(0, len(parts), n))
    assert not is_plainly_csv(text)


def test_among_several_files_only_those_with_the_column_are_tables() -> None:
    options = ReadingOptions(text_column="text", as_table=True)
    prose = "Il pleut, dit-il, encore.\nIl neige.\n"
    assert not read_texts(prose.encode(), "a.txt", options, several=True).is_table
    assert next(read_texts(CSV.encode(), "b.txt", options, several=True).named) == ("b.txt#a", "Il pleut.")


def test_json_is_known_by_its_content() -> None:
    assert texts_of(b'{"id": 7, "text": "Il pleut."}', "stdin") == [("7", "Il pleut.")]


def test_columns_are_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("clé;énoncé\nk1;L’été fut sec.\n".encode("cp1252"))
    assert texts_of(path, "a.csv", text_column="énoncé", id_column="clé") == [("k1", "L’été fut sec.")]
    with pytest.raises(
        CertaintyError, match=r"a\.csv: no column 'text'\. Found: clé, énoncé; name it with text_column\.$"
    ):
        texts_of(path, "a.csv")
    with pytest.raises(CertaintyError, match=r"no column 'cle'.*id_column\. Did you mean 'clé'\?"):
        texts_of(path, "a.csv", text_column="énoncé", id_column="cle")
    with pytest.raises(CertaintyError, match=r"no column 'ENONCE'.*Did you mean 'énoncé'\?"):
        texts_of(path, "a.csv", text_column="ENONCE")


def test_parquet_rows_are_texts(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"id": [3, 4], "text": ["Il pleut.", None]}), tmp_path / "a.parquet")
    assert texts_of(tmp_path / "a.parquet", "a.parquet") == [("3", "Il pleut.")]


def test_an_empty_id_stays_empty_and_integers_stay_integers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    texts = ["Il pleut.", "Il neige.", "Il vente."]
    columns = {"id": [2.0, None, 3.0], "note": [0.5, 1.0, 1e300], "text": texts}
    write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert [key for key, _ in texts_of(tmp_path / "a.parquet", "a.parquet")] == ["2", "", "3"]
    assert "a.parquet: 1 row has no id (row no. 2); it is empty in the output." in caplog.text
    assert "id of an earlier row" not in caplog.text
    given = texts_of(tmp_path / "a.parquet", "a.parquet", id_column="note")
    assert [key for key, _ in given] == ["0.5", "1", "1e+300"]


def test_rows_without_a_text_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    assert texts_of(b"id,text\na,Il pleut.\nb,\nc,  \n", "a.csv") == [("a", "Il pleut.")]
    told = "a.csv: 2 rows have no text and are left out (first: row no. 2); name another column with"
    assert caplog.messages == [f"{told} text_column."]
    caplog.clear()
    with naming_options():
        texts_of(b"id,text\na,Il pleut.\nb,\nc,  \n", "a.csv")
        with pytest.raises(CertaintyError, match=r"^--text-column is 5; give the name of a column"):
            ReadingOptions(text_column=5)  # type: ignore[arg-type]
        with pytest.raises(CertaintyError, match=r"^--id-column is 5; give a string, or leave it out"):
            ReadingOptions(id_column=5)  # type: ignore[arg-type]
    assert caplog.messages == [f"{told} --text-column."]


def test_a_separator_too_many_must_be_in_every_row() -> None:
    with pytest.raises(CertaintyError, match=r"a\.csv, line 3: does not end in ';', but the rows above do"):
        texts_of(b"id;text\n1;Il pleut.;\n2;Il neige.\n", "a.csv")
    with pytest.raises(CertaintyError, match=r"a\.csv, line 3: 3 fields, but the header has 2"):
        texts_of(b"id;text\n1;Il pleut.\n2;Il neige.;\n", "a.csv")
    with pytest.raises(CertaintyError, match=r"a\.csv, line 3: does not end in ';'"):
        texts_of(b"id;text\n1;Il pleut.;\n2;Il neige;Non.\n", "a.csv")


@pytest.mark.parametrize(
    ("header", "taken"), [("id|text", "has no comma"), ("id|text|a,b", "is read as separated by ','")]
)
def test_pipes_are_told(header: str, taken: str) -> None:
    data = f"{header}\n1|Il pleut.\n".encode()
    with pytest.raises(
        CertaintyError, match=rf"a\.csv, line 1: no column 'text': the header {taken}.*; if '\|' .*`sep=\|`"
    ):
        texts_of(data, "a.csv")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"id,text\n", "has no row with a text in 'text'"),
        ("a.jsonl", b'{"text": 3}', "line 1: text is 3, not a text"),
        ("a.jsonl", b'{"text": "Oui.", "id": {"a": 1}}', r"line 1: id is .*, not a text or a number"),
        ("a.json", b"[1, 2]", "is JSON, but not a list of objects"),
        ("a.json", b'{"text": "Oui."}\nNon', "line 2: not a JSON object"),
    ],
)
def test_a_wrong_table_is_told(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (path := tmp_path / name).write_bytes(data)
    with pytest.raises(CertaintyError, match=said):
        texts_of(path, name)


def test_rows_with_the_same_id_are_told(caplog: pytest.LogCaptureFixture) -> None:
    table = b'{"text": "Oui.", "id": 2}\n{"text": "Il part."}\n{"text": "Il pleut.", "id": 2}\n'
    assert [key for key, _ in texts_of(table, "a.jsonl")] == ["2", "", "2"]
    assert "a.jsonl: 1 row has the id of an earlier row (row 2); give each row an id of its own." in caplog.text


@pytest.mark.parametrize("data", [b'[{"text": "Il pleut."},\n{"text": "Il ne', b'{\n  "text": "Il pl'])
def test_json_that_was_cut_off_is_not_taken_for_json_lines(data: bytes) -> None:
    with pytest.raises(CertaintyError, match=r"^a\.json: is not valid JSON \(.*line 2.*get it again"):
        texts_of(data, "a.json")
