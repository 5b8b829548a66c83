"""A progress bar on a terminal or in a notebook, but not in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def track(items: Iterable[Item], total: int | None, shown: bool = True) -> Iterator[Item]:
    """Yield the items, showing a progress bar on standard error if it is a terminal or a notebook.

    Args:
        items: The items.
        total: Number of items. With None, the bar shows no total.
        shown: If False, never show a bar.
    """
    if shown:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        if console.is_terminal or console.is_jupyter:
            with Progress(console=console, transient=True, redirect_stdout=False) as bar:
                yield from bar.track(items, total=total, description="Scoring")
            return
    yield from items
