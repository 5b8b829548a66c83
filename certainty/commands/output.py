"""Where the commands write: results to a stream or a file, errors to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from certainty.errors import CertaintyError

STDIN = "-"
FAILED = 2


@contextmanager
def destination(output: Path | None, names: Sequence[str]) -> Iterator[TextIO]:
    """Yield standard output, or a stream whose text becomes the output file only if all goes well.

    Args:
        output: The output file; None is standard output.
        names: The input files, which the output must not replace.

    Raises:
        CertaintyError: the output is one of the inputs, its folder is missing, or it cannot be written.
    """
    if output is None:
        yield sys.stdout
        return
    target = Path(os.path.realpath(output))  # a link stays a link
    if target in {Path(os.path.realpath(name)) for name in names if name != STDIN}:
        raise CertaintyError(f"{output}: is one of the inputs; give another file for the output.")
    regular = output.is_file() or not output.exists()  # a device or a pipe cannot be replaced
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp") if regular else output
    if regular and not target.parent.is_dir():
        raise CertaintyError(f"{output}: there is no folder {output.parent}; make it, or give another file.")
    try:
        out = draft.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise CertaintyError(f"{output}: cannot be written ({error.strerror}); give another file.") from error
    try:
        with out:
            yield out
        if regular:
            draft.replace(target)
    finally:
        if regular:
            draft.unlink(missing_ok=True)


def report(error: CertaintyError) -> None:
    """Print an error to standard error."""
    print(f"error: {error}", file=sys.stderr)
