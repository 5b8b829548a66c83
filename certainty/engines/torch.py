"""The torch engine: for GPUs, and for checkpoints without an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

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


Value = TypeVar("Value")


class _Runner:
    """The one thread in which all engines of a process call torch.

    A thread that has called torch on a CPU takes a lock of MKL as it ends, after Python holds it for ended, so that a
    fork right then would leave the lock taken in the child. This thread does not end. It also has the threads of OpenMP
    to itself, which the child would wait for in a thread that it has from its parent.
    """

    def __init__(self) -> None:
        self.renew_after_fork()
        renew_after_fork(self)

    def renew_after_fork(self) -> None:
        """Begin a thread in the child at its first call."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="certainty-torch")

    def __call__(self, function: Callable[[], Value]) -> Value:
        """Return what the function returns in the thread, during which no other thread can fork."""
        return self._pool.submit(self._run, function).result()

    def _run(self, function: Callable[[], Value]) -> Value:
        with native:
            return function()


_in_thread = _Runner()


class TorchEngine:
    """Runs `model.safetensors`, on a CUDA GPU in bfloat16, elsewhere in float32.

    In the child of a fork it runs on one thread, as torch's data loaders do, and uncompiled, since compiled code has
    the number of threads in it. A GPU cannot be used there at all.

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
        self.workers = 1  # torch's own threads share one batch
        self._device = _find_device(device)
        self.token_budget = GPU_TOKEN_BUDGET if self._device.type == "cuda" else CPU_TOKEN_BUDGET
        forked = inherited("torch")
        threads = 1 if forked else threads or min(torch.get_num_threads(), available_cores())
        torch.set_num_threads(threads)
        self._model = _in_thread(lambda: self._load(folder, threads))
        self._forward = torch.compile(self._model, dynamic=True) if compiled and not forked else self._model
        self._just_forked = False
        renew_after_fork(self)

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], alone: bool = False) -> Logits:
        """Return the logits for arrays of shape (rows, length), whatever runs beside it.

        Raises:
            CertaintyError: it is on a GPU, and this process was forked from the one that opened it.
        """
        return _in_thread(lambda: self._logits(input_ids, attention_mask))

    def renew_after_fork(self) -> None:
        """Take note that torch's threads are gone."""
        self._forward, self._just_forked = self._model, True

    def _load(self, folder: Path, threads: int) -> CertaintyModel:
        torch.set_num_threads(threads)  # OpenMP counts for each thread
        model = CertaintyModel.from_pretrained(folder)
        try:
            return model.to(self._device)
        except RuntimeError as error:
            if inherited("torch") and self._device.type == "cuda":
                raise CertaintyError(_NO_GPU_AFTER_FORK) from error
            raise

    def _logits(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> Logits:
        if self._just_forked:
            if self._device.type != "cpu":
                raise CertaintyError(_NO_GPU_AFTER_FORK)
            torch.set_num_threads(1)
            self._just_forked = False
        ids, mask = (torch.from_numpy(x).to(self._device) for x in (input_ids, attention_mask))
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"),
        ):
            return Logits(*(x.float().cpu().numpy() for x in self._forward(ids, mask)))


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
