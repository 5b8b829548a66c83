"""Show how far long scoring has come: a bar on a terminal or in a notebook, otherwise a line now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)

ShowProgress: TypeAlias = bool | Callable[[int, int | None], object]
"""Whether progress is shown; or a function that is given the sentences done so far and in all (None: not known)."""

Count: TypeAlias = Callable[[int], object]
"""Told how many more sentences are done."""

PATIENCE = 1.0
"""Seconds before a bar appears, so that short work shows none."""
FIRST_LINE = 10.0
"""Seconds before the first line, where there is no terminal."""
SECONDS = 30.0
"""Between two lines."""
STEADY = (5.0, 0.02)
"""Seconds, and share of the work, after which the rate tells the time left."""


class ProgressDisplay:
    """Shows the number of sentences scored, the rate and the time left; on exit, the bar is removed.

    Args:
        tell: Called with each line if standard error is neither a terminal nor a notebook.
    """

    def __init__(self, tell: Callable[[str], object] = logger.info) -> None:
        self._tell = tell
        self._bar: Progress | None = None
        self._has_terminal: bool | None = None
        self._started = self._hidden = time.monotonic()
        self._next_line = self._started + FIRST_LINE

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def update(self, sentences: int, share: float | None) -> None:
        """Show how far the work is, if it has lasted long enough to say so.

        Args:
            sentences: How many are done.
            share: Share of the work that is done, from 0 to 1; None if it is not known.
        """
        self._show("Scored", described(sentences, time.monotonic() - self._started, share), share)

    def found(self, sentences: int) -> None:
        """Show how many sentences there are to score, as far as they are counted."""
        self._show("Counted", f"{sentences:,} sentences", None)

    def leave_out(self, seconds: float) -> None:
        """Take so many seconds for no part of the work, so that they change neither rate nor time left."""
        self._started += seconds

    def hide(self) -> None:
        """Take the bar away, so that something else can be written; later updates bring it back."""
        self._hidden = time.monotonic()
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _show(self, verb: str, state: str, share: float | None) -> None:
        now = time.monotonic()
        if self._bar is None and self._has_terminal is not False and now - self._hidden >= PATIENCE:
            self._open()
        if self._bar:
            total = None if share is None else 1.0
            self._bar.update(self._bar.task_ids[0], description=f"{verb} {state}", total=total, completed=share or 0)
        elif self._has_terminal is False and now >= self._next_line:
            self._next_line = now + SECONDS
            self._tell(f"{verb} {state}.")

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(stderr=True)
        self._has_terminal = console.is_jupyter or (console.is_terminal and not console.is_dumb_terminal)
        if self._has_terminal:
            columns = (BarColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=console, transient=True, redirect_stdout=False)
            self._bar.add_task("", total=None)
            self._bar.start()


@contextmanager
def counting(show: ShowProgress, total: int | None) -> Iterator[Count]:
    """Yield a function that is told of further sentences, and shows or passes on how many are done.

    Args:
        show: Whether they are shown, or who is told.
        total: Sentences in all; None if that is not known.
    """
    if show is False:
        yield uncounted
        return
    done = 0
    with ProgressDisplay() as display:

        def count(further: int) -> None:
            nonlocal done
            done += further
            if callable(show):
                show(done, total)
            else:
                display.update(done, done / total if total else None)

        yield count


def uncounted(further: int) -> None:
    """Show nothing."""


def described(sentences: int, seconds: float, share: float | None) -> str:
    """Return a state as "1,234 sentences (37 %), 250 a second, 8 s left"; the time left once the rate is steady."""
    rate = sentences / max(seconds, 1e-9)
    part = f" ({100 * share:.0f} %)" if share else ""
    is_steady = share and seconds >= STEADY[0] and share >= STEADY[1]
    left = f", {duration(seconds * (1 - share) / share)} left" if share and is_steady else ""
    return f"{sentences:,} sentences{part}, {rate:,.{0 if rate >= 10 else 1}f} a second{left}"


def duration(seconds: float) -> str:
    """Return a time as 45 s, 12 min or 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
