"""The two entry points of the package: `load` opens a model, `score` uses the default one."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from typing import overload

from certainty.classifier import CertaintyClassifier
from certainty.engines import EngineName
from certainty.forking import renew_after_fork
from certainty.progress import ShowProgress
from certainty.results import Document

logger = logging.getLogger(__name__)

_LONGEST_NAME = 255  # characters; longer texts are not looked up


class _Default:
    """The default classifier, opened on first use and shared between threads."""

    def __init__(self) -> None:
        self._classifier: CertaintyClassifier | None = None
        self.renew_after_fork()
        renew_after_fork(self)

    def renew_after_fork(self) -> None:
        """Replace the lock, since another thread of the parent process may have held it."""
        self._lock = threading.Lock()

    def open(self) -> CertaintyClassifier:
        """Return the default classifier, opening it on the first call."""
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
        model: A model folder, or `owner/name` on the Hugging Face hub. None opens the model that ships with the
            package.
        engine: "auto", "onnx" (CPU), "onnx-int8" (about twice as fast on processors with AVX-512 VNNI, up to a third
            faster on others with AVX2; a model names it only if on its dev at most one label in two hundred differs),
            "torch" (needs the extra `torch`; uses a GPU if one is available) or "torch-compile" (slower to start).
            "auto" is the engine that the model names, but "onnx" in place of "onnx-int8" where that is not faster.
        threads: Number of CPU threads. None uses all cores, or the CPU quota in a container. With a torch engine, the
            number applies to all use of torch in the process.
        device: "cpu", "cuda", "cuda:1" or "mps". None uses a CUDA GPU if the engine is torch and one is available,
            otherwise the CPU. With any device other than the CPU, the engine "auto" means "torch".

    Raises:
        CertaintyError: If the folder, a file in it, the engine or the device cannot be used. The message says which
            and why.
    """
    return CertaintyClassifier.from_pretrained(model, engine, threads, device)


@overload
def score(texts: str, show_progress: ShowProgress = ...) -> Document: ...  # type: ignore[overload-overlap]
@overload
def score(texts: Iterable[str], show_progress: ShowProgress = ...) -> list[Document]: ...
def score(texts: str | Iterable[str], show_progress: ShowProgress = False) -> Document | list[Document]:
    """Split French texts into sentences and score each sentence with the default model.

    The model is opened on the first call; `certainty.load` opens another one. The same as `CertaintyClassifier.score`.

    Example:
        ```python
        import certainty

        doc = certainty.score("La Russie aurait livré des armes, selon un député. Moscou dément.")
        [(sentence.label.value, sentence.text) for sentence in doc]
        ```

    Args:
        texts: A text, or several. For files, see `certainty.read_files`; a warning is logged if a text is the name of
            a file.
        show_progress: True shows the number of sentences scored, the rate and the time left: as a bar on a terminal or
            in a notebook, if the work takes longer than a second; elsewhere as an occasional log line. A function is
            called instead with the number of sentences done and the total.

    Returns:
        A `Document` for a single text, a list of them otherwise.

    Raises:
        CertaintyError: If a text is not a string.
    """
    if isinstance(texts, str) and _is_file_name(texts):
        logger.warning(
            "The text %r is the name of a file: the name is scored, not the content. To score the file, use "
            "certainty.read_files.",
            texts,
        )
    return _default.open().score(texts, show_progress)


def _is_file_name(text: str) -> bool:
    """Return whether a text of one word is the name of an existing file."""
    return len(text) <= _LONGEST_NAME and len(text.split()) == 1 and os.path.isfile(text)
