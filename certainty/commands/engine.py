"""The options that say how a model is run, and its opening."""

from __future__ import annotations

import argparse

import certainty
from certainty.engines import ENGINES
from certainty.errors import CertaintyError

_OPTIONS = ("engine", "threads", "device")


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


def open_classifier(args: argparse.Namespace) -> certainty.CertaintyClassifier:
    """Open the model that `--model` names as the options say.

    Raises:
        CertaintyError: the model, the engine or the device cannot be used.
    """
    return certainty.load(args.model, args.engine or "auto", args.threads, args.device)


def refuse_engine_arguments(args: argparse.Namespace, because: str) -> None:
    """Refuse the options where no model is run.

    Raises:
        CertaintyError: one is given; the message ends with `because`.
    """
    if given := [f"--{name}" for name in _OPTIONS if getattr(args, name) is not None]:
        raise CertaintyError(f"{' and '.join(given)}: {because}.")
