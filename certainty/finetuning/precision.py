"""Where bfloat16 pays."""

from __future__ import annotations

import torch


def bf16_is_fast(device: torch.device) -> bool:
    """Tell whether matrices multiply faster in bfloat16 there: GPUs since Ampere, CPUs with AVX-512 BF16 or AMX."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
