"""How messages count things and name arguments: as in Python, or as the options of a command while one runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from reprlib import Repr

_command_runs = ContextVar("_command_runs", default=False)

_shown = Repr()
_shown.maxlevel = 3  # Python cannot write lists that are nested some hundred times
_shown.maxstring = _shown.maxother = _shown.maxlong = 60


@contextmanager
def naming_options() -> Iterator[None]:
    """Let the messages name options of the command line."""
    token = _command_runs.set(True)
    try:
        yield
    finally:
        _command_runs.reset(token)


def names_options() -> bool:
    """Return whether messages name options: a worker elsewhere has to be told."""
    return _command_runs.get()


def argument(name: str, value: object = None) -> str:
    """Return an argument as a user would write it: `force=True`, and `--force` in a command.

    Args:
        name: Its name in Python.
        value: Its value; None names the argument alone.
    """
    if not _command_runs.get():
        return name if value is None else f"{name}={value!r}"
    flag = f"--{name.replace('_', '-')}"
    return flag if value is None or value is True else f"{flag} {value}"


def left_out() -> str:
    """Return how a user leaves an argument at its default: "None", and "leave it out" in a command."""
    return "leave it out" if _command_runs.get() else "None"


def counted(n: int, noun: str) -> str:
    """Return "1 sentence", "2 sentences"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def shown(value: object) -> str:
    """Return a value from a file as Python writes it, cut to what a message can hold."""
    return _shown.repr(value)
