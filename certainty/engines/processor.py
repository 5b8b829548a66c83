"""Tell what the processor is fast at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

FAST_INTEGERS = frozenset({"AVX512_CLX", "AVX512_ICL", "AVX512_SPR", "AVX512_VNNI"})
"""Names under which numpy reports groups of instructions that include AVX-512 VNNI, the dot product of 8-bit integers.

On processors without it, "onnx-int8" has been measured to be no faster than "onnx"; on ARM it has not been measured.
"""


@cache
def multiplies_integers_fast() -> bool:
    """Return whether integer arithmetic is faster than that of 32-bit floats on this processor."""
    return has_fast_integers(np.show_config(mode="dicts") or {})


def has_fast_integers(configuration: Mapping[str, Any]) -> bool:
    """Return whether `numpy.show_config(mode="dicts")` tells of instructions of `FAST_INTEGERS`."""
    extensions = configuration.get("SIMD Extensions", {})
    return bool(FAST_INTEGERS & {*extensions.get("baseline", ()), *extensions.get("found", ())})
