"""The summary of an archive as a self-contained page with plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certainty.archive.answers import Table, shown
from certainty.extras import needs
from certainty.labels import Label
from certainty.plotting import ACCENT, INK, MUTED, inline_svg
from certainty.templating import environment
from certainty.views.palette import INKS
from certainty.views.wording import category_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from certainty.archive.summary import Summary

_NAME = 32  # characters of a value shown beside its bar


def render_summary(summary: Summary) -> str:
    """Return the page; see `Summary.to_html`."""
    needs("jinja2", "matplotlib", extra="archive", user="the page of a summary")
    templates = environment(__package__, autoescape=True)
    templates.filters.update(shown=shown, name=category_name)
    return templates.get_template("summary.html.j2").render(
        folder=summary.folder.name,
        description=summary.description,
        tables=[(table, _plot(table) if table.rows else "") for table in summary.tables],
    )


def _plot(table: Table) -> str:
    if table.counts_labels:
        return labels_plot(table)
    return "" if table.measure is None else ranking_plot(table, table.columns.index(table.measure))


def ranking_plot(table: Table, measure: int) -> str:
    """Plot the values of a column as bars; the first row is on top."""
    rows = table.rows[::-1]

    def draw(axes: Axes) -> None:
        places = list(range(len(rows)))
        axes.barh(places, [row[measure] for row in rows], 0.8, color=ACCENT)
        axes.set_yticks(places, [_short(row[0]) for row in rows])
        axes.set(xlabel=table.columns[measure])
        axes.grid(False, axis="y")

    return inline_svg(draw, (7.5, 1 + 0.28 * len(rows)))


def labels_plot(table: Table) -> str:
    """Plot the share of each label among the sentences of each row, as stacked bars; the first row is on top."""
    rows = table.rows[::-1]

    def draw(axes: Axes) -> None:
        places = list(range(len(rows)))
        left = [0.0] * len(rows)
        for i, label in enumerate(Label):
            shares = [row[2 + i] / row[1] for row in rows]
            colour = INKS.get(label.value, MUTED)
            axes.barh(places, shares, 0.8, left=left, color=colour, label=category_name(label.value))
            left = [start + share for start, share in zip(left, shares, strict=True)]
        axes.set_yticks(places, [_short(row[0]) for row in rows])
        axes.set(xlim=(0, 1), xlabel="share of sentences")
        axes.grid(False, axis="y")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=5, frameon=False, labelcolor=INK, fontsize=8)

    return inline_svg(draw, (7.5, 1.4 + 0.28 * len(rows)))


def _short(value: Any) -> str:
    """Return a value as it is shown beside its bar."""
    name = shown(value)
    cut = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    return cut.replace("$", r"\$")  # a dollar sign would begin a formula
