"""Write the results of a benchmark: a JSON file with the machine and the date, and a plot."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any

from certainty import __version__
from certainty.writing import make_folder, write_whole

FOLDER = "benchmarks/results"
PACKAGES = ("onnxruntime", "tokenizers", "torch", "transformers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that all benchmarks share."""
    from certainty.model_folder import default_model

    parser.add_argument("--model", default=str(default_model()), help="model folder (default: the shipped one)")
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="number of CPU threads of each contender"
    )
    parser.add_argument("--output", type=Path, default=Path(FOLDER), help="folder for the JSON file and the plot")


def machine() -> dict[str, Any]:
    """Return the date, the processor and the versions of packages."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "versions": {"certainty": __version__, **{name: importlib.metadata.version(name) for name in PACKAGES}},
    }


def peak_mib() -> float:
    """Return the peak resident memory of this process in MiB, not including that of a process it was forked from."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def write(folder: Path, name: str, result: Mapping[str, Any]) -> None:
    """Write the machine and the result to `<name>.json`."""
    content = json.dumps({"machine": machine(), **result}, indent=1, ensure_ascii=False)
    write_whole(make_folder(folder) / f"{name}.json", content + "\n")


def plot_bars(folder: Path, name: str, values: Mapping[str, float], unit: str) -> None:
    """Write `<name>.svg`, with a bar for each contender."""
    figure, axes = _figure(0.5 + 0.4 * len(values))
    bars = axes.barh(list(values)[::-1], list(values.values())[::-1], color="#0072b2")
    axes.bar_label(bars, fmt="%.4g", padding=3)
    axes.set_xlabel(unit)
    _save(figure, folder / f"{name}.svg")


def plot_lines(
    folder: Path, name: str, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], axes_of: tuple[str, str]
) -> None:
    """Write `<name>.svg`, with a line of (x, y) for each contender and a logarithmic x axis."""
    figure, axes = _figure(3.5)
    for label, (x, y) in lines.items():
        axes.plot(x, y, marker="o", label=label)
    axes.set(xscale="log", xlabel=axes_of[0], ylabel=axes_of[1], ylim=(0, None))
    axes.legend()
    _save(figure, folder / f"{name}.svg")


def plot_panels(
    folder: Path,
    name: str,
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]],
    axes_of: tuple[str, str],
    notes: Mapping[str, Sequence[tuple[float, float, str]]] = MappingProxyType({}),
) -> None:
    """Write `<name>.svg`, with a panel of lines as in `plot_lines` for each title; they share the y axis.

    `notes` are texts beside points (x, y), for each title.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator

    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.2 * columns, 2.7 * rows), sharey=True, squeeze=False, layout="constrained"
    )
    names = list(dict.fromkeys(label for lines in panels.values() for label in lines))
    for axes, (title, lines) in zip(grid.flat, panels.items(), strict=False):
        for label, (x, y) in lines.items():
            axes.plot(x, y, marker="o", markersize=4, label=label, color=f"C{names.index(label)}")
        for *point, note in notes.get(title, ()):
            axes.annotate(note, point, textcoords="offset points", xytext=(4, 4), fontsize=6)
        ticks = sorted({one for x, _ in lines.values() for one in x})
        axes.set(xscale="log", title=title)
        axes.xaxis.set(major_locator=FixedLocator(ticks), minor_locator=NullLocator(), major_formatter="{x:,.0f}")
        axes.tick_params(axis="x", labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    figure.supxlabel(axes_of[0])
    figure.supylabel(axes_of[1])
    handles = {label: line for axes in grid.flat for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles), frameon=False)
    _save(figure, folder / f"{name}.svg")


def plot_points(
    folder: Path, name: str, points: Mapping[str, tuple[float, float | None]], axes_of: tuple[str, str]
) -> None:
    """Write `<name>.svg`, with a named point (x, y) for each contender and a logarithmic x axis.

    A contender without y is a vertical line.
    """
    figure, axes = _figure(4.5)
    beside = cycle((5, -12))  # names above and below the points in turn, as neighbours' would overlap
    for label, (x, y) in sorted(points.items(), key=lambda named: named[1][0]):
        if y is None:
            axes.axvline(x, color="#999999", linestyle="--", linewidth=1)
            axes.annotate(f" {label}", (x, 0.02), xycoords=("data", "axes fraction"), rotation=90, fontsize=8)
        else:
            axes.scatter([x], [y], color="#0072b2")
            axes.annotate(label, (x, y), textcoords="offset points", xytext=(5, next(beside)), fontsize=8)
    axes.set(xscale="log", xlabel=axes_of[0], ylabel=axes_of[1], ylim=(0, 1))
    _save(figure, folder / f"{name}.svg")


def _figure(height: float) -> tuple[Any, Any]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
