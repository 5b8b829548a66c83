"""Engines, by name."""

from __future__ import annotations

from pathlib import Path

from certainty.engines.base import Engine
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.model_folder import INT8_FILE, ONNX_FILE

ONNX_FILES = {"onnx": ONNX_FILE, "onnx-int8": INT8_FILE}
TORCH_ENGINES = ("torch", "torch-compile")


def open_engine(name: str, folder: Path, threads: int | None, default: str = "onnx") -> Engine:
    """Open an engine on a model folder.

    Args:
        name: "onnx" (onnxruntime, on CPUs), "onnx-int8" (the same in 8-bit integers: twice as fast, and one label in a
            hundred differs), "torch" (also on GPUs), "torch-compile" (the same, compiled: slower to start), or "auto":
            the default where the folder has its file.
        folder: The model folder.
        threads: CPU threads; None takes all cores.
        default: What "auto" takes.

    Raises:
        CertaintyError: the name or the number of threads is none, the files are missing or damaged, or torch is not
            installed.
    """
    if threads is not None and threads < 1:
        raise CertaintyError(f"threads is {threads}; give at least 1, or None for all cores.")
    if name == "auto":
        name = default if (folder / ONNX_FILES.get(default, "")).is_file() else "torch"
    if name in ONNX_FILES:
        from certainty.engines.onnx import OnnxEngine

        return OnnxEngine(folder / ONNX_FILES[name], threads)
    if name in TORCH_ENGINES:
        needs("torch", "transformers", extra="train", user=f"engine {name!r}")
        from certainty.engines.torch import TorchEngine

        return TorchEngine(folder, threads, compiled=name == "torch-compile")
    allowed = ", ".join(map(repr, ("auto", *ONNX_FILES, *TORCH_ENGINES)))
    raise CertaintyError(f"unknown engine {name!r}. Allowed: {allowed}.")
