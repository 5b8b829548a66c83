"""How far a command is with its texts, on standard error."""

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
        "-q", "--quiet", action="store_true", help="show no progress; warnings and errors are still told"
    )


class TextProgress:
    """Sentences done, rate and time left, over all files of a command; a function for `show_progress`.

    The time counts from its beginning as a context manager.

    The number of sentences to come is not known before the files are read, so the share that is done is one of bytes:
    those of the files that are finished, and of the current one the share of its sentences.

    Attributes:
        is_quiet: Nothing is shown.

    Args:
        names: The files, in the order in which they are scored; what is no file counts as one byte.
        quiet: Show nothing.
    """

    def __init__(self, names: Sequence[str] = ("",), quiet: bool = False) -> None:
        self.is_quiet = quiet
        self._display: ProgressDisplay | None = None
        self._sizes = [max(1, Path(name).stat().st_size) if Path(name).is_file() else 1 for name in names]
        self._file = -1
        self._total: int | None = None  # sentences of the current file
        self._before = self._sentences = 0  # those done of the files before, of the current one

    def __enter__(self) -> TextProgress:
        if not self.is_quiet:
            self._display = ProgressDisplay(lambda line: print(line, file=sys.stderr))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def next_file(self, total: int | None = None) -> None:
        """Begin with the next file.

        Args:
            total: How many sentences it has, if that is known before they are scored.
        """
        self._file += 1
        self._total = total
        self._before, self._sentences = self._before + self._sentences, 0

    def total(self, counts: Iterable[int]) -> int:
        """Return the sum of counts of sentences, and show how far it is; counting is not part of the work."""
        began, total = time.monotonic(), 0
        for count in counts:
            total += count
            if self._display:
                self._display.found(total)
        if self._display:
            self._display.leave_out(time.monotonic() - began)
        return total

    def __call__(self, sentences: int, total: int | None) -> None:
        """Show how many sentences of the current file, of so many, are done."""
        self._sentences = sentences
        total = total or self._total
        if self._display:
            current = max(0, self._file)
            part = min(1.0, sentences / total) if total else 0.0
            done = sum(self._sizes[:current]) + self._sizes[current] * part
            self._display.update(self._before + sentences, done / sum(self._sizes))

    def hide(self) -> None:
        """Take the bar away for a moment, so that results can be written."""
        if self._display:
            self._display.hide()
