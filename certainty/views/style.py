"""The style sheet of the HTML views, written from the palette."""

from __future__ import annotations

from certainty.labels import LABELS, Label
from certainty.views.palette import ATTRIBUTED_MARK, DARK, LIGHT, MARKS, RGB, TINTS


def css_class(label: Label) -> str:
    """Return the class of a label's sentences."""
    return f"certainty-{label.value.replace('_', '-')}"


def style_sheet() -> str:
    """Return the rules; all are scoped under `.certainty`, so that a notebook around keeps its own look."""
    labels = "".join(
        f".certainty .{css_class(label)}{{--tint:{_triple(TINTS[label])};--mark:'{MARKS[label]}'}}" for label in LABELS
    )
    return (
        f".certainty{{{_colours(LIGHT)}}}"
        f"@media(prefers-color-scheme:dark){{.certainty{{{_colours(DARK)}}}}}"
        f"{labels}{_RULES.replace('ATTRIBUTED', ATTRIBUTED_MARK)}"
    )


def _colours(theme: tuple[RGB, RGB, RGB]) -> str:
    background, text, dim = (f"rgb({_triple(colour)})" for colour in theme)
    return f"--background:{background};--text:{text};--dim:{dim}"


def _triple(colour: RGB) -> str:
    return " ".join(map(str, colour))


# The second `content` of a mark, with an empty alternative text, spares listeners what the label already says; a
# browser that does not know it keeps the first.
_RULES = """
.certainty{background:var(--background);color:var(--text);font:1rem/1.5 system-ui,sans-serif;padding:1.25rem;
  color-scheme:light dark}
.certainty section{max-width:44rem;margin:0 auto}
.certainty section+section{margin-top:3rem}
.certainty h1,.certainty h2{font-size:1.25rem;line-height:1.3;margin:0 0 .75rem;overflow-wrap:anywhere}
.certainty-counts{display:flex;flex-wrap:wrap;gap:.4rem .6rem;margin:0;padding:0;list-style:none;font-size:.85rem}
.certainty-counts li{margin:0;padding:.1rem .5rem;border-radius:.3rem}
.certainty-counts .certainty-none{padding-left:0}
.certainty-key{color:var(--dim);font-size:.85rem;margin:.6rem 0 1.5rem}
.certainty-text{font:1.1rem/1.85 Charter,Georgia,serif;white-space:pre-wrap;overflow-wrap:anywhere}
.certainty-claim{background:rgb(var(--tint)/var(--opacity));-webkit-print-color-adjust:exact;
  print-color-adjust:exact}
.certainty-text .certainty-claim{padding:.15em .2em;border-radius:.2em;-webkit-box-decoration-break:clone;
  box-decoration-break:clone}
.certainty-claim::before{content:var(--mark);content:var(--mark)/'';font:600 .8em system-ui,sans-serif;
  margin-right:.3em;opacity:.8}
.certainty-attributed::after{content:'ATTRIBUTED';content:'ATTRIBUTED'/'';font-size:.8em;margin-left:.2em}
.certainty-none{color:var(--dim)}
.certainty u{text-decoration:underline 2px;text-underline-offset:.2em}
"""
