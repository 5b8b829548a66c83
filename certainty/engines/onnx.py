"""The default engine: onnxruntime on the CPU.

Batches run in parallel on one core each, which was measured to be faster than running one batch at a time on all cores.
Only batches that run alone may use all cores.
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

# Since version 1.29, onnxruntime sends usage data to Microsoft unless this is set before it is imported. Its thread for
# this also keeps forked child processes from exiting.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

TOKEN_BUDGET = 512
"""The best of 256, 512, 1024 and 2048; see `benchmarks/README.md`."""
LONE_BATCHES = 64
"""Number of batches that run alone after which a session on all cores has saved the time it takes to open."""


class OnnxEngine:
    """Runs an ONNX file.

    A session without threads of its own serves all threads and forked processes. A second session that uses all cores
    runs the batches that run alone, such as single sentences, while no other thread runs one. It is opened after
    `LONE_BATCHES` of them.

    Args:
        path: The ONNX file.
        threads: Number of batches to run at the same time. None uses all cores.

    Raises:
        CertaintyError: If the file is missing or damaged, or has the wrong outputs.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._path = path
        self.workers = threads or available_cores()
        self.token_budget = TOKEN_BUDGET
        self._session = self._open(threads=1)
        given = {output.name for output in self._session.get_outputs()}
        self._outputs = [name for name in Logits._fields if name in given]
        self._wide: onnxruntime.InferenceSession | None = None
        self._lone = self._running = 0
        self._lock = threading.Lock()
        renew_after_fork(self)

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], alone: bool = False) -> Logits:
        """Return the logits for arrays of shape (rows, length); see `Engine.run`."""
        with self._lock:
            self._running += 1
            lone = alone and self.workers > 1 and self._running == 1
        try:
            session = self._lone_session() if lone else self._session
            with native:
                found = session.run(self._outputs, {"input_ids": input_ids, "attention_mask": attention_mask})
        finally:
            with self._lock:
                self._running -= 1
        return Logits(**dict(zip(self._outputs, found, strict=True)))

    def renew_after_fork(self) -> None:
        """Drop the session with threads, which do not exist in the child, and the lock, which may be held."""
        keep_for_ever(self._wide)
        self._wide, self._lone, self._running, self._lock = None, 0, 0, threading.Lock()

    def _lone_session(self) -> onnxruntime.InferenceSession:
        with self._lock:
            self._lone += 1
            opens = self._lone == LONE_BATCHES + 1
        if opens:  # without the lock, so that the others go on meanwhile
            self._wide = self._open(self.workers)
        return self._wide or self._session

    def _open(self, threads: int) -> onnxruntime.InferenceSession:
        if not self._path.is_file():
            raise CertaintyError(f"{self._path}: missing. Export the model again, or use engine='torch'.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Batches differ in shape, so cached allocation plans would only use memory.
        options.enable_mem_pattern = False
        options.intra_op_num_threads = threads
        try:
            with native:
                session = onnxruntime.InferenceSession(
                    str(self._path),
                    options,
                    providers=["CPUExecutionProvider"],
                    # The fused operator is several times slower than a separate addition and LayerNormalization.
                    disabled_optimizers=["SkipLayerNormFusion"],
                )
        except Exception as error:  # onnxruntime's exceptions have no common base class of their own
            raise CertaintyError(f"{self._path}: damaged ({error}). Copy the model folder again.") from error
        names = {output.name for output in session.get_outputs()}
        if not set(Logits._fields) - set(Logits._field_defaults) <= names <= set(Logits._fields):
            raise CertaintyError(f"{self._path}: not a model of this type; its outputs are {sorted(names)}.")
        return session
