"""Print agreement as tables for the terminal."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table

from certainty.labelling.agreement import Agreement, Estimate, Question

_WIDTH = 120  # columns of a file or a pipe


def write_tables(result: Agreement, out: TextIO) -> None:
    """Write α by category, κ and confusion matrix of each pair, first for the label, then for the attribution."""
    console = Console(file=out, highlight=False, width=None if out.isatty() else _WIDTH)
    for title, question in (("label", result.label), ("attribution", result.attribution)):
        console.print(f"[bold]{title}[/bold]: {question.sentences} sentences with at least two annotators")
        if not question.sentences:
            continue
        console.print(_alphas(question))
        console.print(_pairs(question))
        for pair in question.pairs:
            table = Table(f"{pair.first} \\ {pair.second}", title="confusion", title_justify="left")
            for name in question.categories:
                table.add_column(name, justify="right")
            for name, row in zip(question.categories, pair.confusion, strict=True):
                table.add_row(name, *map(str, row))
            console.print(table)
    console.print(
        f"[bold]cues[/bold]: {result.cues.sentences} sentences with the same label and cues of two annotators"
    )
    if result.cues.sentences:
        f1, interval = _cells(result.cues.f1)
        console.print(f"F1 of their words {f1}, 95 % interval {interval}")
    console.print(f"sentences with different labels: {len(result.disagreements)}")


def _alphas(question: Question) -> Table:
    table = Table("Krippendorff's α", title_justify="left")
    for name in ("given", "α", "95 % interval"):
        table.add_column(name, justify="right")
    table.add_row("all", str(sum(question.counts.values())), *_cells(question.alpha))
    for name, estimate in question.by_category.items():
        table.add_row(name, str(question.counts[name]), *_cells(estimate))
    return table


def _pairs(question: Question) -> Table:
    table = Table("pair")
    for name in ("sentences", "agreement", "95 % interval", "Cohen's κ", "95 % interval"):
        table.add_column(name, justify="right")
    for pair in question.pairs:
        shares = _cells(pair.agreement, ".1%")
        table.add_row(f"{pair.first} / {pair.second}", str(pair.sentences), *shares, *_cells(pair.kappa))
    return table


def _cells(estimate: Estimate, form: str = ".3f") -> tuple[str, str]:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–", "only one category"
    return f"{estimate.value:{form}}", f"{estimate.low:{form}} to {estimate.high:{form}}"
