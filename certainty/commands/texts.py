"""The texts that a command is given: their arguments, their reading, their scores one after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from certainty.classifier import CertaintyClassifier
from certainty.commands.engine import add_engine_arguments
from certainty.commands.output import STDIN, report
from certainty.errors import CertaintyError
from certainty.reading import decode, read_text
from certainty.results import Document

_LONG = 200_000  # characters; some seconds on two cores


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `files`, `--model`, `--encoding` and the options of the engine."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="text files; none or - reads standard input")
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the one that is shipped)")
    parser.add_argument(
        "--encoding", metavar="NAME", help="encoding of the files (default: UTF-8, UTF-16 or Windows-1252, detected)"
    )
    add_engine_arguments(parser)


def scored_files(
    classifier: CertaintyClassifier,
    names: Sequence[str],
    failed: list[str],
    *,
    encoding: str | None,
    output: str | Path | None,
) -> Generator[tuple[str, Document], None, None]:
    """Yield name and scores of each file that can be read; report and collect the others.

    Args:
        classifier: Scores them.
        names: The files; `-` is standard input.
        failed: Where the names of the others are collected.
        encoding: Of the files; None detects it.
        output: Where the results go; None is the terminal, which shows the progress by itself.
    """
    for name, text in readable(names, failed, encoding=encoding, output=output):
        with _busy(text, alone=len(names) == 1):
            document = classifier.score(text)
        yield name, document


def readable(
    names: Sequence[str], failed: list[str], *, encoding: str | None, output: str | Path | None
) -> Iterator[tuple[str, str]]:
    """Yield name and text of each file that can be read; report and collect the others; see `scored_files`."""
    for name in progress(names, output):
        try:
            text = read(name, encoding)
        except CertaintyError as error:
            report(error)
            failed.append(name)
            continue
        yield ("stdin" if name == STDIN else name), text


def read(name: str, encoding: str | None) -> str:
    """Return the text of a file, or of standard input for `-`.

    Raises:
        CertaintyError: it cannot be read or decoded.
    """
    if name != STDIN:
        return read_text(Path(name), encoding)
    if sys.stdin.isatty():
        print("Type or paste the text; end with Ctrl-D.", file=sys.stderr)
    return decode(sys.stdin.buffer.read(), "standard input", encoding)


@contextmanager
def _busy(text: str, alone: bool) -> Iterator[None]:
    """Show on the terminal that one long text, for which no bar can move, is being scored."""
    if not alone or len(text) < _LONG or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(f"Scoring {len(text):,} characters; this takes a while"):
        yield


def progress(names: Sequence[str], output: str | Path | None) -> Iterator[str]:
    """Yield the names, with a progress bar on the terminal where several are scored into a file or a pipe."""
    # Where the results themselves appear on the terminal they show the progress, and a bar would tear them.
    if len(names) < 2 or not sys.stderr.isatty() or (output is None and sys.stdout.isatty()):
        yield from names
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        yield from bar.track(names, description="Scoring")
