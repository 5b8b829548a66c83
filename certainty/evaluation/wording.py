"""Format figures for the terminal and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def number(value: float | None, form: str = ".3f") -> str:
    """Format a number with a proper minus sign, or return a dash for None."""
    return "–" if value is None else format(value, form).replace("-", "−")


def interval(figure: Mapping[str, Any], form: str = ".3f") -> str:
    """Format the interval of a figure, or return a dash if there is none."""
    if figure["low"] is None:
        return "–"
    low, high = number(figure["low"], form), number(figure["high"], form)
    return f"{low.removesuffix('%')} to {high.replace('%', ' %')}"


def p_value(value: float, permutations: int) -> str:
    """Format a p-value; the smallest possible with this number of permutations is shown as a bound."""
    floor = 1 / (1 + permutations)
    return f"≤ {floor:.4f}" if value <= floor * (1 + 1e-9) else f"{value:.4f}"


def percent(value: float | None) -> str:
    """Format a share as a whole percentage."""
    return number(value, ".0%").replace("%", " %")


def title(label: str) -> str:
    """Return a label as written in prose, with spaces for underscores."""
    return label.replace("_", " ")
