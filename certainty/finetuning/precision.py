"""The precision of numbers: in which to train, and in which weights are saved."""

from __future__ import annotations

import time
from functools import lru_cache

import torch

from certainty.engines.modeling import CertaintyModel

__all__ = ["bf16_is_fast", "round_weights"]

_WORTHWHILE = 0.85
"""The share of the time that a product in bfloat16 may take: conversions take some, and rounding costs accuracy."""
_REPEATS = 10


def bf16_is_fast(device: torch.device) -> bool:
    """Return whether to train in bfloat16: on GPUs from Ampere on, and on CPUs on which products of it take less time.

    AVX-512 BF16 alone does not say so: AMD EPYC CPUs take half the time, Intel Xeons without AMX, as in many virtual
    machines, twice the time.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    has_instructions = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return device.type == "cpu" and bool(has_instructions) and _saves_time()


@lru_cache(maxsize=1)
def _saves_time() -> bool:
    times = [[_seconds(dtype) for dtype in (torch.bfloat16, torch.float32)] for _ in range(_REPEATS)]
    short, long = map(min, zip(*times, strict=True))
    return bool(short < _WORTHWHILE * long)


@torch.no_grad()
def _seconds(dtype: torch.dtype) -> float:
    """Return the time of a product of two matrices, of those of a small encoder."""
    rows, weights = torch.ones(1024, 384, dtype=dtype), torch.ones(1536, 384, dtype=dtype)
    started = time.perf_counter()
    torch.nn.functional.linear(rows, weights)
    return time.perf_counter() - started


@torch.no_grad()
def round_weights(model: CertaintyModel) -> CertaintyModel:
    """Round all saved weights to 16-bit precision in place, without changing their dtype, and return the model."""
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())
    return model
