"""The default engine: onnxruntime on the CPU.

Batches run side by side, each on one core, which measured faster than the cores sharing every product of a batch; only
batches that run alone are shared by them.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from certainty.engines.base import Logits
from certainty.engines.cores import available_cores
from certainty.errors import CertaintyError
from certainty.forking import keep_for_ever, native, renew_after_fork

# From 1.29 on, onnxruntime reports its use to Microsoft over the network unless this is set before it is imported; and
# the thread that does so keeps the child of a fork from ending.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

TOKEN_BUDGET = 512
"""Best of 256, 512, 1024 and 2048, see `benchmarks/README.md`."""
LONE_BATCHES = 64
"""A session takes as long to open as so many batches that run alone would gain by it."""


class OnnxEngine:
    """Runs an ONNX file.

    One session, which has no threads of its own, serves all threads and forked processes. Batches that run alone, such
    as single sentences, get a second session, on all cores, once they have come so often that opening it pays.

    Args:
        path: The file.
        threads: Batches that run at the same time; None takes all cores.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._path = path
        self.workers = threads or available_cores()
        self.token_budget = TOKEN_BUDGET
        self._session = self._open(threads=1)
        self._wide: onnxruntime.InferenceSession | None = None
        self._lone = 0
        self._lock = threading.Lock()
        renew_after_fork(self)

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], alone: bool = False) -> Logits:
        """Return the logits for arrays of shape (rows, length); batches that run alone come to take all cores."""
        session = self._lone_session() if alone and self.workers > 1 else self._session
        with native:
            return Logits(
                *session.run(list(Logits._fields), {"input_ids": input_ids, "attention_mask": attention_mask})
            )

    def renew_after_fork(self) -> None:
        """Leave the session with threads, which the child does not have, and the lock, which may be held."""
        keep_for_ever(self._wide)
        self._wide, self._lone, self._lock = None, 0, threading.Lock()

    def _lone_session(self) -> onnxruntime.InferenceSession:
        with self._lock:
            self._lone += 1
            if self._wide is None and self._lone > LONE_BATCHES:
                self._wide = self._open(self.workers)
            return self._wide or self._session

    def _open(self, threads: int) -> onnxruntime.InferenceSession:
        if not self._path.is_file():
            raise CertaintyError(f"{self._path}: missing. Export the model again, or use engine='torch'.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Batches differ in shape, so remembered allocation plans do not pay and hold memory.
        options.enable_mem_pattern = False
        options.intra_op_num_threads = threads
        try:
            with native:
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
