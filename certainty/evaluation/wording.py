"""How figures are written in the terminal and in the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def number(value: float | None, form: str = ".3f") -> str:
    """Return a number with a true minus sign, or a dash for none."""
    return "–" if value is None else format(value, form).replace("-", "−")


def interval(figure: Mapping[str, Any], form: str = ".3f") -> str:
    """Return the interval of a figure, or a dash for none."""
    if figure["low"] is None:
        return "–"
    low, high = number(figure["low"], form), number(figure["high"], form)
    return f"{low.removesuffix('%')} to {high.replace('%', ' %')}"


def p_value(value: float, permutations: int) -> str:
    """Return a p-value; the least that so many permutations can give is written as a bound."""
    floor = 1 / (1 + permutations)
    return f"≤ {floor:.4f}" if value <= floor * (1 + 1e-9) else f"{value:.4f}"


def percent(value: float | None) -> str:
    """Return a share as a percentage of whole numbers."""
    return number(value, ".0%").replace("%", " %")


def title(label: str) -> str:
    """Return a label as it stands in prose."""
    return label.replace("_", " ")
