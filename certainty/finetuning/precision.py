"""The precision of numbers: in which to train, and in which weights are saved."""

from __future__ import annotations

import torch

from certainty.engines.modeling import CertaintyModel

__all__ = ["bf16_is_fast", "round_weights"]


def bf16_is_fast(device: torch.device) -> bool:
    """Return whether the device has fast bfloat16: GPUs from Ampere on, CPUs with AVX-512 BF16 or AMX."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@torch.no_grad()
def round_weights(model: CertaintyModel) -> CertaintyModel:
    """Round all saved weights to 16-bit precision in place, without changing their dtype, and return the model."""
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())
    return model
