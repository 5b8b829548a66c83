"""The style sheet of the HTML views: colours and marks from the palette, rules from `style.css`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from certainty.views.palette import ATTRIBUTED_MARK, CHANGE_MARKS, CHANGE_TINTS, DARK, INKS, LIGHT, MARKS, RGB, TINTS

_DARK_HOSTS = (
    '[data-jp-theme-light="false"]',  # JupyterLab, Notebook 7 and the pages of nbconvert
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
    'html[theme="dark"]',  # Colab
    '[data-theme="dark"]',  # the themes of Sphinx
    '[data-md-color-scheme="slate"]',  # Material for MkDocs
)
"""What a notebook, or a site of notebooks, is marked with where it is dark; it need not be as the system is."""


def css_class(category: str) -> str:
    """Return the class of a category's sentences."""
    return f"certainty-{category.replace('_', '-')}"


@cache
def style_sheet() -> str:
    """Return the rules; all are scoped under `.certainty`, so that a notebook around keeps its own look."""
    marks = [f".certainty .{css_class(shown)}{{--mark:'{mark}'}}" for shown, mark in (MARKS | CHANGE_MARKS).items()]
    changes = [f".certainty .{css_class(change)}{{--tint:{_triple(tint)}}}" for change, tint in CHANGE_TINTS.items()]
    tints = [
        f".certainty .{css_class(label)}{{--tint:{_triple(tint)};--ink:{INKS[label]}}}" for label, tint in TINTS.items()
    ]
    dark_notebook = ",".join(f"{host} .certainty.certainty-notebook" for host in _DARK_HOSTS)
    return "\n".join(
        (
            f".certainty{{{_colours(LIGHT)};color-scheme:light dark;--attributed:'{ATTRIBUTED_MARK}'}}",
            f"@media screen and (prefers-color-scheme:dark){{.certainty:not(.certainty-notebook){{{_colours(DARK)}}}}}",
            ".certainty.certainty-notebook{color-scheme:light}",
            f"@media screen{{{dark_notebook}{{{_colours(DARK)};color-scheme:dark}}}}",
            *marks,
            *tints,
            *changes,
            (files("certainty.views") / "style.css").read_text(encoding="utf-8"),
        )
    )


def _colours(theme: tuple[RGB, RGB, RGB]) -> str:
    background, text, dim = (f"rgb({_triple(colour)})" for colour in theme)
    return f"--background:{background};--text:{text};--dim:{dim}"


def _triple(colour: RGB) -> str:
    return " ".join(map(str, colour))
