"""The torch engine: for GPUs, and for checkpoints without an ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from certainty.engines.base import Logits
from certainty.modeling import CertaintyModel

CPU_TOKEN_BUDGET = 1024
GPU_TOKEN_BUDGET = 16_384


class TorchEngine:
    """Runs `model.safetensors`, on a GPU where there is one (in bfloat16), else on the CPU (in float32).

    Args:
        folder: The model folder.
        threads: CPU threads; None takes all cores.
        compiled: Compile the model at its first batches.
    """

    def __init__(self, folder: Path, threads: int | None = None, compiled: bool = False) -> None:
        self.workers = 1  # torch's own threads share one batch
        if threads is not None:
            torch.set_num_threads(threads)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.token_budget = GPU_TOKEN_BUDGET if self._device.type == "cuda" else CPU_TOKEN_BUDGET
        self._model = CertaintyModel.from_pretrained(folder).to(self._device)
        if compiled:
            self._model.compile(dynamic=True)

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], alone: bool = False) -> Logits:
        """Return the logits for arrays of shape (rows, length), whatever runs beside it."""
        ids, mask = (torch.from_numpy(x).to(self._device) for x in (input_ids, attention_mask))
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            return self._model.logits(ids, mask)
