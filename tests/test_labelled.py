"""Labelled files: all formats, and one clear error for each mistake."""

from __future__ import annotations

import json
import logging
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest

from certainty import CertaintyError, Label
from certainty.evaluation.leakage import leaked
from certainty.labelled import LabelledSentence, read_labelled

ROWS = [
    {"text": "Il pleut.", "label": "asserted"},
    {"text": "Il pleuvrait, dit-on.", "label": "probable"},
    {"text": 'Il ne pleut pas, "jamais".', "label": "denied"},
]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv", ".parquet"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    table = pandas.DataFrame(ROWS)
    if suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True, force_ascii=False)
    elif suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    sentences = read_labelled(path)
    assert [(s.text, s.label) for s in sentences] == [(row["text"], Label(row["label"])) for row in ROWS]
    assert all(s.claim and s.attributed is None and s.cues is None for s in sentences)


def test_what_looks_like_a_date_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"id": "2024-01-01", "text": "2024-01-02", "label": "asserted"}\n\n{"text": "Non.", "label": "no"}\n'
    )
    with pytest.raises(CertaintyError, match="line 3: label: unknown"):
        read_labelled(path)
    path.write_text('{"id": "2024-01-01", "text": "2024-01-02", "label": "asserted"}\n')
    assert [(s.id, s.text) for s in read_labelled(path)] == [("2024-01-01", "2024-01-02")]


def test_optional_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"text": "Il pleuvrait.", "label": "probable", "second": "denied", "attributed": true, "cues": [[3, 12]]}\n'
        '{"text": "Pourquoi ?", "label": null, "claim": false}\n'
        '{"text": "Où ?", "label": "no_claim"}\n'
    )
    first, second, third = read_labelled(path)
    assert (first.second, first.attributed, first.cues) == (Label.DENIED, True, ((3, 12),))
    assert (first.second_known, second.second_known) == (True, False)
    assert (second.label, second.claim) == (third.label, third.claim) == (None, False)


def test_who_makes_the_claim(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        'text,label,attributed,sources\nNon d\'après elle.,denied,true,"[[12, 16]]"\nNon.,denied,true,[]\n'
        "Il est parti.,asserted,false,\nIl serait parti.,probable,,\n"
    )
    named, nobody, not_attributed, unknown = read_labelled(path)
    assert (named.sources, named.source, named.source_known) == (((12, 16),), (12, 16), True)
    for sentence in (nobody, not_attributed):
        assert (sentence.source, sentence.source_known) == (None, True)
    assert (unknown.sources, unknown.source, unknown.source_known) == (None, None, False)
    assert not named.columns
    assert read_labelled([named, nobody, not_attributed, unknown]) == [named, nobody, not_attributed, unknown]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", "", r"a\.jsonl: the file is empty"),
        ("a.docx", "x", r"unknown file type '\.docx'"),
        ("a.jsonl", '{"texte": "Il pleut.", "label": "asserted"}\n', r"no column 'text'. Found: label, texte"),
        ("a.jsonl", '{"text": "x", "label": "asserted"}\n{"text": \n', r"line 2: not a JSON object"),
        ("a.jsonl", '{"text": "x", "label": "asserted"}\n[1]\n', r"line 2: expected a JSON object, found list"),
        ("a.csv", "text,label\nIl pleut.,asserted\n  ,denied\n", r"a\.csv, line 3: text is '  '"),
        (
            "a.csv",
            "text,label\nIl pleut.,probably\n",
            r"line 2: label: unknown .*Did you mean 'probable'",
        ),
        ("a.csv", "text,label\nIl pleut.,\n", r"line 2: label is missing"),
        ("a.csv", "text,label\n", r"a\.csv: has no rows; give rows with `text` and `label`"),
        ("a.csv", "sep=;\n", r"a\.csv: has no header; give a first row"),
        ("a.jsonl", '{"text": "x", "label": "denied", "cues": [[0, Infinity]]}\n', r"line 1: cues is .*write a list"),
        ("a.csv", f"text,label,cues\nx,denied,{'[' * 100_000}\n", r"line 2: cues is '\[+; write a list"),
        ("a.jsonl", '{"text": "Il\\u0000 pleut.", "label": "denied"}\n', r"line 1: text has NUL characters"),
        ("a.jsonl", '{"text": "x", "label": "no_claim", "claim": true}\n', r"line 1: label is no_claim, but claim is"),
        ("a.jsonl", '{"text": "x", "label": "denied", "second": "no_claim"}\n', r"second: unknown label 'no_claim'"),
        ("a.jsonl", '{"text": "x", "label": "denied", "cues": [[0, 9]]}\n', r"line 1: cues: \[0, 9\] lies outside"),
        (
            "a.jsonl",
            '{"text": "x", "label": "denied", "sources": "Paul"}\n',
            r"line 1: sources is 'Paul'; write a list",
        ),
        ("a.jsonl", '{"text": "x", "label": "denied", "attributed": "maybe"}\n', r"attributed is 'maybe'"),
    ],
)
def test_mistakes_name_file_line_value_and_mend(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(CertaintyError, match=message):
        read_labelled(path)


def test_missing_file_directory_and_encoding(tmp_path: Path) -> None:
    with pytest.raises(CertaintyError, match="no such file; check the name"):
        read_labelled(tmp_path / "none.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(CertaintyError, match="is a directory"):
        read_labelled(tmp_path / "folder.jsonl")
    (tmp_path / "latin.jsonl").write_bytes('{"text": "été", "label": "asserted"}'.encode("latin-1"))
    with pytest.raises(CertaintyError, match=r"line 1: not UTF-8 .* Save the file as UTF-8"):
        read_labelled(tmp_path / "latin.jsonl")


def test_an_old_encoding_is_told_without_an_option_that_there_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("text,label\nIl a été élu.,asserted\n".encode("cp1252"))
    assert read_labelled(path)[0].text == "Il a été élu."
    assert caplog.messages == [f"{path}: not UTF-8, read as Windows-1252; if accents look wrong, save it as UTF-8."]


def test_duplicates_are_dropped_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\nIl pleut.,asserted\nIl pleut.,asserted\nIl pleut.,denied\n")
    with caplog.at_level(logging.WARNING):
        assert len(read_labelled(path)) == 2
    assert "1 duplicated rows" in caplog.text


def test_leakage_ignores_case_and_punctuation(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\nIl pleut.,asserted\nIl neige.,asserted\n")
    train = read_labelled(path)
    path.write_text("text,label\nil pleut !,denied\nIl vente.,asserted\n")
    assert [s.text for s in leaked(train, read_labelled(path))] == ["il pleut !"]


def test_texts_without_letters_are_not_all_one() -> None:
    train = [LabelledSentence("!!!", None, claim=False)]
    held_out = [LabelledSentence(text, None, claim=False) for text in ("???", "😀", "!!! ")]
    assert [s.text for s in leaked(train, held_out)] == ["!!! "]


# ---- Rows in memory, and how people write labels ---------------------------------------------------------------------


def test_labels_in_any_spelling_and_no_claim_as_a_label(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(
        "text;label;attributed;quad;claim\r\nÀ mon avis, non.;Personal opinion;VRAI;3,0;\r\n"
        "Il n’est pas venu.;DENIED;FAUX;;\r\nQui vient ?;No-claim;;;\r\nOù ?;;;;faux\r\n".encode("cp1252")
    )
    first, second, third, fourth = read_labelled(path)
    assert (first.label, first.attributed, first.group) == (Label.PERSONAL_OPINION, True, 3)
    assert (second.label, second.attributed, second.group) == (Label.DENIED, False, None)
    assert (third.label, third.claim, fourth.label, fourth.claim) == (None, False, None, False)


@pytest.mark.parametrize("kind", ["dicts", "sentences", "generator", "pandas", "polars", "datasets", "paths"])
def test_rows_from_anywhere_go_through_the_same_checks(tmp_path: Path, kind: str) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "Il pleuvrait.", "label": "Probable", "claim": True, "cues": [[3, 12]], "attributed": True, "quad": 2},
        {"text": "Pourquoi ?", "label": None, "claim": False, "cues": None, "attributed": None, "quad": None},
    ]
    right = [
        LabelledSentence("Il pleuvrait.", Label.PROBABLE, attributed=True, cues=((3, 12),), group=2),
        LabelledSentence("Pourquoi ?", None, claim=False),
    ]
    assert read_labelled(given_as(kind, rows, tmp_path)) == right
    wrong = [*rows, {**rows[0], "text": "Il neigerait.", "label": "maybe"}]
    where = {"paths": "line 3", "pandas": "row 2 of the DataFrame", "polars": "row 2 of the DataFrame"}
    with pytest.raises(CertaintyError, match=rf"{where.get(kind, 'row 2')}: label: unknown label 'maybe'.*no_claim\."):
        read_labelled(given_as(kind, wrong, tmp_path))


def given_as(kind: str, rows: list[dict[str, Any]], folder: Path) -> Any:
    if kind == "dicts":
        return rows
    if kind == "sentences":
        return [
            LabelledSentence(**{("group" if name == "quad" else name): value for name, value in row.items()})
            for row in rows
        ]
    if kind == "generator":
        return (row for row in rows)
    if kind == "pandas":
        return pandas.DataFrame(rows)
    if kind == "polars":
        return pytest.importorskip("polars").DataFrame(rows)
    if kind == "datasets":
        return pytest.importorskip("datasets").Dataset.from_list(rows)
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [path]


@pytest.mark.parametrize("form", [None, "numpy"])
def test_class_labels_of_datasets_are_read_by_name(form: str | None) -> None:
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["denied", "no_claim", "probable"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names, "second": names})
    rows = {"text": ["Il ment.", "Où ?"], "label": [0, 1], "second": [2, -1]}
    data = datasets.Dataset.from_dict(rows, features=features).with_format(form)
    read = [(s.label, s.second, s.claim) for s in read_labelled(data)]
    assert read == [(Label.DENIED, Label.PROBABLE, True), (None, None, False)]
    with pytest.raises(CertaintyError, match="found a DatasetDict with the keys train; give one of its values"):
        read_labelled(datasets.DatasetDict(train=data))


@pytest.mark.parametrize("form", ["numpy", "torch"])
def test_scalars_of_libraries_are_read_as_values(form: str) -> None:
    datasets = pytest.importorskip("datasets")
    row = {"text": "Il ment.", "label": "denied", "claim": True, "doubtful": False, "quad": 3, "id": 7, "place": 5}
    (read,) = read_labelled(datasets.Dataset.from_list([{**row, "cues": [[0, 2]]}]).with_format(form))
    assert read == LabelledSentence("Il ment.", Label.DENIED, cues=((0, 2),), id="7", group=3)
    assert read.columns == {"place": "5"}


def test_one_column_of_a_library_is_refused() -> None:
    datasets, polars = pytest.importorskip("datasets"), pytest.importorskip("polars")
    for column in (datasets.Dataset.from_dict({"text": ["a"]})["text"], polars.Series("text", ["a"])):
        if not isinstance(column, list):  # as older versions of datasets have it
            with pytest.raises(CertaintyError, match="which is one column; give a DataFrame or a Dataset"):
                read_labelled(column)


def test_numbers_of_labels_that_pandas_made_floats() -> None:
    rows = pandas.DataFrame({"text": ["Oui.", "Non.", "?"], "label": [0, 1, None], "claim": [True, True, False]})
    read = read_labelled(rows, {"0": "asserted", "1": "denied"})
    assert [s.label for s in read] == [Label.ASSERTED, Label.DENIED, None]


def test_offsets_are_whole_numbers_of_any_library() -> None:
    for cues in ([[numpy.int64(0), 2]], numpy.array([[0, 2]]), "[[0, 2.0]]", ((0, 2),)):
        (read,) = read_labelled([{"text": "Il ment.", "label": "denied", "cues": cues}])
        assert read.cues == ((0, 2),)


@pytest.mark.parametrize("kind", ["dicts", "generator", "pandas", "polars", "datasets", "paths", "csv"])
def test_columns_of_any_name(tmp_path: Path, kind: str) -> None:
    rows = [
        {"phrase": "Il pleuvrait.", "classe": "Probable", "text": "a", "label": "denied", "document": "x"},
        {"phrase": "Qui vient ?", "classe": "no claim", "text": "a", "label": "denied", "document": "y"},
    ]
    data = given_as(kind, rows, tmp_path)
    if kind == "csv":
        data = tmp_path / "rows.csv"
        pandas.DataFrame(rows).to_csv(data, index=False, sep=";")
    first, second = read_labelled(data, text_column="phrase", label_column="classe")
    assert first == LabelledSentence("Il pleuvrait.", Label.PROBABLE)
    assert second == LabelledSentence("Qui vient ?", None, claim=False)
    assert (first.columns, second.columns) == ({"document": "x"}, {"document": "y"})


def test_class_labels_in_a_column_of_any_name() -> None:
    datasets = pytest.importorskip("datasets")
    features = {"text": datasets.Value("string"), "classe": datasets.ClassLabel(names=["rumeur", "denied"])}
    rows = {"text": ["Il mentirait.", "Il ne ment pas."], "classe": [0, 1]}
    data = datasets.Dataset.from_dict(rows, features=datasets.Features(features))
    read = read_labelled(data, {"rumeur": "probable"}, label_column="classe")
    assert [s.label for s in read] == [Label.PROBABLE, Label.DENIED]


def test_a_column_that_is_given_has_no_other_meaning_and_sentences_are_read_as_they_are() -> None:
    sentence = LabelledSentence("Où ?", None, claim=False, columns={"claim_id": "7"})
    row = {"claim": "Il pleut.", "verdict": "asserted", "claim_id": 8}
    read = read_labelled([row, sentence], text_column="claim", label_column="verdict")
    assert read == [LabelledSentence("Il pleut.", Label.ASSERTED), sentence]
    assert [s.columns for s in read] == [{"claim_id": "8"}, {"claim_id": "7"}]
    (swapped,) = read_labelled([{"text": "denied", "label": "Non."}], text_column="label", label_column="text")
    assert swapped == LabelledSentence("Non.", Label.DENIED)


def test_the_column_of_the_annotators_has_any_name(tmp_path: Path) -> None:
    rows = [{"text": "Non.", "label": "denied", "codeur": name, "annotator": "z"} for name in ("ana", "bo")]
    read = read_labelled(rows, annotator_column="codeur")
    assert [(s.annotator, dict(s.columns)) for s in read] == [("ana", {}), ("bo", {})]
    assert [s.annotator for s in read_labelled(rows[:1], label_column="label")] == ["z"]
    (verdict,) = read_labelled([{"text": "Non.", "annotator": "denied"}], label_column="annotator")
    assert verdict == LabelledSentence("Non.", Label.DENIED), "what holds the labels names nobody"
    told = r"the rows: no column 'coder'\. Found: .*\. Give annotator_column \(of `read_labelled`\), or rename"
    with pytest.raises(CertaintyError, match=told):
        read_labelled(rows, annotator_column="coder")
    with pytest.raises(CertaintyError, match=r"^text_column and annotator_column are both 'text'; give two columns"):
        read_labelled(rows, annotator_column="text")


def test_a_missing_column_is_told_with_those_found_and_how_to_name_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("phrase,label,text\nIl pleut.,asserted,a\n")
    told = r"a\.csv: no column 'classe'\. Found: label, phrase, text\. Give label_column \(of `read_labelled` or "
    with pytest.raises(CertaintyError, match=told + "`finetune`\\), or rename the column that has it"):
        read_labelled(path, text_column="phrase", label_column="classe")
    with pytest.raises(CertaintyError, match=r"the rows: no column 'texte'\. Found: label, text\. Give text_column"):
        read_labelled([{"text": "Il pleut.", "label": "asserted"}], text_column="texte")
    with pytest.raises(CertaintyError, match=r"^text_column and label_column are both 'label'; give two columns"):
        read_labelled(path, text_column="label")
    with pytest.raises(CertaintyError, match=r"^text_column is \['phrase'\]; give the name of one column"):
        read_labelled(path, text_column=["phrase"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phrase", "classe", "told"),
    [
        ("", "denied", "row 0: phrase is ''; give the sentence"),
        ("a\0b", "denied", "row 0: phrase has NUL characters"),
        ("Il pleut.", "", "row 0: classe is missing; give one"),
        ("Il pleut.", "peut-être", "row 0: classe: unknown label 'peut-être'"),
    ],
)
def test_an_error_of_a_row_names_the_column_of_the_data(phrase: str, classe: str, told: str) -> None:
    with pytest.raises(CertaintyError, match=re.escape(told)):
        read_labelled([{"phrase": phrase, "classe": classe}], text_column="phrase", label_column="classe")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([{"text": "Il pleut.", "label": "no_claim", "claim": True}], r"row 0: label is no_claim, but claim is true"),
        ([{"text": "Il pleut."}], r"the rows: no column 'label'\. Found: text"),
        ([{"text": "Il pleut.", "label": "denied", "quad": "b"}], r"row 0: quad is 'b'; write a whole number"),
        ([["Il pleut.", "denied"]], r"row 0: expected a mapping .*, found list"),
        ({"text": ["Il pleut."], "label": ["denied"]}, r"expected rows, found a dict with the keys text, label"),
        (3, r"expected paths or rows, found int"),
        (pandas.Series(["Il pleut."]), r"expected rows, found a Series, which is one column; give a DataFrame"),
        (
            pandas.DataFrame([["Il pleut.", "denied", "asserted"]], columns=["text", "label", "label"]),
            r"column 'label' appears twice in the DataFrame",
        ),
        ([{"text": "Il pleut.", "label": pandas.NA}], r"row 0: label is missing"),
        ([{"text": "Il pleut.", "label": numpy.float32("nan")}], r"row 0: label is missing"),
        ([LabelledSentence("Il pleut.", None)], r"row 0: label is missing"),
        ([{"text": "Il pleut.", "label": Decimal("sNaN")}], r"row 0: label is missing"),
        ([{"text": "Il pleut.", "label": float("inf")}], r"row 0: label: unknown label inf"),
        *(
            (
                [{"text": "Il pleut.", "label": "denied", "cues": cues}],
                r"row 0: cues is .*; write a list of \[start, end",
            )
            for cues in ([[0.7, 2.9]], ["03"], [[True, 2]], [[numpy.True_, 2]], [["0", "2"]], [[float("nan"), 2]])
        ),
    ],
)
def test_mistakes_in_rows_name_the_row(data: Any, message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        read_labelled(data)


def test_a_wrong_line_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "x", "label": "denied"}\n{"text": "Il pleut.", "label"\n')
    with pytest.raises(CertaintyError, match=r"line 2: not a JSON object: .*; the line is '{\"text\": \"Il p"):
        read_labelled(path)
