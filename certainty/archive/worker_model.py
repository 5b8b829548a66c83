"""The model of a worker: opened on its own machine, with as many threads as it has CPUs, and the same one as here."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.model_folder import default_model


@dataclass(frozen=True)
class WorkerModel:
    """What a worker needs to open the model of a classifier.

    A pickled classifier would be opened while the worker starts, where an error cannot be told from the loss of its
    machine, and on all cores.

    Attributes:
        reopen: Opens a classifier, given a folder, an engine, the number of threads and a device.
        folder: The folder of the model; None is the one that ships with the package, wherever it is installed.
        engine: The name of the engine.
        threads: CPU threads.
        device: The device; None takes a GPU if the engine is torch and there is one, else the CPU.
        state: What else was set, such as thresholds.
        digests: Those of the weights and of the files that are read, which must be the same on all machines.
    """

    reopen: Callable[..., CertaintyClassifier]
    folder: Path | None
    engine: str
    threads: int
    device: str | None
    state: Mapping[str, Any]
    digests: Mapping[str, str]

    @classmethod
    def of(cls, classifier: CertaintyClassifier, cpus: float | None) -> WorkerModel:
        """Return what a worker with so many CPUs needs; None stands for as many as the classifier has threads, or 1.

        Raises:
            CertaintyError: If the classifier was given more threads than that.
        """
        reopen, (folder, _, threads, device), state = classifier.__reduce__()
        cpus = threads or 1 if cpus is None else cpus
        if (threads or 1) > max(1, math.ceil(cpus)):
            raise CertaintyError(
                f"{threads} threads would wait for each other on the {cpus:g} CPUs of a worker; give it {threads} "
                "CPUs, or fewer threads."
            )
        own = None if folder == default_model() else folder.absolute()
        return cls(reopen, own, classifier.engine, threads or max(1, int(cpus)), device, state, _digests(classifier))

    def open(self) -> CertaintyClassifier:
        """Open the model, in a process that has no other work.

        Raises:
            CertaintyError: If it cannot be opened here, or is another one.
        """
        os.environ.setdefault("RAYON_NUM_THREADS", str(self.threads))  # the tokenizer would take all cores
        here = socket.gethostname()
        folder = self.folder or default_model()
        try:
            classifier = self.reopen(folder, self.engine, self.threads, self.device)
        except CertaintyError as error:
            raise CertaintyError(f"on the worker {here}: {error}") from error
        vars(classifier).update(self.state)
        for name, digest in _digests(classifier).items():
            if digest != self.digests[name]:
                raise CertaintyError(
                    f"on the worker {here}: {folder}: another model than that of this run (digests of its {name} "
                    f"{digest[:12]}… and {self.digests[name][:12]}…); put the same one there."
                )
        return classifier


def _digests(classifier: CertaintyClassifier) -> dict[str, str]:
    return {"weights": classifier.model.digest, **classifier.files}
