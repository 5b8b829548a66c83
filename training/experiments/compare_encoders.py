"""Compare encoders by short fine-tuning runs.

`python -m training.experiments.compare_encoders --encoder A B --train FILE --dev FILE --seeds 1 2 3 --epochs 1`

All encoders get the same sentences, settings and seeds. Dev is scored after each epoch.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.splits import check_data, split_held_out_groups
from certainty.finetuning.start import find_start
from certainty.labelled import LabelledSentence, read_labelled
from training.experiments.trials import mean_and_deviation, sample, trained
from training.pretraining.encoder_card import STAGES_FILE
from training.program import tells_errors

logger = logging.getLogger(__name__)

RECIPE: dict[str, Any] = {"evaluations_per_epoch": 1, "learning_rate": 5e-4, "dropout": 0.0, "pooling_layer": True}
"""Settings for fine-tuning all encoders, apart from the seed, the number of epochs and a given learning rate."""

HEADER = "| encoder | tokens | held-out loss | dev macro-F1 |\n|---|---|---|---|"


def dev_macro_f1(
    settings: FinetuningSettings, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]
) -> float:
    """Fine-tune once, without keeping the model, and return the dev macro-F1 of the best epoch.

    Args:
        settings: The settings, including the encoder.
        train: Training sentences, already checked against dev.
        dev: Sentences to score.
    """
    with trained(settings, train, dev) as setup:
        return setup.trainer.best_macro_f1


def pretraining_log(encoder: str | Path) -> tuple[int, float] | None:
    """Return the number of training tokens and the last held-out loss of an encoder of ours, or None if unknown.

    They are read from the encoder's folder, for all stages of its training, or else from the folder of the run, for the
    last stage only.
    """
    folder = Path(encoder)
    logs: list[list[dict[str, Any]]] = []
    if (folder / STAGES_FILE).is_file():
        logs = [stage["log"] for stage in json.loads((folder / STAGES_FILE).read_text(encoding="utf-8"))]
    elif folder.resolve().name == "encoder" and (folder.resolve().parent / "log.json").is_file():
        logs = [json.loads((folder.resolve().parent / "log.json").read_text(encoding="utf-8"))]
    if not logs:
        return None
    return sum(log[-1]["tokens"] for log in logs), logs[-1][-1]["held_out_loss"]


def table_row(encoder: str, scores: Sequence[float]) -> str:
    """Return the row of an encoder in the Markdown table, with the mean and standard deviation of its scores."""
    log = pretraining_log(encoder)
    tokens, loss = (f"{log[0]:,}", f"{log[1]:.4f}") if log else ("–", "–")
    return f"| {encoder} | {tokens} | {loss} | {mean_and_deviation(scores)} |"


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.experiments.compare_encoders",
        description="Compare encoders by short fine-tuning runs.",
    )
    parser.add_argument("--encoder", nargs="+", required=True, help="folders or hub ids of the encoders")
    parser.add_argument(
        "--train", nargs="+", required=True, help="JSONL, CSV, TSV or Parquet files with text and label"
    )
    parser.add_argument("--dev", nargs="+", required=True, help="files with the sentences to score")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=RECIPE["learning_rate"], help="default: %(default)s")
    parser.add_argument("--sentences", type=int, help="train on a sample of this size, the same for all runs")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for encoder in args.encoder:
        find_start(FinetuningSettings(encoder=encoder)).tokenizer()  # report a wrong name before hours of training
    dev = read_labelled(args.dev)
    train = split_held_out_groups(read_labelled(args.train))[0]
    train = check_data(sample(train, args.sentences), dev)
    print(HEADER, flush=True)
    for encoder in args.encoder:
        recipe = FinetuningSettings(
            encoder=encoder, epochs=args.epochs, **{**RECIPE, "learning_rate": args.learning_rate}
        )
        scores = []
        for seed in args.seeds:
            scores.append(dev_macro_f1(recipe.replace(seed=seed), train, dev))
            logger.info("%s, seed %d: dev macro-F1 %.4f", encoder, seed, scores[-1])
        print(table_row(encoder, scores), flush=True)


if __name__ == "__main__":
    sys.exit(main())
