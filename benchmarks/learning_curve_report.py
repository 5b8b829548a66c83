"""Report a learning curve: a table, a picture, and whether training is worth it at each size."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.record import plot_panels, write
from certainty.writing import make_folder

__all__ = ["METHODS", "NAME", "report"]

NAME = "learning_curve"
METHODS = ("shipped", "continued", "encoder", "tfidf", "setfit")
Results = Sequence[Mapping[str, Any]]


class Difference(NamedTuple):
    """How much higher the macro-F1 of `continued` is than that of another method in one domain at one size.

    Attributes:
        domain: The domain.
        size: Number of training rows.
        value: Mean of the differences of the seeds that both have.
        error: Standard error of the mean; None with one seed.
        seeds: Number of these seeds.
    """

    domain: str
    size: int
    value: float
    error: float | None
    seeds: int

    def __str__(self) -> str:
        spread = "" if self.error is None else f" ± {self.error:.3f}"
        return f"{self.domain} at {self.size}: {self.value:+.3f}{spread} ({_counted(self.seeds)})"


def report(results: Results, folder: Path, pictures: Path) -> None:
    """Print the table and the musts, and write `learning_curve.json` and `learning_curve.svg`.

    Args:
        results: At least one result of `benchmarks.learning_curve`.
        folder: The folder of `learning_curve.json`.
        pictures: The folder of `learning_curve.svg`.
    """
    points = _points(results)
    most = max(map(len, points.values()))
    Console().print(table(results))
    told = [f"mean of {_counted(most)}, unless marked", *_encoder(results)]
    for line in (*told, *_kept(results)):
        print(line)
    for must in musts(results):
        print(must)
    write(folder, NAME, {"results": results})
    panels = {domain: _lines(points, domain) for domain in _domains(results)}
    notes = {
        domain: [
            (float(size), statistics.mean(values), f"({_counted(len(values))})")
            for (of, size, _), values in points.items()
            if of == domain and len(values) < most
        ]
        for domain in panels
    }
    plot_panels(make_folder(pictures), NAME, panels, ("\n".join(["labelled rows", *told]), "macro-F1"), notes)


def table(results: Results) -> Table:
    """Return mean and standard deviation over the seeds of macro-F1, a column for each method.

    A value of fewer seeds than others have is followed by their number.
    """
    points = _points(results)
    most = max(map(len, points.values()))
    methods = [method for method in METHODS if any(method == of for _, _, of in points)]
    shown = Table("macro-F1", "rows", *methods)
    for domain, size in _seeds(results):
        cells = []
        for method in methods:
            values = points.get((domain, size, method), [])
            spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            mark = f" ({_counted(len(values))})" if len(values) < most else ""
            cells.append(f"{statistics.mean(values):.3f}{spread}{mark}" if values else "–")
        shown.add_row(domain, str(size), *cells)
    return shown


def _counted(seeds: int) -> str:
    return f"{seeds} seed{'s' if seeds > 1 else ''}"


def _encoder(results: Results) -> list[str]:
    return [f"encoder: {one}" for one in dict.fromkeys(one.get("encoder") for one in results) if one]


def _kept(results: Results) -> list[str]:
    columns = {one["domain"]: one.get("group_by") for one in results}
    return [f"{domain}: rows of one {column} stay together" for domain, column in columns.items() if column]


def musts(results: Results) -> Iterator[str]:
    """Yield, for each must of training with automatic settings, whether it holds, with the figures."""
    over_shipped, over_tfidf = (differences(results, other) for other in ("shipped", "tfidf"))
    at_100 = [one for one in over_shipped if one.size == 100]
    yield _told("at 100 rows, no domain is below the shipped model", at_100, [d for d in at_100 if d.value < 0])
    at_300 = [one for one in over_shipped if one.size == 300]
    mean = statistics.mean(one.value for one in at_300) if at_300 else 0.0
    yield _told(
        f"at 300 rows, the mean of the domains is at least 0.02 above the shipped model ({mean:+.3f})",
        at_300,
        at_300 if mean < 0.02 else [],
    )
    yield _told("at every size above tf-idf", over_tfidf, [one for one in over_tfidf if one.value <= 0])


def _told(must: str, measured: Sequence[Difference], failed: Sequence[Difference]) -> str:
    if not measured:
        return f"not measured: {must}"
    shown = failed or [min(measured, key=lambda one: one.value)]
    return f"{'fails' if failed else 'holds'}: {must}; {'' if failed else 'lowest: '}{'; '.join(map(str, shown))}"


def differences(results: Results, other: str) -> list[Difference]:
    """Return how much better `continued` is than another method, for each domain and size that has both."""
    values = {(one["domain"], one["size"], one["seed"], one["method"]): float(one["macro_f1"]) for one in results}
    found = []
    for (domain, size), seeds in _seeds(results).items():
        pairs = [[values.get((domain, size, seed, method)) for method in ("continued", other)] for seed in seeds]
        own = [new - old for new, old in pairs if new is not None and old is not None]
        if own:
            error = statistics.stdev(own) / len(own) ** 0.5 if len(own) > 1 else None
            found.append(Difference(domain, size, statistics.mean(own), error, len(own)))
    return found


def _domains(results: Results) -> list[str]:
    return list(dict.fromkeys(one["domain"] for one in results))


def _seeds(results: Results) -> dict[tuple[str, int], list[int]]:
    """Return the seeds of each domain and size, in the order of the domains and of the sizes."""
    order = _domains(results)
    keys = sorted({(one["domain"], one["size"]) for one in results}, key=lambda key: (order.index(key[0]), key[1]))
    return {key: sorted({one["seed"] for one in results if (one["domain"], one["size"]) == key}) for key in keys}


def _points(results: Results) -> dict[tuple[str, int, str], list[float]]:
    """Return the values of the seeds that each method has in each domain at each size, one for each seed."""
    points: dict[tuple[str, int, str], dict[int, float]] = {}
    for one in results:
        points.setdefault((one["domain"], one["size"], one["method"]), {})[one["seed"]] = one["macro_f1"]
    return {point: list(values.values()) for point, values in points.items()}


def _lines(
    points: Mapping[tuple[str, int, str], Sequence[float]], domain: str
) -> dict[str, tuple[list[int], list[float]]]:
    lines = {}
    for method in METHODS:
        own = sorted(
            (size, statistics.mean(values)) for (of, size, m), values in points.items() if (of, m) == (domain, method)
        )
        if own:
            lines[method] = [size for size, _ in own], [mean for _, mean in own]
    return lines
