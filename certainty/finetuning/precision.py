"""Detect whether bfloat16 is faster than 32-bit floats."""

from __future__ import annotations

import torch


def bf16_is_fast(device: torch.device) -> bool:
    """Return whether the device has fast bfloat16: GPUs from Ampere on, CPUs with AVX-512 BF16 or AMX."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
