"""Check that the time of splitting is linear in the length of a text, on texts designed to slow it down.

python -m benchmarks.splitting_growth
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from certainty.normalising import reading_form
from certainty.sentences import split_sentences

FAMILIES = {
    "sentences": "Le pont est fermé. ",
    "no space": "x",
    "spaces": " ",
    "stops": ".",
    "spaced stops": ". ",
    "open quotes": '. "',
    "open guillemets": "« ",
    "open brackets": "(a ; ",
    "words left out": "a : (...) Il ",
    "initials": "A. ",
    "forgotten spaces": "x.Le",
    "numbers": "1. 000 ",
    "note calls": "mot.1 [",
    "emojis": "😀",
    "bullets": "• ",
    "blank lines": "\n",
    "unfinished lines": "a,\r\n",
    "broken words": "a-\n",
    "soft hyphens": "a\xad\n",
    "zero-width spaces": "a\u200b",
    "page breaks": "1\n\f",
    "dates": "3 mars 2020 ",
    "space after a date word": "publié" + 500 * " ",
}


def seconds(call: Callable[[str], object], text: str) -> float:
    """Return the CPU time of a call in seconds, the best of three."""
    runs = []
    for _ in range(3):
        begin = time.process_time()
        call(text)
        runs.append(time.process_time() - begin)
    return min(runs)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.splitting_growth", description=__doc__)
    parser.add_argument(
        "--length", type=int, default=100_000, help="number of characters of the short text (default: %(default)s)"
    )
    parser.add_argument(
        "--times", type=int, default=8, help="factor by which the long text is longer (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    table = Table(
        f"time of {options.times} × the length",
        *("ms", "splitting", "ms", "reading form"),
        title=f"from {options.length:,} to {options.length * options.times:,} characters",
    )
    for name, unit in FAMILIES.items():
        short = (unit * (options.length // len(unit) + 1))[: options.length]
        row = []
        for call in (split_sentences, reading_form):
            begin, end = seconds(call, short), seconds(call, short * options.times)
            row += [f"{end * 1000:.1f}", f"× {end / begin:.1f}"]
        table.add_row(name, *row)
    Console().print(table)


if __name__ == "__main__":
    main()
