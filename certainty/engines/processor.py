"""Tell what the processor is fast at."""

from __future__ import annotations

import importlib
from collections.abc import Mapping


def multiplies_integers_fast(exact_sums: bool = False) -> bool:
    """Return whether "onnx-int8" was measured to be faster than "onnx" on processors like this one, and as good.

    With AVX-512 VNNI, which has dot products of 8-bit integers, it is about twice as fast. With AVX2 and no AVX-512 it
    is up to a third faster, but right only if no sum of two products exceeds 16 bits. Processors with AVX-512 and no
    VNNI, and those of ARM, have not been measured.

    Args:
        exact_sums: Whether the sums of the model's graph fit; see `certainty.finetuning.export.int8_graph`.
    """
    features = cpu_features()
    if features.get("AVX512VNNI"):
        return True
    return exact_sums and bool(features.get("AVX2")) and not features.get("AVX512F")


def cpu_features() -> Mapping[str, bool]:
    """Return which features the processor has, as numpy found when it was imported."""
    # `numpy.show_config` only names groups of features, and since numpy 2.4 none for processors with VNNI but not ICL.
    for module in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):  # numpy 2, numpy 1
        try:
            return dict(importlib.import_module(module).__cpu_features__)
        except (ModuleNotFoundError, AttributeError):
            continue
    return {}
