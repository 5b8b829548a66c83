"""Tell what the processor is fast at."""

from __future__ import annotations

import importlib
from collections.abc import Mapping


def multiplies_integers_fast() -> bool:
    """Return whether "onnx-int8" is faster than "onnx" on this processor: whether it has AVX-512 VNNI.

    These are dot products of 8-bit integers. On ARM, which has others, integers have not been measured.
    """
    return bool(cpu_features().get("AVX512VNNI"))


def cpu_features() -> Mapping[str, bool]:
    """Return which features the processor has, as numpy found when it was imported."""
    # `numpy.show_config` only names groups of features, and since numpy 2.4 none for processors with VNNI but not ICL.
    for module in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):  # numpy 2, numpy 1
        try:
            return dict(importlib.import_module(module).__cpu_features__)
        except (ModuleNotFoundError, AttributeError):
            continue
    return {}
