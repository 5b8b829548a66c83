"""The default engine: onnxruntime on the CPU.

Batches run in parallel on one core each, which was measured to be faster than running one batch at a time on all cores.
Only batches that run alone may use all cores.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from certainty.engines.base import Logits
from certainty.engines.cores import available_cores
from certainty.engines.graph_cache import GraphCache
from certainty.errors import CertaintyError
from certainty.forking import keep_for_ever, native, renew_after_fork

# Since version 1.29, onnxruntime sends usage data to Microsoft unless this is set before it is imported. Its thread for
# this also keeps forked child processes from exiting.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

logger = logging.getLogger(__name__)

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
        weights_digest: SHA-256 of the file with the weights. With it, the graph is kept as onnxruntime has prepared it,
            and opened at once the next time.

    Raises:
        CertaintyError: If the file is missing or damaged, or has the wrong outputs.
    """

    def __init__(self, path: Path, threads: int | None = None, weights_digest: str | None = None) -> None:
        if not path.is_file():
            raise CertaintyError(f"{path}: missing. Export the model again, or use engine='torch'.")
        self._path = path
        self._cache = GraphCache(path, weights_digest, onnxruntime.__version__) if weights_digest else None
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
        session = self._cached(threads) or self._prepared(threads)
        names = {output.name for output in session.get_outputs()}
        if not set(Logits._fields) - set(Logits._field_defaults) <= names <= set(Logits._fields):
            raise CertaintyError(f"{self._path}: not a model of this type; its outputs are {sorted(names)}.")
        return session

    def _cached(self, threads: int) -> onnxruntime.InferenceSession | None:
        if self._cache is None or (cached := self._cache.find()) is None:
            return None
        options = _options(threads)
        for name in ("use_memory_mapped_ort_model", "use_ort_model_bytes_for_initializers"):
            options.add_session_config_entry(f"session.{name}", "1")
        return _session(cached, options)

    def _prepared(self, threads: int) -> onnxruntime.InferenceSession:
        if self._cache and (new := self._cache.new_file()):
            options = _options(threads)
            options.add_session_config_entry("session.save_model_format", "ORT")
            options.optimized_model_filepath = str(new)
            try:
                session = _session(self._path, options)
            except Exception as error:  # onnxruntime's exceptions have no common base class of their own
                # The disk may be full; or the model is damaged, which is told below.
                logger.debug("%s: not written (%s).", new, error)
                new.unlink(missing_ok=True)
            else:
                self._cache.keep(new)
                return session
        try:
            return _session(self._path, _options(threads))
        except Exception as error:
            raise CertaintyError(f"{self._path}: damaged ({error}). Copy the model folder again.") from error


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Batches differ in shape, so cached allocation plans would only use memory.
    options.enable_mem_pattern = False
    options.intra_op_num_threads = threads
    return options


def _session(path: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    with native:
        return onnxruntime.InferenceSession(
            str(path),
            options,
            providers=["CPUExecutionProvider"],
            # The fused operator is several times slower than a separate addition and LayerNormalization.
            disabled_optimizers=["SkipLayerNormFusion"],
        )
