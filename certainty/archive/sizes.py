"""About how much memory values take, so that rows are held by their size, not only by their number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EACH = 8  # of a value that has no length


def size_of(value: Any) -> int:
    """Return about how many bytes a value takes; lists and objects may be nested to any depth."""
    size, left = 0, [value]
    while left:
        one = left.pop()
        size += _EACH
        if isinstance(one, (str, bytes)):
            size += len(one)
        elif isinstance(one, Mapping):
            left.extend(one)
            left.extend(one.values())
        elif isinstance(one, (list, tuple)):
            left.extend(one)
    return size
