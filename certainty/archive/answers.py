"""The answer to a question about an archive: a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from certainty.views.plain import one_line


@dataclass(frozen=True)
class Table:
    """The answer to a question.

    Attributes:
        title: Its heading.
        note: How to read it.
        columns: Names of its columns.
        rows: Its rows; None is a value that is missing.
        counts_labels: Whether its columns are a value, the number of sentences, and that of each label.
        measure: Name of the column that orders a ranking; None if it is none.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    counts_labels: bool = False
    measure: str | None = None

    def __str__(self) -> str:
        if not self.rows:
            return f"# {self.title}\nnone"
        cells = [[shown(value) for value in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]
        are_numbers = [all(not isinstance(row[i], str) for row in self.rows) for i in range(len(self.columns))]
        lines = [
            "  ".join(
                f"{cell:>{width}}" if is_number else f"{cell:{width}}"
                for cell, width, is_number in zip(row, widths, are_numbers, strict=True)
            ).rstrip()
            for row in (list(self.columns), *cells)
        ]
        return "\n".join([f"# {self.title}", *lines])

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain values, for JSON."""
        rows = [list(row) for row in self.rows]
        return {"title": self.title, "note": self.note, "columns": list(self.columns), "rows": rows}


def shown(value: Any) -> str:
    """Return a value of a table for people; a missing one is a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else one_line(str(value))
