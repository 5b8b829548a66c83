"""The default engine: onnxruntime on the CPU.

Batches run side by side, each on one core, which measured faster than the cores sharing every product of a batch; only
a batch that runs alone is shared by them.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from certainty.engines.base import Logits
from certainty.errors import CertaintyError

TOKEN_BUDGET = 512
"""Best of 256, 512, 1024 and 2048, see `benchmarks/README.md`."""


class OnnxEngine:
    """Runs an ONNX file.

    One session, which has no threads of its own, serves all threads and forked processes. A batch that runs alone, such
    as a single sentence, has a second session, on all cores, opened when the first of them comes.

    Args:
        path: The file.
        threads: Batches that run at the same time; None takes all cores.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._path = path
        self.workers = threads or _cores()
        self.token_budget = TOKEN_BUDGET
        self._session = self._open(threads=1)
        self._wide_session: onnxruntime.InferenceSession | None = None
        self._wide_pid = 0
        self._lock = threading.Lock()

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], alone: bool = False) -> Logits:
        """Return the logits for arrays of shape (rows, length); a batch that runs alone takes all cores."""
        session = self._wide() if alone and self.workers > 1 else self._session
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        return Logits(*session.run(list(Logits._fields), feed))

    def _wide(self) -> onnxruntime.InferenceSession:
        with self._lock:
            if self._wide_session is None or self._wide_pid != os.getpid():  # its threads do not survive a fork
                self._wide_session, self._wide_pid = self._open(self.workers), os.getpid()
            return self._wide_session

    def _open(self, threads: int) -> onnxruntime.InferenceSession:
        if not self._path.is_file():
            raise CertaintyError(f"{self._path}: missing. Export the model again, or use engine='torch'.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Batches differ in shape, so remembered allocation plans do not pay and hold memory.
        options.enable_mem_pattern = False
        options.intra_op_num_threads = threads
        try:
            session = onnxruntime.InferenceSession(
                str(self._path),
                options,
                providers=["CPUExecutionProvider"],
                # The fused operator is several times slower than an addition and LayerNormalization.
                disabled_optimizers=["SkipLayerNormFusion"],
            )
        except Exception as error:  # onnxruntime's exceptions have no common base class of their own
            raise CertaintyError(f"{self._path}: damaged ({error}). Copy the model folder again.") from error
        names = {output.name for output in session.get_outputs()}
        if names != set(Logits._fields):
            raise CertaintyError(f"{self._path}: a model of another type, its outputs are {sorted(names)}.")
        return session


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
