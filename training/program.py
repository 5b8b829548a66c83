"""What the programs of this folder share."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence

from certainty.errors import CertaintyError


def tells_errors(main: Callable[[Sequence[str] | None], None]) -> Callable[..., int]:
    """Make the `main` of a program return its exit status: 0, or 2 after the message of a `CertaintyError`."""

    @functools.wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        try:
            main(arguments)
        except CertaintyError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        return 0

    return run
