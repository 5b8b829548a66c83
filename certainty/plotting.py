"""Draw plots as inline SVG in the colours of a page whose style is `templates/report.css`."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Placeholder colours, replaced by CSS variables so that the plots follow the page's light or dark theme.
_COLOURS = {
    "#010203": "var(--ink)",
    "#010204": "var(--muted)",
    "#010205": "var(--accent)",
    "#010206": "var(--line)",
    "#010207": "var(--wrong)",
    "#010208": "var(--gold)",
}
INK, MUTED, ACCENT, LINE, WRONG, GOLD = _COLOURS


def inline_svg(draw: Callable[[Axes], object], size: tuple[float, float] = (5, 3.6)) -> str:
    """Draw on new axes and return inline SVG, with text as text rather than paths.

    Args:
        draw: Draws on the axes, in the colours of this module.
        size: Width and height in inches.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "certainty"}):
        plot = Figure(figsize=size, layout="constrained")
        axes = plot.add_subplot()
        axes.set_axisbelow(True)
        axes.grid(color=LINE, linewidth=0.8)
        axes.spines[:].set_visible(False)
        axes.tick_params(color=LINE, labelcolor=MUTED)
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
        draw(axes)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        plot.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    for placeholder, colour in _COLOURS.items():
        svg = svg.replace(placeholder, colour)
    return svg[svg.index("<svg") :]
