"""A progress bar on the terminal or in a notebook, and none in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def track(items: Iterable[Item], total: int | None, shown: bool = True) -> Iterator[Item]:
    """Yield the items, with a bar on standard error where it is shown to somebody.

    Args:
        items: The items.
        total: How many they are; None shows no end.
        shown: False yields them as they are.
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
