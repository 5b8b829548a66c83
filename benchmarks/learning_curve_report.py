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
        return f"{self.domain} at {self.size}: {self.value:+.3f}{spread}"


def report(results: Results, folder: Path, pictures: Path) -> None:
    """Print the table and the musts, and write `learning_curve.json` and `learning_curve.svg`.

    Args:
        results: At least one result of `benchmarks.learning_curve`.
        folder: The folder of `learning_curve.json`.
        pictures: The folder of `learning_curve.svg`.
    """
    Console().print(table(results))
    for must in musts(results):
        print(must)
    write(folder, NAME, {"results": results})
    panels = {domain: _lines([one for one in results if one["domain"] == domain]) for domain in _domains(results)}
    counts = [len(seeds) for seeds in _seeds(results).values()]
    seeds = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{counts[0]}"
    plot_panels(make_folder(pictures), NAME, panels, ("labelled rows", f"macro-F1 (seeds: {seeds})"))


def table(results: Results) -> Table:
    """Return mean and standard deviation over the seeds of macro-F1, a column for each method."""
    methods = [method for method in METHODS if any(one["method"] == method for one in results)]
    shown = Table("macro-F1", "rows", "seeds", *methods)
    for (domain, size), seeds in _seeds(results).items():
        own = [one for one in results if (one["domain"], one["size"]) == (domain, size)]
        cells = []
        for method in methods:
            values = [one["macro_f1"] for one in own if one["method"] == method]
            spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.3f}{spread}" if values else "–")
        shown.add_row(domain, str(size), str(len(seeds)), *cells)
    return shown


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


def _lines(results: Results) -> dict[str, tuple[list[int], list[float]]]:
    lines = {}
    for method in METHODS:
        own = [one for one in results if one["method"] == method]
        sizes = sorted({one["size"] for one in own})
        if sizes:
            means = [statistics.mean(one["macro_f1"] for one in own if one["size"] == size) for size in sizes]
            lines[method] = sizes, means
    return lines
