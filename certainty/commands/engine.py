"""The options that choose the model and how to run it."""

from __future__ import annotations

import argparse
import os
from typing import NamedTuple

import certainty
from certainty.engines import ENGINES, EngineName
from certainty.errors import CertaintyError

_OPTIONS = ("engine", "threads", "device")


class ModelChoice(NamedTuple):
    """The model to open and how to run it, as the options specify.

    Attributes:
        model: Folder or name; None stands for the shipped model.
        engine: Name of the engine; None takes the one that the model names.
        threads: CPU threads; None takes all cores.
        device: Device that runs the model; None takes a CUDA GPU if the engine is torch and there is one, else the CPU.
    """

    model: str | None = None
    engine: EngineName | None = None
    threads: int | None = None
    device: str | None = None

    def open(self) -> certainty.CertaintyClassifier:
        """Open the model, and bound the threads of the tokenizer too, unless the environment does.

        Raises:
            CertaintyError: If the model, the engine or the device cannot be used.
        """
        if self.threads:  # else the tokenizer would take all cores
            os.environ.setdefault("RAYON_NUM_THREADS", str(self.threads))
        return certainty.load(self.model, self.engine or "auto", self.threads, self.device)

    def refuse_engine(self, because: str) -> None:
        """Refuse the engine options if no model is run.

        Raises:
            CertaintyError: If one of them is given. The message ends with `because`.
        """
        if given := [f"--{name}" for name in _OPTIONS if getattr(self, name) is not None]:
            raise CertaintyError(f"{' and '.join(given)}: {because}.")


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--engine`, `--threads` and `--device`."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine",
        choices=ENGINES,
        help="onnx-int8 is about twice as fast on processors with AVX-512 VNNI, up to a third faster on others with "
        "AVX2, and gives at most one label in two hundred differently; torch also runs on GPUs (default: auto, what "
        "the model names, or onnx where integers are no faster)",
    )
    group.add_argument("--threads", metavar="N", type=int, help="CPU threads (default: all cores, or their quota)")
    group.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps; a GPU needs torch (default: cpu)")


def model_choice(args: argparse.Namespace) -> ModelChoice:
    """Return the values of `--model`, `--engine`, `--threads` and `--device`."""
    return ModelChoice(args.model, args.engine, args.threads, args.device)
