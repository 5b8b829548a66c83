"""Write the output of commands: results to a stream or a file, errors to standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from certainty.errors import CertaintyError
from certainty.writing import check_output, is_regular, whole_file

STDIN = "-"
FAILED = 2
_SPREADSHEETS = (".xlsx", ".xls", ".ods")


def check_destination(output: Path, names: Sequence[str]) -> Path:
    """Check an output file before any long work, and return its path with links resolved.

    Args:
        output: The output file.
        names: The inputs, which the output must not replace; `-` is standard input.

    Raises:
        CertaintyError: See `certainty.writing.check_output`.
    """
    return check_output(output, [name for name in names if name != STDIN])


def output_format(
    output: Path, chosen: str | None, endings: Mapping[str, Sequence[str]], default: str | None = None
) -> str:
    """Return the format of an output file: the chosen one, or the one that its ending stands for.

    Args:
        output: The output file.
        chosen: The format that the user chose, or None.
        endings: The endings of each format; an ending that several formats share stands for the first of them.
        default: The format for a device or a pipe, whose name has no ending.

    Raises:
        CertaintyError: If the ending belongs to another format, or to none.
    """
    ending = output.suffix.lower()
    told = [name for name, own in endings.items() if ending in own]
    if chosen is not None:
        if told and chosen not in told:
            raise CertaintyError(
                f"{output}: {ending} is the ending of {' and '.join(told)}, but --format is {chosen}; name the file "
                f"{' or '.join(endings[chosen])}, or leave --format out."
            )
        return chosen
    if told:
        return told[0]
    if default is not None and not is_regular(output):
        return default
    meant: dict[str, list[str]] = {}
    for name, own in endings.items():
        for suffix in own:
            meant.setdefault(suffix, []).append(name)
    known = ", ".join(f"{suffix} ({' or '.join(names)})" for suffix, names in meant.items())
    hint = " A spreadsheet opens CSV: give a name in .csv, and --excel." if ending in _SPREADSHEETS else ""
    raise CertaintyError(f"{output}: its ending does not stand for a format. Allowed: {known}; or give --format.{hint}")


@contextmanager
def destination(output: Path | None, names: Sequence[str]) -> Iterator[TextIO]:
    """Yield standard output, or a stream whose text becomes the output file only on success.

    Args:
        output: The output file; None is standard output.
        names: The inputs, which the output must not replace; `-` is standard input.

    Raises:
        CertaintyError: See `certainty.writing.whole_file`.
    """
    if output is None:
        yield sys.stdout
        return
    with whole_file(output, [name for name in names if name != STDIN]) as out:
        yield out


class StandardError(logging.Handler):
    """Write log records to the current `sys.stderr`, which a progress bar may have replaced; each warning once."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._warnings: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line."""
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            if message in self._warnings:
                return  # a table is read twice
            self._warnings.add(message)
            message = f"warning: {message}"
        print(message, file=sys.stderr)


@contextmanager
def log_shown(name: str, handler: logging.Handler | None = None) -> Iterator[None]:
    """Show what a part of the package logs, such as its progress, on standard error or by another handler."""
    logger, handler = logging.getLogger(name), handler or StandardError()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def interruption(output: str | Path | None) -> Callable[[], str]:
    """Return a function whose result says, after Ctrl-C, whether an output was written.

    Args:
        output: The file or folder that the command is about to write; None is standard output.
    """
    path = None if output is None or str(output) == STDIN else Path(output)
    before = _state(path)

    def told() -> str:
        if path is None:
            return "interrupted."
        now = _state(path)
        if now != before:
            return f"interrupted, after {path} was written."
        return f"interrupted: {path} {'was not written' if now is None else 'is as it was'}."

    return told


def _state(path: Path | None) -> object:
    """Return a value that changes if the file, or a file in the folder, is replaced."""
    if path is None:
        return None
    try:
        files = path.iterdir() if path.is_dir() else [path]
        return {(file.name, file.stat().st_ino, file.stat().st_mtime_ns) for file in files}
    except OSError:  # it does not exist, or the command will report what is wrong with it
        return None


def report(error: CertaintyError) -> None:
    """Print an error to standard error."""
    print(f"error: {error}", file=sys.stderr)
