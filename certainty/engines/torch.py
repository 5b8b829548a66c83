"""The torch engine, for GPUs and for models without an ONNX file."""

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
from certainty.messages import argument, counted

CPU_TOKEN_BUDGET = 1024
GPU_TOKEN_BUDGET = 16_384
_NO_GPU_AFTER_FORK = (
    "a GPU cannot be used in a forked process: use the start method 'spawn', as in "
    "multiprocessing.get_context('spawn')."
)


Value = TypeVar("Value")


class _Runner:
    """A single thread in which all engines of a process call torch.

    A thread that has called torch on a CPU takes an MKL lock when it ends, after Python already considers it ended. A
    fork at this moment would leave the lock held in the child, so this thread never ends. It also owns the OpenMP
    threads; if the forking thread had used OpenMP, the child would wait in it for threads that no longer exist.
    """

    def __init__(self) -> None:
        self.renew_after_fork()
        renew_after_fork(self)

    def renew_after_fork(self) -> None:
        """Replace the thread; the child starts its own on the first call."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="certainty-torch")

    def __call__(self, function: Callable[[], Value]) -> Value:
        """Run a function in the thread and return its result; no other thread can fork in the meantime."""
        return self._pool.submit(self._run, function).result()

    def _run(self, function: Callable[[], Value]) -> Value:
        with native:
            return function()


_in_thread = _Runner()


class TorchEngine:
    """Runs `model.safetensors`, in bfloat16 on a CUDA GPU and in float32 on other devices.

    In a forked process it uses a single thread, like torch's data loaders, and does not compile, since compiled code
    depends on the number of threads. A GPU cannot be used in a forked process.

    Args:
        folder: The model folder.
        threads: Number of CPU threads, for all use of torch in this process. None uses all cores.
        device: "cpu", "cuda", "cuda:1" or "mps". None uses a CUDA GPU if one is available, otherwise the CPU.
        compiled: If True, compile the model on the first batches.

    Raises:
        CertaintyError: If the device does not exist, or files are missing or damaged.
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
        """Return the logits for arrays of shape (rows, length); `alone` is ignored.

        Raises:
            CertaintyError: If the model is on a GPU and was opened before this process was forked.
        """
        return _in_thread(lambda: self._logits(input_ids, attention_mask))

    def renew_after_fork(self) -> None:
        """Stop using the compiled model, and use a single thread from the next batch on."""
        self._forward, self._just_forked = self._model, True

    def _load(self, folder: Path, threads: int) -> CertaintyModel:
        torch.set_num_threads(threads)  # OpenMP keeps this number per thread
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
            return self._model.named(self._forward(ids, mask))


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
            f"device {name!r} not found: torch {torch.__version__} finds {counted(found[device.type], 'device')} "
            f"of type {device.type!r}. Give {argument('device', 'cpu')}, or install a torch build for your GPU."
        )
    return device
