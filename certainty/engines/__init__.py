"""Engines: token ids and attention mask → logits of the four heads."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from certainty.errors import CertaintyError
from certainty.model_folder import ONNX_FILE

Floats = NDArray[np.float32]


class Logits(NamedTuple):
    """Outputs of the four heads for a batch of `rows` windows of `length` tokens.

    Attributes:
        label: Shape (rows, 4), in `LABELS` order; their softmax is the calibrated probability.
        claim: Shape (rows,): the sentence makes a claim.
        attributed: Shape (rows,): its claim is attributed.
        cue: Shape (rows, length): the token is one of the words that decide.
    """

    label: Floats
    claim: Floats
    attributed: Floats
    cue: Floats


class Engine(Protocol):
    """Runs the model on one padded batch; safe to call from many threads."""

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> Logits:
        """Return the logits for arrays of shape (rows, length)."""
        ...


def open_engine(name: str, folder: Path, threads: int | None) -> Engine:
    """Open an engine on a model folder.

    Args:
        name: "onnx" (onnxruntime, on CPUs), "torch" (also on GPUs), or "auto": onnx where the folder has its file.
        folder: The model folder.
        threads: CPU threads of one run; None leaves it to the engine.

    Raises:
        CertaintyError: the name is unknown, the files are missing or damaged, or torch is not installed.
    """
    if name == "auto":
        name = "onnx" if (folder / ONNX_FILE).is_file() else "torch"
    if name == "onnx":
        from certainty.engines.onnx import OnnxEngine

        return OnnxEngine(folder, threads)
    if name == "torch":
        try:
            from certainty.engines.torch import TorchEngine
        except ImportError as error:
            raise CertaintyError(
                f"engine 'torch' needs torch and transformers ({error}): pip install 'certainty[train]'."
            ) from error
        return TorchEngine(folder, threads)
    raise CertaintyError(f"unknown engine {name!r}. Allowed: 'auto', 'onnx', 'torch'.")
