"""Measure how the time of each stage grows with the length of texts that are designed to slow it down.

python -m benchmarks.hostile [--stage NAME …] [--family NAME …]

Each text is measured at its length, and at 2 and 4 times that length; the exponent is the slope of time over length on
logarithmic axes, 1 for a linear stage: that of the last doubling or that of both, whichever is less, as a cache that is
full makes one of them steep. The command ends with status 1 if an exponent is above the limit.
"""

from __future__ import annotations

import argparse
import gc
import logging
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import record
from benchmarks.hostile_stages import FAMILIES, STAGES

SIZES = (1, 2, 4)
LIMIT = 1.35
"""Largest exponent: a busy machine makes linear work look like this, quadratic work gives 2."""
LEAST_SECONDS = 0.05
"""Times below this are too short to tell how they grow."""
MOST_SECONDS = 20.0
"""A text that takes longer is not measured at a greater length."""


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Return the least processor time of a call, without the garbage collector, as `timeit` does."""
    runs = []
    for _ in range(repeats):
        gc.collect()
        gc.disable()
        begin = time.process_time()
        call()
        runs.append(time.process_time() - begin)
        gc.enable()
        if runs[-1] > 1.0:
            break
    return min(runs)


def growth(stage: Callable[[str], Callable[[], object]], unit: str, length: int, repeats: int) -> list[float]:
    """Return the times at the lengths of `SIZES`; fewer if one is above `MOST_SECONDS`."""
    times: list[float] = []
    for size in SIZES:
        text = (unit * (length * size // len(unit) + 1))[: length * size]
        times.append(seconds(stage(text), repeats))
        if times[-1] > MOST_SECONDS:
            break
    return times


def exponent(times: Sequence[float]) -> float | None:
    """Return the lesser slope, of the last doubling or of all; None if the last time is too short to tell."""
    if len(times) < 2:
        return math.inf
    if times[-1] < LEAST_SECONDS:
        return None
    last, before, first = times[-1], max(times[-2], 1e-4), max(times[0], 1e-4)
    return min(math.log2(last / before), math.log2(last / first) / math.log2(SIZES[len(times) - 1]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--stage", nargs="*", choices=tuple(STAGES), default=tuple(STAGES))
    parser.add_argument("--family", nargs="*", choices=tuple(FAMILIES), default=tuple(FAMILIES))
    parser.add_argument("--length", type=int, default=20_000, help="characters (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=2, help="the best of so many runs counts (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path(record.FOLDER), help="folder for the JSON file")
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    worst = Table("stage", "slowest family", "ms", "characters per second", "highest exponent", "of family")
    found: dict[str, dict[str, object]] = {}
    failed = []
    for name in options.stage:
        rows = {
            family: growth(STAGES[name], FAMILIES[family], options.length, options.repeats) for family in options.family
        }
        exponents = {family: value for family, times in rows.items() if (value := exponent(times)) is not None}
        failed += [(name, family, value) for family, value in exponents.items() if value > LIMIT]
        slowest = max(rows, key=lambda family: rows[family][-1])
        steepest = max(exponents, key=exponents.__getitem__, default=None)
        characters = options.length * SIZES[len(rows[slowest]) - 1]
        worst.add_row(
            name,
            slowest,
            f"{1000 * rows[slowest][-1]:.0f}",
            f"{characters / max(rows[slowest][-1], 1e-9):,.0f}",
            f"{exponents[steepest]:.2f}" if steepest else "too fast to tell",
            steepest or "",
        )
        found[name] = {"seconds": rows, "exponents": exponents}
        print(f"{name}: done", file=sys.stderr, flush=True)
    Console(width=120).print(worst)
    for name, family, value in failed:
        print(f"superlinear: {name}, {family}: exponent {value:.2f}")
    record.write(options.output, "hostile", {"length": options.length, "sizes": SIZES, "stages": found})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
