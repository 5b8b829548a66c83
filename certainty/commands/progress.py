"""Show the progress of a command through its texts on standard error."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from certainty.progress import ProgressDisplay


def add_quiet_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--quiet`."""
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show no progress; warnings and errors are still shown"
    )


class TextProgress:
    """Sentences done, rate and time left, over all files of a command; a function for `show_progress`.

    Time is counted from entering the context manager.

    As the number of sentences is unknown until the files are read, the share that is done is measured in bytes: those
    of the finished files, and those of the current file times the share of its sentences that are done.

    Attributes:
        is_quiet: Whether nothing is shown.

    Args:
        names: The files, in the order in which they are scored; a name that is not a file counts as one byte.
        quiet: Whether to show nothing.
    """

    def __init__(self, names: Sequence[str] = ("",), quiet: bool = False) -> None:
        self.is_quiet = quiet
        self._display: ProgressDisplay | None = None
        self._sizes = [max(1, Path(name).stat().st_size) if Path(name).is_file() else 1 for name in names]
        self._file = -1
        self._total: int | None = None  # sentences of the current file
        self._before = self._sentences = 0  # sentences done in the previous files, and in the current one

    def __enter__(self) -> TextProgress:
        if not self.is_quiet:
            self._display = ProgressDisplay(lambda line: print(line, file=sys.stderr))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def next_file(self, total: int | None = None) -> None:
        """Start the next file.

        Args:
            total: Its number of sentences, if known before they are scored.
        """
        self._file += 1
        self._total = total
        self._before, self._sentences = self._before + self._sentences, 0

    def total(self, counts: Iterable[int]) -> int:
        """Add up counts of sentences and show the progress; the time that this takes is left out of the rate."""
        began, total = time.monotonic(), 0
        for count in counts:
            total += count
            if self._display:
                self._display.found(total)
        if self._display:
            self._display.leave_out(time.monotonic() - began)
        return total

    def __call__(self, sentences: int, total: int | None) -> None:
        """Show that `sentences` of the `total` sentences of the current file are done."""
        self._sentences = sentences
        total = total or self._total
        if self._display:
            current = max(0, self._file)
            part = min(1.0, sentences / total) if total else 0.0
            done = sum(self._sizes[:current]) + self._sizes[current] * part
            self._display.update(self._before + sentences, done / sum(self._sizes))

    def hide(self) -> None:
        """Hide the bar for a moment, so that results can be written."""
        if self._display:
            self._display.hide()
