"""Start a fine-tuning: check what is given and read the data before the libraries for training are loaded."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.errors import CertaintyError
from certainty.evaluation import Evaluation
from certainty.extras import needs
from certainty.finetuning.data import read_data
from certainty.finetuning.output import check_output
from certainty.finetuning.processes import check_processes, is_first
from certainty.finetuning.settings import FinetuningSettings
from certainty.messages import shown
from certainty.model_folder import ModelSettings, find_encoder, find_model

if TYPE_CHECKING:
    from certainty.finetuning.data import Labelled

__all__ = ["finetune"]

logger = logging.getLogger(__name__)


def finetune(
    train: Labelled,
    dev: Labelled | None,
    output: str | Path,
    settings: FinetuningSettings | Mapping[str, Any] | None = None,
    *,
    test: Labelled | None = None,
    corrections: Sequence[str | Path] = (),
    label_names: Mapping[str, str] | None = None,
    text_column: str = "text",
    label_column: str = "label",
    resume: bool = False,
    overwrite: bool = False,
) -> dict[str, Evaluation]:
    """Fine-tune, calibrate, export and evaluate a model, and write it to a folder that `certainty.load` opens.

    Each data argument is one or more files (JSONL, CSV, TSV, Parquet), a list of rows (dicts or `LabelledSentence`s), a
    pandas DataFrame or a `datasets.Dataset`, with the columns `text` and `label`, or those given in their place; the
    other columns are optional.

    Args:
        train: Training sentences; every fifth group is held out.
        dev: Sentences used to choose the checkpoint, the calibration and the thresholds. They should have the same
            distribution as the texts to be scored. None sets a fifth of train apart, or cross-validates with the
            setting `folds`.
        output: Folder of the model, created atomically at the end. Checkpoints are kept in `<output>.checkpoints`.
        settings: The settings, or a mapping of them such as `{"epochs": 2}`; None continues from the shipped model.
            Those that are not given are chosen by the number of sentences.
        test: Further sentences to evaluate at the end. The metrics on dev are optimistic.
        corrections: Files of label corrections, applied to train and dev but not to test.
        label_names: The data's other names for labels, such as `{"rumeur": "probable"}`.
        text_column: Column of train, dev and test that holds the texts; it does not apply to `LabelledSentence`s.
        label_column: Column of train, dev and test that holds the labels; likewise.
        resume: Continue from the last checkpoint of an interrupted run with the same data and settings.
        overwrite: Replace an existing model; it is kept until the new one is complete.

    Returns:
        The evaluations of "dev" (with folds: of "cross-validation", in which each sentence of train is scored by a
        model that was trained on the other folds), of "test" if given, and of "contrast", the held-out groups, if there
        are any. With several processes (torchrun), every process but the first returns an empty dict.

    Raises:
        CertaintyError: the data, the settings, the starting model or the output cannot be used.
    """
    output, settings = Path(output), _as_settings(settings)
    check_processes(settings)
    if is_first():
        check_output(output, overwrite)
    data = read_data(train, dev, test, corrections, settings, label_names, text_column, label_column)
    _check_start(settings)
    if is_first():
        logger.info("Loading the libraries for training …")
    # Only now, as it takes seconds, or a minute: a mistake in the data or in the name of a model is told at once.
    needs("torch", "accelerate", "onnxscript", extra="train", user="fine-tuning")
    from certainty.finetuning.pipeline import train_and_write

    return train_and_write(data, output, settings, resume=resume)


def _as_settings(given: FinetuningSettings | Mapping[str, Any] | None) -> FinetuningSettings:
    if isinstance(given, FinetuningSettings):
        return given
    if given is None or isinstance(given, Mapping):
        return FinetuningSettings(**{str(name): value for name, value in (given or {}).items()})
    raise CertaintyError(
        f"settings is {shown(given)}; give FinetuningSettings, or a mapping such as {{'epochs': 2}} (a YAML file is "
        "read by `certainty.settings_file.load_settings`)."
    )


def _check_start(settings: FinetuningSettings) -> None:
    """Find what training starts from, without the libraries that open it.

    Raises:
        CertaintyError: it does not exist, or is no model.
    """
    if settings.encoder:
        find_encoder(settings.encoder)
    else:
        ModelSettings.load(find_model(settings.initial))
