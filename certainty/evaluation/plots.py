"""Draw the plots of a report as inline SVG in the colours of the page."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
_INK, _MUTED, _ACCENT, _LINE, _WRONG, _GOLD = _COLOURS
_CURVES = [(colour, style) for style in ("-", "--", ":") for colour in (_ACCENT, _WRONG, _GOLD, _INK)]


def reliability_plot(bins: Sequence[Mapping[str, float]], before: Sequence[Mapping[str, float]] | None) -> str:
    """Plot the share of right labels against their probability, and the same before calibration if it is known.

    Args:
        bins: Bins of the reliability plot.
        before: The same before calibration, or None.
    """

    def draw(axes: Axes) -> None:
        def curve(bins: Sequence[Mapping[str, float]], form: str, colour: str, label: str) -> None:
            x, y = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
            axes.plot(x, y, form, color=colour, linewidth=1.2, markersize=4, clip_on=False, label=label)

        axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
        width = bins[0]["high"] - bins[0]["low"]
        left, height = [b["low"] for b in bins], [b["accuracy"] for b in bins]
        # Pale bars keep two curves readable.
        axes.bar(left, height, width * 0.94, align="edge", color=_ACCENT, alpha=0.4 if before else None)
        if before is None:
            curve(bins, "o", _INK, "")
        else:
            curve(before, "D:", _MUTED, "before calibration")
            curve(bins, "o-", _INK, "after")
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, labelcolor=_INK)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the predicted label", ylabel="share of right labels")

    return _plot(draw)


def risk_plot(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Plot the share of wrong labels against the share of claims kept, one curve per model."""

    def draw(axes: Axes) -> None:
        for n, (name, curve) in enumerate(curves.items()):
            colour, style = _CURVES[n % len(_CURVES)]
            axes.plot(curve["coverage"], curve["risk"], style, color=colour, linewidth=2, label=name)
        axes.set(xlim=(0, 1), xlabel="share of claims kept, most confident first", ylabel="share of wrong labels")
        axes.set_ylim(bottom=0)
        if len(curves) > 1:
            axes.legend(loc="upper left", frameon=False, labelcolor=_INK)

    return _plot(draw)


def _plot(draw: Any) -> str:
    """Draw on new axes and return inline SVG, with text as text rather than paths."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "certainty"}):
        plot = Figure(figsize=(5, 3.6), layout="constrained")
        axes = plot.add_subplot()
        axes.set_axisbelow(True)
        axes.grid(color=_LINE, linewidth=0.8)
        axes.spines[:].set_visible(False)
        axes.tick_params(color=_LINE, labelcolor=_MUTED)
        axes.xaxis.label.set_color(_INK)
        axes.yaxis.label.set_color(_INK)
        draw(axes)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        plot.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    for placeholder, colour in _COLOURS.items():
        svg = svg.replace(placeholder, colour)
    return svg[svg.index("<svg") :]
