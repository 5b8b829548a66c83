"""The torch engine: for GPUs, and for checkpoints without an ONNX file."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from certainty.engines.base import Logits
from certainty.engines.cores import available_cores
from certainty.engines.modeling import CertaintyModel
from certainty.errors import CertaintyError
from certainty.forking import inherited, native, renew_after_fork

CPU_TOKEN_BUDGET = 1024
GPU_TOKEN_BUDGET = 16_384
_NO_GPU_AFTER_FORK = (
    "a GPU cannot be used in a forked process: start it with the method 'spawn', as in "
    "multiprocessing.get_context('spawn')."
)


class TorchEngine:
    """Runs `model.safetensors`, on a CUDA GPU in bfloat16, elsewhere in float32.

    In the child of a fork it runs on one thread, and uncompiled: torch's threads are gone there, and both OpenMP and a
    compiled model would wait for them. A GPU cannot be used there at all.

    Args:
        folder: The model folder.
        threads: CPU threads, of all torch in this process; None takes all cores.
        device: "cpu", "cuda", "cuda:1" or "mps"; None takes a CUDA GPU where there is one, else the CPU.
        compiled: Compile the model at its first batches.

    Raises:
        CertaintyError: there is no such device, or the files are missing or damaged.
    """

    def __init__(
        self, folder: Path, threads: int | None = None, device: str | None = None, compiled: bool = False
    ) -> None:
        _leave_memory_to_the_system()
        self.workers = 1  # torch's own threads share one batch
        self._device = _find_device(device)
        self.token_budget = GPU_TOKEN_BUDGET if self._device.type == "cuda" else CPU_TOKEN_BUDGET
        forked = inherited("torch")
        torch.set_num_threads(1 if forked else threads or min(torch.get_num_threads(), available_cores()))
        with native:
            model = CertaintyModel.from_pretrained(folder)
            try:
                self._model = model.to(self._device)
            except RuntimeError as error:
                if forked and self._device.type == "cuda":
                    raise CertaintyError(_NO_GPU_AFTER_FORK) from error
                raise
        self._forward = torch.compile(self._model, dynamic=True) if compiled and not forked else self._model
        self._just_forked = False
        renew_after_fork(self)

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], alone: bool = False) -> Logits:
        """Return the logits for arrays of shape (rows, length), whatever runs beside it.

        Raises:
            CertaintyError: it is on a GPU, and this process was forked from the one that opened it.
        """
        if self._just_forked:
            if self._device.type != "cpu":
                raise CertaintyError(_NO_GPU_AFTER_FORK)
            torch.set_num_threads(1)
            self._just_forked = False
        with native, torch.inference_mode():
            ids, mask = (torch.from_numpy(x).to(self._device) for x in (input_ids, attention_mask))
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
                return Logits(*(x.float().cpu().numpy() for x in self._forward(ids, mask)))

    def renew_after_fork(self) -> None:
        """Take note that torch's threads are gone."""
        self._forward, self._just_forked = self._model, True


def _leave_memory_to_the_system() -> None:
    """Turn off MKL's own manager of memory, whose accounts by thread make the child of a fork search for ever.

    See "Avoiding Memory Leaks in oneMKL" in Intel's developer guide. Without MKL there is nothing to turn off.
    """
    os.environ.setdefault("MKL_DISABLE_FAST_MM", "1")  # read at the first allocation
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    if library.is_file() and hasattr(loaded := ctypes.CDLL(str(library)), "mkl_serv_disable_fast_mm"):
        loaded.mkl_serv_disable_fast_mm()  # where an allocation came before


def _find_device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        found = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
        there = (device.index or 0) < found[device.type]
    except (RuntimeError, KeyError, TypeError) as error:
        raise CertaintyError(f"unknown device {name!r}; give 'cpu', 'cuda', 'cuda:1' or 'mps'.") from error
    if not there:
        raise CertaintyError(
            f"device {name!r} is not there: torch {torch.__version__} finds {found[device.type]} of type "
            f"{device.type!r}. Give device='cpu', or install a torch that is built for the GPU."
        )
    return device
