"""`certainty train`: train your own model on labelled sentences."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.commands.help import HelpFormatter
from certainty.commands.label_names import add_label_names, label_names
from certainty.commands.labelled_columns import add_columns
from certainty.commands.output import interruption, log_shown

if TYPE_CHECKING:
    from certainty.evaluation import Evaluation

SETTINGS = (
    *("encoder", "initial", "pseudo_labels", "folds", "group_by"),
    *("epochs", "learning_rate", "batch_size", "device", "seed"),
)
"""The settings that are also options, which take precedence over --config."""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "train",
        help="train a model on labelled sentences",
        description="Train a model on labelled sentences: JSONL, CSV, TSV or Parquet with `text` and `label`. Training "
        "continues from the shipped model, unless --initial names another model, or --encoder an encoder to start "
        "from. The output folder only appears when it is complete, with calibrated weights, ONNX files, evaluation and "
        "model card.",
        epilog="examples:\n"
        "  certainty train --train my.csv --folds 5 --output models/mine\n"
        "  certainty train --train my.csv --group-by document --map rumeur=probable --output models/mine\n"
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
        metavar="FILE",
        help="sentences like the texts to be scored, used for calibration and to decide when to stop (default: a fifth "
        "of --train is set apart)",
    )
    data.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="instead of --dev: cross-validate --train in N folds, so that every sentence is judged by a model that "
        "was not trained on it; takes about N + 1 times as long",
    )
    data.add_argument(
        "--group-by",
        metavar="COLUMN",
        help="column whose rows are not independent, such as a document: without --dev, they are never split; "
        "intervals and the final comparison draw them together, on --dev and --test as well",
    )
    data.add_argument("--test", nargs="+", metavar="FILE", help="sentences to evaluate the finished model on")
    data.add_argument(
        "--corrections",
        nargs="+",
        default=[],
        metavar="FILE",
        help="JSONL of id, old, new and reason: corrects labels of --train and --dev, never of --test",
    )
    add_columns(data)
    add_label_names(data)
    data.add_argument(
        "--pseudo-labels", metavar="FILE", help="sentences labelled by teacher models, used in addition to --train"
    )
    start = parser.add_argument_group("start").add_mutually_exclusive_group()
    start.add_argument("--initial", metavar="NAME", help="continue from this model (default: certainty-fr-small)")
    start.add_argument("--encoder", metavar="NAME", help="start from an encoder: its folder, or owner/name on the hub")
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--config", metavar="FILE", help="YAML file of settings; options take precedence")
    recipe.add_argument(
        "--epochs",
        type=float,
        metavar="N",
        help="maximum number of epochs; training may stop earlier if dev no longer improves (default of this and the "
        "next two: by the number of sentences; with --encoder 4, 3e-4 and 32)",
    )
    recipe.add_argument("--learning-rate", type=float, metavar="R", help="peak learning rate of AdamW")
    recipe.add_argument("--batch-size", type=int, metavar="N", help="sentences per step on each device")
    recipe.add_argument("--device", choices=("auto", "cpu", "cuda"), help="(default: auto, a GPU if there is one)")
    recipe.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="seed of new weights, dropout and order, and without --dev of the split (default: 1)",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--output", required=True, metavar="FOLDER", type=Path, help="folder of the model")
    output.add_argument("--overwrite", action="store_true", help="replace a finished model in --output")
    output.add_argument(
        "--resume",
        action="store_true",
        help="continue from the last checkpoint of an interrupted run, in FOLDER.checkpoints",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, print the evaluation and return the exit status."""
    from certainty.finetuning import FinetuningSettings, finetune  # reports missing libraries itself
    from certainty.settings_file import load_settings

    settings = load_settings(FinetuningSettings, args.config, {name: getattr(args, name) for name in SETTINGS})
    told = interruption(args.output)
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        with log_shown("certainty"):
            evaluation = finetune(
                args.train,
                args.dev,
                args.output,
                settings,
                test=args.test,
                corrections=args.corrections,
                label_names=label_names(args.map),
                text_column=args.text_column,
                label_column=args.label_column,
                resume=args.resume,
                overwrite=args.overwrite,
            )
    except SystemExit:  # of _stop
        print(told(), file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    if evaluation:
        _print_results(args.output, evaluation)
    return 0


def _print_results(output: Path, evaluation: Mapping[str, Evaluation]) -> None:
    from certainty.finetuning.verdict import compared_with_initial, no_better_than_baselines
    from certainty.model_folder import ModelSettings

    for split, result in evaluation.items():
        print(f"── {split} ──\n{result.summary()}\n")
    made = ModelSettings.load(output).training or {}
    if "against_initial" in made:
        print(f"{compared_with_initial(made['against_initial'])}\n")
    done = "Done, but the model is poor; see the warnings." if no_better_than_baselines(evaluation) else "Done."
    print(f"{done} certainty score FILE --model {output}, or certainty.load({str(output)!r}).")


def _stop(number: int, _: object) -> None:
    """Stop as after Ctrl-C, so that no draft is left: `kill`, `docker stop` and batch systems send SIGTERM."""
    sys.exit(128 + number)
