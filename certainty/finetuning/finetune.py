"""Fine-tune an encoder on labelled sentences, up to a folder that `certainty.load` opens.

`certainty train --train my.jsonl --dev my_dev.jsonl --output models/mine`

Data → Trainer (early stopping by dev likelihood, resumable) → calibration on dev → ONNX → evaluation → model card.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

import certainty
from certainty import CertaintyError, Label
from certainty.calibration import Calibration
from certainty.evaluation import Evaluation, evaluate_splits
from certainty.evaluation.faithfulness import faithfulness
from certainty.finetuning.calibration import choose_calibration, fold_into_head
from certainty.finetuning.export.int8_check import int8_comparison, with_faster_engine
from certainty.finetuning.export.onnx import export_int8, export_onnx
from certainty.finetuning.fast_tokenizer import backend, load_tokenizer
from certainty.finetuning.features import SentenceFeatures
from certainty.finetuning.model_card import write_model_card
from certainty.finetuning.pooling_layer import add_pooling_layer
from certainty.finetuning.pseudo_labels import pseudo_label_metadata, read_pseudo_labels
from certainty.finetuning.settings import FinetuningSettings, load_settings, save_settings
from certainty.finetuning.splits import check_data, split_held_out_groups
from certainty.finetuning.thresholds import cue_threshold, predict_logits, with_head_thresholds
from certainty.finetuning.trainer import CertaintyTrainer, build_trainer, last_complete_checkpoint
from certainty.labelled import LabelledSentence, digest, read_labelled
from certainty.labelling.corrections import apply_corrections
from certainty.labels import LABELS
from certainty.model_folder import ONNX_FILE, SETTINGS_FILE, WEIGHTS_FILE, ModelSettings
from certainty.modeling import CertaintyModel

logger = logging.getLogger(__name__)


INT8_SENTENCES = 256
"""Sentences of train that tell the ranges of the activations."""


def finetune(
    settings: FinetuningSettings,
    train: Sequence[LabelledSentence],
    dev: Sequence[LabelledSentence],
    output: str | Path,
    test: Sequence[LabelledSentence] | None = None,
    resume: bool = False,
) -> dict[str, Evaluation]:
    """Fine-tune, calibrate, export and evaluate; returns the evaluation of each split.

    Args:
        settings: The settings.
        train: Training sentences; every fifth group is held out.
        dev: Chooses the checkpoint and calibrates, so its distribution should be that of the texts to be scored.
        output: Folder of the model.
        test: What is evaluated at the end; None takes dev, whose figures are then too good.
        resume: Go on from the last checkpoint in `<output>/checkpoints`.

    Raises:
        CertaintyError: the data or the encoder cannot be used.
    """
    started = time.monotonic()
    output = Path(output)
    checkpoints = output / "checkpoints"
    if checkpoints.exists() and not resume:
        raise CertaintyError(f"{checkpoints}: an unfinished run. Go on with --resume, or delete the folder.")
    train, contrast = split_held_out_groups(train)
    train = check_data(train, dev)
    trainer, tokenizer, max_length = set_up(settings, train, dev, checkpoints)
    features, dev_features = trainer.train_dataset, trainer.eval_dataset
    last = last_complete_checkpoint(checkpoints) if resume else None
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    if not trainer.is_world_process_zero():
        return {}

    # Without it the folder is no model, so that an older one is not read with half of its files new.
    (output / SETTINGS_FILE).unlink(missing_ok=True)
    model = _rounded(trainer.model, output)
    logits = predict_logits(model, dev_features, tokenizer.pad_token_id)
    gold = np.array([LABELS.index(s.label) if s.label else -1 for s in dev])
    calibration = choose_calibration(logits["label"][gold >= 0], gold[gold >= 0])
    fold_into_head(model.classifier, calibration)
    model = _rounded(model, output)
    export_onnx(model, output)
    tokenizer.save_pretrained(output)
    save_settings(settings, output / "settings.yaml")
    model_settings = ModelSettings(
        max_length=max_length,
        pad_token_id=tokenizer.pad_token_id,
        training=provenance(settings, train, dev, calibration, trainer, time.monotonic() - started),
    )
    model_settings = with_head_thresholds(model_settings, logits, dev_features)
    model_settings.save(output)
    model_settings = replace(model_settings, cue_threshold=cue_threshold(output, model_settings, dev))
    model_settings.save(output)
    typical = [row["input_ids"] for row in features.rows[: min(INT8_SENTENCES, len(train))]]
    if export_int8(model, output, typical, tokenizer.pad_token_id):
        model_settings = with_faster_engine(model_settings, int8_comparison(output, dev))
        model_settings.save(output)

    classifier = certainty.load(output)
    name = output.resolve().name
    splits = {"dev": dev, "test": test, "contrast": contrast}
    evaluation = evaluate_splits(classifier, {k: v for k, v in splits.items() if v}, train, name=name)
    judged, sentences = ("test", test) if test else ("dev", dev)
    cues = faithfulness(classifier, sentences, name=name)
    evaluation[judged] = replace(evaluation[judged], faithfulness=cues)
    shown = {split: result.to_dict(text=False) for split, result in evaluation.items()}
    (output / "evaluation.json").write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
    write_model_card(output, name, settings, model_settings, shown)
    shutil.rmtree(checkpoints)
    return evaluation


def set_up(
    settings: FinetuningSettings, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence], checkpoints: Path
) -> tuple[CertaintyTrainer, PreTrainedTokenizerBase, int]:
    """Open the encoder, encode the sentences and return the Trainer, the tokenizer and the longest input in tokens."""
    tokenizer = load_tokenizer(settings.initial or settings.encoder)
    transformers.set_seed(settings.seed)
    model = starting_model(settings)
    if settings.attention_weight or not torch.cuda.is_available():
        # The attention loss reads the weights; on CPUs the backward pass of the fused attention is slower.
        model.classifier.set_attn_implementation("eager")
    max_length = settings.max_length or longest_input(model.config, tokenizer)
    fast = backend(tokenizer)
    features = SentenceFeatures(train, fast, max_length, settings.second_weight)
    dev_features = SentenceFeatures(dev, fast, max_length)
    extend_by_pseudo_labels(features, fast, max_length, settings)
    trainer = build_trainer(settings, model, features, dev_features, tokenizer.pad_token_id, checkpoints)
    return trainer, tokenizer, max_length


def starting_model(settings: FinetuningSettings) -> CertaintyModel:
    """Return the fine-tuned model to go on from, or the encoder with new heads.

    Raises:
        CertaintyError: it cannot be loaded.
    """
    if settings.initial:
        return CertaintyModel.from_pretrained(settings.initial, settings.dropout).train()
    model = CertaintyModel.from_encoder(settings.encoder, settings.dropout)
    if settings.pooling_layer:
        add_pooling_layer(model.classifier)
    return model


def extend_by_pseudo_labels(
    features: SentenceFeatures, tokenizer: Tokenizer, max_length: int, settings: FinetuningSettings
) -> None:
    """Repeat the labelled sentences and add the pseudo-labelled ones, as far as the student can read them whole.

    Raises:
        CertaintyError: the file cannot be read, or is of another tokenizer.
    """
    rows = read_pseudo_labels(settings.pseudo_labels, tokenizer) if settings.pseudo_labels else []
    short = [row for row in rows if len(row["input_ids"]) <= max_length]
    if len(short) < len(rows):
        logger.warning(
            "%d pseudo-labelled sentences are longer than %d tokens; they are left out.",
            len(rows) - len(short),
            max_length,
        )
    features.extend(short, settings.labelled_repeats)


def corrected(
    train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence], files: Sequence[str | Path]
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Return train and dev with their labels corrected; see `certainty.labelling.corrections.apply_corrections`.

    Args:
        train: The rows of train.
        dev: The rows of dev; an id must mean the same sentence as in train.
        files: Files of corrections, applied in turn; a file may hold corrections of both.

    Raises:
        CertaintyError: a file is wrong or names a row that neither has, or an id stands for two sentences.
    """
    texts = {s.id: s.text for s in train if s.id}
    for sentence in dev if files else ():
        if texts.get(sentence.id, sentence.text) != sentence.text:
            raise CertaintyError(
                f"id {sentence.id!r} is one sentence in train and another in dev; give each its own to correct them."
            )
    given = [*train, *dev]
    rows = given
    for file in files:
        rows = apply_corrections(rows, file)
    if files:
        changed = sum(new is not old for new, old in zip(rows, given, strict=True))
        logger.info("Labels of %d sentences are corrected.", changed)
    return rows[: len(train)], rows[len(train) :]


def longest_input(config: Any, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the longest input in tokens that the encoder takes, at most 512."""
    offset = config.pad_token_id + 1 if config.model_type in ("camembert", "roberta", "xlm-roberta") else 0
    return int(min(tokenizer.model_max_length, config.max_position_embeddings - offset, 512))


def _rounded(model: CertaintyModel, folder: Path) -> CertaintyModel:
    """Save and read back, so that what is calibrated and exported is what stands in the file (16-bit floats)."""
    model.cpu().save_pretrained(folder)
    return CertaintyModel.from_pretrained(folder)


def provenance(
    settings: FinetuningSettings,
    train: Sequence[LabelledSentence],
    dev: Sequence[LabelledSentence],
    calibration: Calibration,
    trainer: CertaintyTrainer,
    seconds: float,
) -> dict[str, Any]:
    """Return what `certainty.json` tells of the model's making."""

    def count(sentences: Sequence[LabelledSentence]) -> dict[str, int]:
        labels = {label.value: sum(s.label is label for s in sentences) for label in Label}
        return {**labels, "no_claim": sum(not s.claim for s in sentences)}

    distilled = {"pseudo_labels": pseudo_label_metadata(settings.pseudo_labels)} if settings.pseudo_labels else {}
    return {
        **origin(settings),
        "train": {"sentences": len(train), "labels": count(train), "sha256": digest(train)},
        "dev": {"sentences": len(dev), "labels": count(dev), "sha256": digest(dev)},
        **distilled,
        "calibration": {"temperature": calibration.temperature, "bias": list(calibration.bias)},
        "best_dev_macro_f1": trainer.best_macro_f1,
        "best_step": trainer.state.best_global_step,
        "steps": trainer.state.global_step,
        "seconds": round(seconds),
        "versions": {
            "certainty": certainty.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }


def origin(settings: FinetuningSettings) -> dict[str, str]:
    """Return the name of the encoder, and that of the fine-tuned model where the run went on from one."""
    if not settings.initial:
        return {"encoder": Path(settings.encoder).name}
    earlier = ModelSettings.load(Path(settings.initial)).training or {}
    return {"encoder": earlier.get("encoder", "unknown"), "initial": Path(settings.initial).name}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="certainty train", description="Fine-tune an encoder on labelled sentences.")
    parser.add_argument("--train", nargs="+", required=True, help="JSONL, CSV, TSV or Parquet with text and label")
    parser.add_argument("--dev", nargs="+", required=True, help="chooses the checkpoint and calibrates")
    parser.add_argument("--test", nargs="+", help="evaluated at the end (default: dev)")
    parser.add_argument(
        "--corrections",
        nargs="+",
        default=[],
        metavar="FILE",
        help="JSONL of id, old, new and reason: corrects labels of --train and --dev, never of --test",
    )
    parser.add_argument("--output", required=True, help="folder of the model")
    parser.add_argument("--encoder", help="folder or hub id (default: the encoder in models/)")
    parser.add_argument("--initial", metavar="DIR", help="go on from this fine-tuned model instead of the encoder")
    parser.add_argument(
        "--pseudo-labels", metavar="FILE", help="of sentences labelled by teachers; overrides the config's"
    )
    parser.add_argument("--config", help="YAML file of FinetuningSettings")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of a killed run")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        overrides = {name: getattr(args, name) for name in ("encoder", "initial", "pseudo_labels", "seed")}
        settings = load_settings(FinetuningSettings, args.config, overrides)
        train, dev = corrected(read_labelled(args.train), read_labelled(args.dev), args.corrections)
        evaluation = finetune(
            settings,
            train,
            dev,
            args.output,
            read_labelled(args.test) if args.test else None,
            args.resume,
        )
    except CertaintyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for split, result in evaluation.items():
        print(f"── {split} ──\n{result.summary()}")
    if evaluation:
        files = ", ".join((WEIGHTS_FILE, ONNX_FILE, SETTINGS_FILE, "README.md"))
        print(f"{args.output}: {files}. Open it with certainty.load({str(args.output)!r}).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
