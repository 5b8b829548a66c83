"""The functions that begin everything: `load` a model, or `score` with the default one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import overload

from certainty.classifier import CertaintyClassifier
from certainty.engines import EngineName
from certainty.forking import renew_after_fork
from certainty.progress import ShowProgress
from certainty.results import Document


class _Default:
    """The default classifier, opened by the first thread that asks for it."""

    def __init__(self) -> None:
        self._classifier: CertaintyClassifier | None = None
        self.renew_after_fork()
        renew_after_fork(self)

    def renew_after_fork(self) -> None:
        """Replace the lock, which another thread of the parent may have held."""
        self._lock = threading.Lock()

    def open(self) -> CertaintyClassifier:
        """Return it."""
        with self._lock:
            if self._classifier is None:
                self._classifier = load()
            return self._classifier


_default = _Default()


def load(
    model: str | os.PathLike[str] | None = None,
    engine: EngineName = "auto",
    threads: int | None = None,
    device: str | None = None,
) -> CertaintyClassifier:
    """Open a model.

    Args:
        model: A model folder, or `owner/name` on the Hugging Face hub; None opens the model that ships with the
            package.
        engine: "auto", "onnx" (CPU), "onnx-int8" (about twice as fast; about one label in a hundred differs), "torch"
            (needs the extra `torch`; uses a GPU where there is one) or "torch-compile" (slower to start).
        threads: CPU threads to use; None takes all cores, in a container those of its quota. With torch the number
            holds for all torch in the process.
        device: "cpu", "cuda", "cuda:1" or "mps"; None takes a CUDA GPU where the engine is torch and there is one, else
            the CPU. For another than the CPU, "auto" is torch.

    Raises:
        CertaintyError: the folder, a file in it, the engine or the device cannot be used; the message says which and
            why.
    """
    return CertaintyClassifier.from_pretrained(model, engine, threads, device)


@overload
def score(texts: str, show_progress: ShowProgress = ...) -> Document: ...  # type: ignore[overload-overlap]
@overload
def score(texts: Iterable[str], show_progress: ShowProgress = ...) -> list[Document]: ...
def score(texts: str | Iterable[str], show_progress: ShowProgress = False) -> Document | list[Document]:
    """Score with the default model, opened at the first call; see `CertaintyClassifier.score`."""
    return _default.open().score(texts, show_progress)
