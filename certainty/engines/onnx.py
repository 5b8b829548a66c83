"""The default engine: onnxruntime on the CPU."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from certainty.engines import Logits
from certainty.errors import CertaintyError
from certainty.model_folder import ONNX_FILE


class OnnxEngine:
    """Runs `model.onnx`. One session serves all threads; a forked process opens its own."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self._path = folder / ONNX_FILE
        self._threads = threads
        self._lock = threading.Lock()
        self._open()

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> Logits:
        """Return the logits for arrays of shape (rows, length)."""
        if self._pid != os.getpid():
            # The session's worker threads do not survive a fork.
            with self._lock:
                if self._pid != os.getpid():
                    self._open()
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        return Logits(*self._session.run(list(Logits._fields), feed))

    def _open(self) -> None:
        if not self._path.is_file():
            raise CertaintyError(f"{self._path}: missing. Export the model again, or use engine='torch'.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Batches differ in shape, so remembered allocation plans do not pay and hold memory.
        options.enable_mem_pattern = False
        if self._threads is not None:
            options.intra_op_num_threads = self._threads
        try:
            self._session = onnxruntime.InferenceSession(str(self._path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common base class of their own
            raise CertaintyError(f"{self._path}: damaged ({error}). Copy the model folder again.") from error
        names = {output.name for output in self._session.get_outputs()}
        if names != set(Logits._fields):
            raise CertaintyError(f"{self._path}: a model of another type, its outputs are {sorted(names)}.")
        self._pid = os.getpid()
