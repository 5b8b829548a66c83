"""Open an engine by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast, get_args

from certainty.engines.base import Engine
from certainty.engines.external_data import check_external_data
from certainty.engines.processor import multiplies_integers_fast
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.messages import argument, left_out
from certainty.model_folder import INT8_FILE, ONNX_FILE, default_model

EngineName = Literal["auto", "onnx", "onnx-int8", "torch", "torch-compile"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
ONNX_FILES = {"onnx": ONNX_FILE, "onnx-int8": INT8_FILE}


def open_engine(
    name: EngineName,
    folder: Path,
    threads: int | None = None,
    device: str | None = None,
    default: str = "onnx",
    weights_digest: Callable[[], str | None] | None = None,
) -> Engine:
    """Open an engine for a model folder.

    Args:
        name: "onnx" (onnxruntime, on the CPU), "onnx-int8" (8-bit integers: about twice as fast on processors with
            AVX-512 VNNI, and up to a third faster on others with AVX2; a model names it only if on its dev at most one
            label in two hundred differs), "torch" (also on GPUs), "torch-compile" (compiled: slower to start) or
            "auto". The last selects `default` if the folder has its file and the device is the CPU or None, and "torch"
            otherwise; but "onnx" in place of "onnx-int8" on a processor that is not faster with integers.
        folder: The model folder.
        threads: Number of CPU threads. None uses all cores.
        device: "cpu", "cuda", "cuda:1" or "mps". None uses a CUDA GPU if the engine is torch and one is available,
            otherwise the CPU.
        default: The engine that "auto" selects.
        weights_digest: Returns the SHA-256 of the weights, with which the graph of "onnx-int8" is kept as it was
            prepared; it is called once the engine's library is imported, which takes as long as the digest.

    Raises:
        CertaintyError: If the engine, device or number of threads is invalid, or files are missing or damaged.
        MissingExtraError: If torch or transformers is needed and not installed.
    """
    if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
        raise CertaintyError(f"threads is {threads!r}; give an integer of at least 1, or {left_out()} for all cores.")
    if name not in ENGINES:
        raise CertaintyError(f"unknown engine {name!r}. Allowed: {', '.join(map(repr, ENGINES))}.")
    chosen = chosen_engine(name, folder, device, default)
    if chosen in ONNX_FILES:
        if not _on_cpu(device):
            raise CertaintyError(
                f"engine {name!r} runs on the CPU, not on {device!r}; give {argument('engine', 'torch')}."
            )
        from certainty.engines.onnx import OnnxEngine

        path = folder / ONNX_FILES[chosen]
        if path.is_file() and folder.resolve() != default_model().resolve():
            check_external_data(path)
        digest = weights_digest() if weights_digest and chosen == "onnx-int8" else None
        return OnnxEngine(path, threads, digest)
    needs("torch", "transformers", extra="torch", user=f"engine {chosen!r}")
    from certainty.engines.torch import TorchEngine

    return TorchEngine(folder, threads, device, compiled=chosen == "torch-compile")


def chosen_engine(
    name: EngineName,
    folder: Path,
    device: str | None = None,
    default: str = "onnx",
    exact_sums: bool = False,
) -> EngineName:
    """Return the engine that a name stands for; see `open_engine` and `multiplies_integers_fast`."""
    if name != "auto":
        return name
    if default == "onnx-int8" and (folder / ONNX_FILES["onnx"]).is_file() and not multiplies_integers_fast(exact_sums):
        default = "onnx"
    has_default = _on_cpu(device) and (folder / ONNX_FILES.get(default, "")).is_file()
    return cast(EngineName, default) if has_default else "torch"


def _on_cpu(device: str | None) -> bool:
    return device in (None, "cpu")
