"""The options that say which model to open, and how to run it."""

from __future__ import annotations

import argparse
from typing import NamedTuple

import certainty
from certainty.engines import ENGINES, EngineName
from certainty.errors import CertaintyError

_OPTIONS = ("engine", "threads", "device")


class ModelChoice(NamedTuple):
    """The model to open and how to run it, as the options say.

    Attributes:
        model: Folder or name; None is the one that is shipped.
        engine: Name of the engine; None leaves it to the model.
        threads: CPU threads; None takes all cores.
        device: Where torch runs; None takes what there is.
    """

    model: str | None = None
    engine: EngineName | None = None
    threads: int | None = None
    device: str | None = None

    def open(self) -> certainty.CertaintyClassifier:
        """Open the model.

        Raises:
            CertaintyError: If the model, the engine or the device cannot be used.
        """
        return certainty.load(self.model, self.engine or "auto", self.threads, self.device)

    def refuse_engine(self, because: str) -> None:
        """Refuse the options of the engine where no model is run.

        Raises:
            CertaintyError: If one is given; the message ends with `because`.
        """
        if given := [f"--{name}" for name in _OPTIONS if getattr(self, name) is not None]:
            raise CertaintyError(f"{' and '.join(given)}: {because}.")


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--engine`, `--threads` and `--device`."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine",
        choices=ENGINES,
        help="onnx-int8 is about twice as fast and differs in one label of a hundred; torch also runs on GPUs "
        "(default: auto, what the model says)",
    )
    group.add_argument("--threads", metavar="N", type=int, help="CPU threads (default: all cores, or their quota)")
    group.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps; a GPU needs torch (default: cpu)")


def model_choice(args: argparse.Namespace) -> ModelChoice:
    """Return what `--model`, `--engine`, `--threads` and `--device` say."""
    return ModelChoice(args.model, args.engine, args.threads, args.device)
