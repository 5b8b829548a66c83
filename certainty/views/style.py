"""The style sheet of the HTML views: colours and marks from the palette, rules from `style.css`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from certainty.views.palette import ATTRIBUTED_MARK, DARK, INKS, LIGHT, MARKS, RGB, TINTS


def css_class(category: str) -> str:
    """Return the class of a category's sentences."""
    return f"certainty-{category.replace('_', '-')}"


@cache
def style_sheet() -> str:
    """Return the rules; all are scoped under `.certainty`, so that a notebook around keeps its own look."""
    marks = [f".certainty .{css_class(shown)}{{--mark:'{mark.strip()}'}}" for shown, mark in MARKS.items()]
    tints = [
        f".certainty .{css_class(label)}{{--tint:{_triple(tint)};--ink:{INKS[label]}}}" for label, tint in TINTS.items()
    ]
    return "\n".join(
        (
            f".certainty{{{_colours(LIGHT)};--attributed:'{ATTRIBUTED_MARK}'}}",
            f"@media screen and (prefers-color-scheme:dark){{.certainty{{{_colours(DARK)}}}}}",
            *marks,
            *tints,
            (files("certainty.views") / "style.css").read_text(encoding="utf-8"),
        )
    )


def _colours(theme: tuple[RGB, RGB, RGB]) -> str:
    background, text, dim = (f"rgb({_triple(colour)})" for colour in theme)
    return f"--background:{background};--text:{text};--dim:{dim}"


def _triple(colour: RGB) -> str:
    return " ".join(map(str, colour))
