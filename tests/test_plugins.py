"""Columns of pandas, polars and NumPy go in as they are; missing values and whole tables do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import certainty
from certainty import CertaintyClassifier, CertaintyError

SENTENCES = ["La Russie aurait livré des armes.", "Moscou dément.", "Le sommet s'est ouvert lundi à Genève."]
COLUMNS = [
    tuple(SENTENCES),
    np.array(SENTENCES),
    np.array(SENTENCES, dtype=object),
    pd.Series(SENTENCES, index=[7, 3, 5]),
    pd.Series(SENTENCES, dtype="category"),
    pd.Series(SENTENCES, dtype="string"),
    pl.Series(SENTENCES),
    pl.Series(SENTENCES, dtype=pl.Categorical),
    dict.fromkeys(SENTENCES).keys(),
]


@pytest.fixture(scope="module")
def clf() -> CertaintyClassifier:
    return certainty.load()


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: f"{type(column).__module__}-{type(column).__name__}")
def test_a_column_is_as_good_as_a_list(clf: CertaintyClassifier, column: Any) -> None:
    assert clf.predict(column).tolist() == clf.predict(SENTENCES).tolist() == ["probable", "denied", "asserted"]
    assert clf.score_sentences(column) == clf.score_sentences(SENTENCES)
    assert clf.score(column) == clf.score(SENTENCES)


def test_labels_become_a_column(clf: CertaintyClassifier) -> None:
    frame = pd.DataFrame({"sentence": SENTENCES}, index=[7, 3, 5])
    frame["label"] = clf.predict(frame["sentence"])
    assert frame.loc[3, "label"] == "denied"
    table = pl.DataFrame({"sentence": SENTENCES})
    table = table.with_columns(label=clf.predict(table["sentence"]))
    assert table["label"].to_list() == frame["label"].to_list()


@pytest.mark.parametrize(
    "column",
    [
        [*SENTENCES, None],
        pd.Series([*SENTENCES, None]),
        pd.Series([*SENTENCES, np.nan], dtype=object),
        pd.Series([*SENTENCES, pd.NA], dtype="string"),
        pl.Series([*SENTENCES, None]),
    ],
    ids=lambda column: f"{type(column).__module__}-{type(column).__name__}",
)
def test_a_missing_value_is_named_by_its_position(clf: CertaintyClassifier, column: Any) -> None:
    for method in (clf.predict, clf.predict_proba, clf.score_sentences):
        with pytest.raises(CertaintyError, match=r"^sentences\[3\] is \w+ .*leave missing values out"):
            method(column)
    with pytest.raises(CertaintyError, match=r"^texts\[3\] is \w+"):
        clf.score(column)


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame({"sentence": SENTENCES}), np.array([SENTENCES]), np.array("Moscou dément.")],
    ids=["frame", "matrix", "scalar"],
)
def test_a_table_is_not_taken_for_a_column(clf: CertaintyClassifier, table: Any) -> None:
    with pytest.raises(CertaintyError, match=r"^sentences is \w+ with [02] dimensions\. Give one column"):
        clf.predict(table)
