"""Where the commands write: results to a stream or a file, errors to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from certainty.errors import CertaintyError
from certainty.writing import check_output, whole_file

STDIN = "-"
FAILED = 2


def check_destination(output: Path, names: Sequence[str]) -> Path:
    """Check an output file before long work, and return it with its links followed.

    Args:
        output: The output file.
        names: The inputs, which the output must not replace; `-` is standard input.

    Raises:
        CertaintyError: see `certainty.writing.check_output`.
    """
    return check_output(output, [name for name in names if name != STDIN])


@contextmanager
def destination(output: Path | None, names: Sequence[str]) -> Iterator[TextIO]:
    """Yield standard output, or a stream whose text becomes the output file only if all goes well.

    Args:
        output: The output file; None is standard output.
        names: The inputs, which the output must not replace; `-` is standard input.

    Raises:
        CertaintyError: see `certainty.writing.whole_file`.
    """
    if output is None:
        yield sys.stdout
        return
    with whole_file(output, [name for name in names if name != STDIN]) as out:
        yield out


def report(error: CertaintyError) -> None:
    """Print an error to standard error."""
    print(f"error: {error}", file=sys.stderr)
