"""Answer the first questions about an archive with DuckDB: labels over time and by group, hedging, denials."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.archive import manifest
from certainty.archive.answers import Table
from certainty.archive.denials import names_in_denials, sources_of_denials
from certainty.archive.parts import SENTENCES, all_records
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.labels import Label
from certainty.messages import argument

if TYPE_CHECKING:
    import duckdb

# Years of two digits come first: %Y takes 25 for the year 25.
_DAYS = ("%d/%m/%y", "%d/%m/%Y", "%d.%m.%y", "%d.%m.%Y")
_DATES = [f"{day}{time}" for day in _DAYS for time in ("", " %H:%M", " %H:%M:%S")] + ["%Y%m%d", "%Y-%m"]
_ISO, _ANY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}", "^[0-9]"  # a cast takes 31/12/25 for the year 31, and "infinity" for a date
_LEAST_CLAIMS = 5  # of a document that is ranked by its hedging
_TYPES = {"int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN", "date32": "DATE", "string": "VARCHAR"}
_MONTH, _DATE = "month", "date"
_NAMES = [label.value for label in Label]
_COUNTS = ", ".join(f"count(*) FILTER (label = '{name}')" for name in _NAMES)


@dataclass(frozen=True)
class Summary:
    """The answers about an archive; `print` shows them as plain tables.

    Attributes:
        folder: The archive.
        description: How much it has, and the model that scored it.
        tables: The answers.
    """

    folder: Path
    description: str
    tables: tuple[Table, ...]

    def __str__(self) -> str:
        return "\n\n".join([f"{self.folder}: {self.description}", *map(str, self.tables)])

    def to_dict(self) -> dict[str, Any]:
        """Return the answers as plain values, for JSON; `pandas.DataFrame(rows, columns=columns)` takes each table."""
        return {"description": self.description, "tables": [table.to_dict() for table in self.tables]}

    def to_html(self) -> str:
        """Return a self-contained page with the tables and plots.

        Raises:
            MissingExtraError: If jinja2 or matplotlib is not installed.
        """
        from certainty.archive.page import render_summary

        return render_summary(self)


def summarise(
    folder: str | os.PathLike[str], *, date_column: str | None = None, by: Sequence[str] = (), top: int = 20
) -> Summary:
    """Answer the first questions about an archive; a run that has not ended may still be writing it.

    Args:
        folder: The archive.
        date_column: Column of the inputs with dates (2025-12-31, 20251231, 31/12/2025 or 31.12.25), for the labels by
            month; None takes `date` if `by` has "month".
        by: Columns of the inputs whose values are told apart, such as the source and the section; also "file", "id" and
            "month".
        top: Number of rows of each ranking.

    Raises:
        CertaintyError: If the folder is not an archive, has no sentences, or does not have such a column.
        MissingExtraError: If DuckDB is not installed.
    """
    needs("duckdb", extra="archive", user="a summary")
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise CertaintyError(f"top is {top!r}; it must be a whole number of at least 1.")
    if isinstance(by, str):
        raise CertaintyError(f"by is {by!r}; give a list of columns.")
    archive = Path(folder)
    about = manifest.read(archive)
    kept = manifest.columns_of(about)
    known = {"file": "file", "id": "id", **kept.names}
    by_month = _MONTH in by and _MONTH not in known
    groups = {name: _column(name, known, archive) for name in by if not (by_month and name == _MONTH)}
    if by_month and date_column is None:
        date_column = _DATE
    dates = None if date_column is None else _column(date_column, known, archive, "date_column")
    records = list(all_records(archive))
    if not any(record.sentences for record in records):
        raise CertaintyError(f"{archive}: has no sentences yet; score it first, or --resume it.")
    files = [str(archive / name) for record in records for name in record.sizes if name.startswith(f"{SENTENCES}/")]
    wanted = {name: _TYPES[kept.types.get(name, "string")] for name in (*groups.values(), *([dates] if dates else []))}
    with _opened(files, about["settings"]["format"], wanted) as connection:
        tables = tuple(_tables(connection, dates, groups, top))
    counts = {name: sum(getattr(record, name) for record in records) for name in ("documents", "sentences", "errors")}
    described = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    unfinished = "" if "finished" in about else "; not finished"
    return Summary(archive, f"{described}; model {about['model']['name']}{unfinished}", tables)


def _tables(
    connection: duckdb.DuckDBPyConnection, dates: str | None, groups: dict[str, str], top: int
) -> Iterator[Table]:
    yield _labels(connection, "Labels", "'all'", "", "ORDER BY 1", note="Sentences of each label.")
    if dates is not None:
        text = f"{_quoted(dates)}::VARCHAR"
        day = (
            f"CASE WHEN regexp_matches({text}, '{_ISO}') THEN try_cast({text} AS TIMESTAMP) "
            f"WHEN regexp_matches({text}, '{_ANY}') THEN try_strptime({text}, {_DATES!r}) END"
        )
        month = f"strftime({day}, '%Y-%m')"
        note = "Sentences of each label by month; a dash stands for what is not a date."
        yield _labels(connection, "Labels by month", month, "month", "ORDER BY 1 NULLS LAST", note)
    for name, column in groups.items():
        note = f"Sentences of each label by {name}, for the {top} values with the most sentences."
        value = f"{_quoted(column)}::VARCHAR"
        yield _labels(connection, f"Labels by {name}", value, name, f"ORDER BY 2 DESC, 1 NULLS LAST LIMIT {top}", note)
    hedged = connection.execute(
        "SELECT id, file, count(*) AS claims, avg(1 - certainty) AS hedging FROM sentences WHERE certainty IS NOT NULL "
        f'GROUP BY file, "row", id HAVING count(*) >= {_LEAST_CLAIMS} ORDER BY hedging DESC, file, "row" LIMIT {top}'
    ).fetchall()
    yield Table(
        "The most hedged documents",
        f"Hedging is the mean of 1 − certainty over the claims of a document, of those with at least {_LEAST_CLAIMS}.",
        ("document", "file", "claims", "hedging"),
        hedged,
        measure="hedging",
    )
    yield sources_of_denials(connection, top)
    yield names_in_denials(connection, top)


def _labels(connection: duckdb.DuckDBPyConnection, title: str, value: str, name: str, order: str, note: str) -> Table:
    query = f"SELECT {value} AS value, count(*), {_COUNTS} FROM sentences GROUP BY value {order}"
    return Table(title, note, (name, "sentences", *_NAMES), connection.execute(query).fetchall(), counts_labels=True)


def _opened(files: list[str], form: str, wanted: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """Return a connection with the view `sentences`."""
    import duckdb

    own = {"file": "VARCHAR", "row": "BIGINT", "id": "VARCHAR", "sentence": "BIGINT", "label": "VARCHAR"}
    own |= {"text": "VARCHAR", "certainty": "DOUBLE", "source": 'STRUCT("text" VARCHAR)'}
    connection = duckdb.connect()
    names = [glob.escape(name) for name in files]
    if form == "parquet":
        relation = connection.read_parquet(names)
    else:
        types: Any = own | wanted
        relation = connection.read_json(names, format="newline_delimited", columns=types)
    relation.create_view("sentences")
    return connection


def _column(name: str, names: dict[str, str], archive: Path, option: str = "by") -> str:
    if name not in names:
        raise CertaintyError(
            f"{archive}: no column {name!r} was kept. Found: {', '.join(names)}; name it with {argument(option)}."
        )
    return names[name]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
