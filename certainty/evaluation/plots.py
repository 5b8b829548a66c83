"""Draw the plots of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from certainty.plotting import ACCENT, GOLD, INK, MUTED, WRONG, inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES = [(colour, style) for style in ("-", "--", ":") for colour in (ACCENT, WRONG, GOLD, INK)]


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

        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
        width = bins[0]["high"] - bins[0]["low"]
        left, height = [b["low"] for b in bins], [b["accuracy"] for b in bins]
        # Pale bars keep two curves readable.
        axes.bar(left, height, width * 0.94, align="edge", color=ACCENT, alpha=0.4 if before else None)
        if before is None:
            curve(bins, "o", INK, "")
        else:
            curve(before, "D:", MUTED, "before calibration")
            curve(bins, "o-", INK, "after")
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, labelcolor=INK)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the predicted label", ylabel="share of right labels")

    return inline_svg(draw)


def risk_plot(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Plot the share of wrong labels against the share of claims kept, one curve per model."""

    def draw(axes: Axes) -> None:
        for n, (name, curve) in enumerate(curves.items()):
            colour, style = _CURVES[n % len(_CURVES)]
            axes.plot(curve["coverage"], curve["risk"], style, color=colour, linewidth=2, label=name)
        axes.set(xlim=(0, 1), xlabel="share of claims kept, most confident first", ylabel="share of wrong labels")
        axes.set_ylim(bottom=0)
        if len(curves) > 1:
            axes.legend(loc="upper left", frameon=False, labelcolor=INK)

    return inline_svg(draw)
