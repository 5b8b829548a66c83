"""`certainty train`: your own model, from labelled sentences."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from certainty.commands.help import HelpFormatter
from certainty.commands.output import StandardError

SETTINGS = ("encoder", "initial", "pseudo_labels", "epochs", "learning_rate", "batch_size", "device", "seed")
"""The settings that are options too; they win over those of --config."""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "train",
        help="train a model on labelled sentences",
        description="Train a model on labelled sentences: JSONL, CSV, TSV or Parquet with `text` and `label`. It goes "
        "on from the model that is shipped, unless --initial names another or --encoder one to start anew from. The "
        "folder appears at the end, whole, with calibrated weights, ONNX files, evaluation and model card.",
        epilog="examples:\n"
        "  certainty train --train my.csv --dev my_dev.csv --output models/mine\n"
        "  certainty train --train my.csv --dev my_dev.csv --test held_out.csv --epochs 2 --output models/mine\n"
        "  certainty train --train my.csv --dev my_dev.csv --encoder almanach/camembert-base --output models/large\n"
        "  torchrun --nproc-per-node 4 -m certainty train --train my.csv --dev my_dev.csv --output models/mine",
        formatter_class=HelpFormatter,
    )
    data = parser.add_argument_group("data")
    data.add_argument("--train", nargs="+", required=True, metavar="FILE", help="sentences to learn from")
    data.add_argument(
        "--dev",
        nargs="+",
        required=True,
        metavar="FILE",
        help="sentences like the texts to be scored; they calibrate the model and decide when to stop",
    )
    data.add_argument("--test", nargs="+", metavar="FILE", help="sentences that judge the finished model")
    data.add_argument(
        "--corrections",
        nargs="+",
        default=[],
        metavar="FILE",
        help="JSONL of id, old, new and reason: corrects labels of --train and --dev, never of --test",
    )
    data.add_argument(
        "--pseudo-labels", metavar="FILE", help="sentences labelled by teacher models, learned beside --train"
    )
    start = parser.add_argument_group("start").add_mutually_exclusive_group()
    start.add_argument("--initial", metavar="FOLDER", help="go on from this model (default: the one that is shipped)")
    start.add_argument("--encoder", metavar="NAME", help="start anew: folder of an encoder, or owner/name on the hub")
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--config", metavar="FILE", help="YAML file of settings; the options here win over it")
    recipe.add_argument(
        "--epochs", type=float, metavar="N", help="longest training (default: 4); dev may stop it before"
    )
    recipe.add_argument("--learning-rate", type=float, metavar="R", help="(default: 3e-4)")
    recipe.add_argument("--batch-size", type=int, metavar="N", help="sentences per step on each device (default: 32)")
    recipe.add_argument("--device", choices=("auto", "cpu", "cuda"), help="(default: auto, a GPU where there is one)")
    recipe.add_argument("--seed", type=int, metavar="N", help="seed of new weights, dropout and order (default: 1)")
    output = parser.add_argument_group("output")
    output.add_argument("--output", required=True, metavar="FOLDER", type=Path, help="folder of the model")
    output.add_argument("--overwrite", action="store_true", help="replace a finished model in --output")
    output.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint of a stopped run, FOLDER.checkpoints"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, print the evaluation and return the exit status."""
    from certainty.finetuning import FinetuningSettings, finetune  # says itself what is not installed
    from certainty.settings_file import load_settings

    settings = load_settings(FinetuningSettings, args.config, {name: getattr(args, name) for name in SETTINGS})
    with _told():
        evaluation = finetune(
            args.train,
            args.dev,
            args.output,
            settings,
            test=args.test,
            corrections=args.corrections,
            resume=args.resume,
            overwrite=args.overwrite,
        )
    for split, result in evaluation.items():
        print(f"── {split} ──\n{result.summary()}\n")
    if evaluation:
        print(f"Done. certainty score FILE --model {args.output}, or certainty.load({str(args.output)!r}).")
    return 0


@contextmanager
def _told() -> Iterator[None]:
    """Show on standard error what the package logs."""
    logger, handler = logging.getLogger("certainty"), StandardError()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
