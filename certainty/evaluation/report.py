"""The report on an evaluation: `metrics.json`, a self-contained `index.html`, and a summary for the terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.templating import environment
from certainty.writing import make_folder, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS: Mapping[str, tuple[str, str]] = {
    "macro_f1": ("macro-F1", "mean F1 of the labels"),
    "accuracy": ("accuracy", "share of claims with the right label"),
    "ece": ("calibration error", "ECE, 15 bins; 0 is best"),
    "brier": ("Brier score", "squared error of the probabilities; 0 is best"),
    "aurc": ("risk-coverage area", "AURC; 0 is best"),
    "accuracy_at_80": ("accuracy at 80 %", "of the 80 % most confident claims"),
    "accuracy_at_90": ("accuracy at 90 %", "of the 90 % most confident claims"),
    "cue_f1": ("cue F1", "words that decide, where gold marks them"),
    "attributed_f1": ("attribution F1", "claims attributed to a source"),
    "no_claim_f1": ("no-claim F1", "sentences that make no claim"),
    "contrast_accuracy": ("contrast accuracy", "labels of the sentences in groups"),
    "contrast_groups": ("contrast groups", "groups with every label right"),
}
"""Title and explanation of each metric, in the order of the report."""

# Colours of the plots, replaced by the page's own so that the plots follow its light and dark dress.
_COLOURS = {"#010203": "var(--ink)", "#010204": "var(--muted)", "#010205": "var(--accent)", "#010206": "var(--line)"}
_INK, _MUTED, _ACCENT, _LINE = _COLOURS


def without_text(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return an evaluation without the text of any sentence, for places where the sentences may not be published."""
    errors = [{name: value for name, value in error.items() if name != "text"} for error in result["errors"]]
    return {**result, "errors": errors}


def write_report(result: Mapping[str, Any], folder: str | Path) -> Path:
    """Write `metrics.json` (no text of sentences) and `index.html` (with the worst errors) into the folder.

    Each file appears whole or not at all.

    Args:
        result: What `certainty.evaluation.evaluate.evaluate` returns.
        folder: Made if it is not there; files of an earlier report are replaced.

    Returns:
        The path of `index.html`.

    Raises:
        CertaintyError: the folder cannot be written to.
    """
    files = {
        "metrics.json": json.dumps(without_text(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "index.html": render(result),
    }
    folder = make_folder(folder)
    for name, content in files.items():
        write_whole(folder / name, content)
    return folder / "index.html"


def render(result: Mapping[str, Any]) -> str:
    """Return the evaluation as one HTML page that loads nothing."""
    before = result.get("uncalibrated")
    templates = environment(__package__, autoescape=True)
    templates.filters.update(number=_number, interval=_interval, p_value=_p_value, title=_title)
    return templates.get_template("report.html.j2").render(
        **result,
        titles=METRICS,
        before=before,
        reliability_plot=_reliability_plot(result["reliability"], before["reliability"] if before else None),
        risk_plot=_risk_plot(result["risk_coverage"]),
        segments=_segments,
    )


def summary(result: Mapping[str, Any]) -> str:
    """Return the evaluation as plain text of aligned columns, without the errors."""
    data, models = result["data"], result["models"]
    counts = ", ".join(f"{count:,} {_title(label)}" for label, count in data["labels"].items())
    lines = [f"{data['sentences']:,} sentences, {data['claims']:,} claims: {counts}"]
    if data["in_train"]:
        lines.append(f"WARNING: {data['in_train']} of the sentences are also in the training data.")
    seeds = f"{len(models)} models: mean ± sd, interval of the mean" if len(models) > 1 else models[0]
    lines += ["", f"{seeds} (95 % bootstrap intervals, {result['resamples']:,} resamples)"]
    lines += _table(
        ("metric", "value", "interval", "rows"),
        [(METRICS[name][0], *_cells(f), f"{f['rows']:,}") for name, f in result["metrics"].items() if f["rows"]],
    )
    if before := result.get("uncalibrated"):
        changes = (
            f"{METRICS[name][0]} {_number(before[name]['value'])} → {_number(result['metrics'][name]['value'])}"
            for name in ("ece", "brier")
        )
        lines += ["", f"Before → after calibration: {', '.join(changes)}"]
    lines += _table(
        ("label", "F1", "interval", "precision", "recall", "claims"),
        [
            (_title(label), *_cells(c["f1"]), _number(c["precision"]), _number(c["recall"]), f"{c['support']:,}")
            for label, c in result["per_class"].items()
        ],
    )
    lines += _table(
        ("corpus", "macro-F1", "interval", "accuracy", "claims"),
        [
            (corpus, *_cells(c["macro_f1"]), _number(c["accuracy"]["value"]), f"{c['claims']:,}")
            for corpus, c in result["per_corpus"].items()
        ],
    )
    if result["baselines"]:
        crossed = result["baselines_fit"] == "cross-validation"
        where = "the held-out sentences themselves, by 5-fold cross-validation" if crossed else "the training data"
        lines += ["", f"Baselines, fitted on {where}:"]
        lines += _table(
            ("baseline", "macro-F1", "interval", "model is better by", "interval", "p"),
            [
                (name, *_cells(b["macro_f1"]), *_cells(b["difference"], "+.3f"), _p_value(b["p_value"]))
                for name, b in result["baselines"].items()
            ],
        )
    return "\n".join(lines)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(row: tuple[str, ...]) -> str:
        right = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        return "  ".join([row[0].ljust(widths[0]), *right[1:]])

    return ["", line(head), *map(line, rows)]


def _cells(figure: Mapping[str, Any], form: str = ".3f") -> tuple[str, str]:
    spread = "" if figure.get("sd") is None else f" ± {figure['sd']:.3f}"
    return _number(figure["value"], form) + spread, _interval(figure)


def _number(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None else format(value, form).replace("-", "−")


def _interval(figure: Mapping[str, Any]) -> str:
    return "–" if figure["low"] is None else f"{_number(figure['low'])} to {_number(figure['high'])}"


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _title(label: str) -> str:
    return label.replace("_", " ")


def _segments(
    text: str, gold: Sequence[Sequence[int]], predicted: Sequence[Sequence[int]]
) -> Iterator[tuple[str, str]]:
    """Cut a text where a cue starts or ends; yield each piece and its CSS classes."""
    cuts = sorted({0, len(text), *(offset for span in [*gold, *predicted] for offset in span)})
    for start, end in pairwise(cuts):
        kinds = {"gold": gold, "predicted": predicted}
        yield text[start:end], " ".join(k for k, spans in kinds.items() if any(a <= start < b for a, b in spans))


def _reliability_plot(bins: Sequence[Mapping[str, float]], before: Sequence[Mapping[str, float]] | None) -> str:
    def draw(axes: Axes) -> None:
        def curve(bins: Sequence[Mapping[str, float]], form: str, colour: str, label: str) -> None:
            x, y = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
            axes.plot(x, y, form, color=colour, linewidth=1.2, markersize=4, clip_on=False, label=label)

        axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
        width = bins[0]["high"] - bins[0]["low"]
        left, height = [b["low"] for b in bins], [b["accuracy"] for b in bins]
        # Pale behind two curves, so that both stand out.
        axes.bar(left, height, width * 0.94, align="edge", color=_ACCENT, alpha=0.4 if before else None)
        if before is None:
            curve(bins, "o", _INK, "")
        else:
            curve(before, "D:", _MUTED, "before calibration")
            curve(bins, "o-", _INK, "after")
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, labelcolor=_INK)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the label given", ylabel="share that is right")

    return _plot(draw)


def _risk_plot(curve: Mapping[str, Sequence[float]]) -> str:
    def draw(axes: Axes) -> None:
        axes.plot(curve["coverage"], curve["risk"], color=_ACCENT, linewidth=2)
        axes.set(xlim=(0, 1), xlabel="share of claims kept, the most confident first", ylabel="share that is wrong")
        axes.set_ylim(bottom=0)

    return _plot(draw)


def _plot(draw: Any) -> str:
    """Draw on fresh axes and return inline SVG whose text stays text."""
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
