"""Fine-tune an encoder on labelled sentences, up to a folder that `certainty.load` opens.

`python -m training.finetune --train my.jsonl --dev my_dev.jsonl --output models/mine`

Data → Trainer (early stopping on dev macro-F1, resumable) → calibration on dev → ONNX → evaluation → model card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import Sampler
from transformers import AutoTokenizer, EarlyStoppingCallback, PreTrainedTokenizerBase, Trainer, TrainingArguments

import certainty
from certainty import CertaintyError, Label
from certainty.labels import LABELS
from certainty.model_folder import ONNX_FILE, SETTINGS_FILE, WEIGHTS_FILE, ModelSettings
from certainty.modeling import CertaintyModel
from training import metrics
from training.calibrate import Calibration, best_threshold, fit_calibration, fold_into_head, label_prior
from training.dataset import LabelledSentence, leaked, read_labelled
from training.evaluate import evaluate_classifier, summary, without_text
from training.export import export_onnx
from training.features import IGNORED, Collator, LengthGroupedSampler, SentenceFeatures
from training.model_card import write_model_card
from training.objective import HeadWeights, joint_loss
from training.settings import load_settings, save_settings

logger = logging.getLogger(__name__)

HELD_OUT_GROUPS = 5  # one group in five (`group % 5 == 0`) is never trained on


@dataclass(frozen=True)
class FinetuningSettings:
    """All settings of a fine-tuning run.

    Attributes:
        encoder: Folder or hub id of the pretrained encoder.
        epochs: Longest training; early stopping may end it before.
        patience: Evaluations without a better dev macro-F1 before it stops.
        evaluations_per_epoch: How often dev is evaluated and a checkpoint is kept.
        batch_size: Sentences a step on each device; gradient_accumulation steps make one update.
        learning_rate, warmup_fraction, weight_decay: AdamW with linear warm-up and decay.
        layer_decay: Factor of the learning rate from each layer to the one below it.
        dropout: Of the encoder and the label head.
        class_weights: "none", or "balanced": inverse to a label's frequency in train.
        second_weight: Share of the label target that goes to the label of a second claim.
        label_smoothing: Share of the label target spread over all labels.
        cue_weight, claim_weight, attributed_weight: Of the other heads' losses.
        max_length: Longest input in tokens; null takes the encoder's.
        bf16: Train in bfloat16 (null: on a GPU that can, else not).
        seed: Of new weights, dropout and the order.
    """

    encoder: str = "models/encoder-fr-small"
    epochs: float = 4.0
    patience: int = 4
    evaluations_per_epoch: int = 2
    batch_size: int = 32
    gradient_accumulation: int = 1
    learning_rate: float = 3e-4
    warmup_fraction: float = 0.1
    weight_decay: float = 0.01
    layer_decay: float = 0.9
    dropout: float = 0.1
    class_weights: str = "none"
    second_weight: float = 0.15
    label_smoothing: float = 0.0
    cue_weight: float = 1.0
    claim_weight: float = 0.3
    attributed_weight: float = 0.3
    max_length: int | None = None
    bf16: bool | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.class_weights not in ("none", "balanced"):
            raise CertaintyError(f"class_weights is {self.class_weights!r}. Allowed: 'none', 'balanced'.")
        for name in ("epochs", "batch_size", "gradient_accumulation", "learning_rate", "evaluations_per_epoch"):
            if not getattr(self, name) > 0:
                raise CertaintyError(f"{name} is {getattr(self, name)}; it must be above 0.")
        for name in ("second_weight", "label_smoothing", "dropout", "warmup_fraction"):
            if not 0 <= getattr(self, name) < 1:
                raise CertaintyError(f"{name} is {getattr(self, name)}; it must lie in [0, 1).")


class CertaintyTrainer(Trainer):
    """The Trainer of transformers with our loss, our order of batches and layer-wise learning rates."""

    def __init__(self, settings: FinetuningSettings, class_weights: Tensor | None, **options: Any) -> None:
        super().__init__(**options)
        self.settings = settings
        self.class_weights = class_weights

    def compute_loss(
        self, model: torch.nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Any:
        """Return the joint loss of the heads."""
        logits = model(inputs["input_ids"], inputs["attention_mask"])
        weights = HeadWeights(self.settings.cue_weight, self.settings.claim_weight, self.settings.attributed_weight)
        class_weights = None if self.class_weights is None else self.class_weights.to(logits[0].device)
        loss = joint_loss(logits, inputs, weights, class_weights, self.settings.label_smoothing)
        return (loss, {"logits": logits[0]}) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        dataset = self.train_dataset
        return LengthGroupedSampler(dataset.lengths, self.args.train_batch_size, self.settings.seed)

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW, its learning rate falling from the heads down through the layers (https://arxiv.org/abs/1801.06146)."""
        if self.optimizer is None:
            groups = parameter_groups(self.model, self.settings)
            self.optimizer = torch.optim.AdamW(groups, lr=self.settings.learning_rate, betas=(0.9, 0.98), eps=1e-6)
        return self.optimizer


def parameter_groups(model: torch.nn.Module, settings: FinetuningSettings) -> list[dict[str, Any]]:
    """Group parameters by depth and weight decay."""
    depth = int(model.config.num_hidden_layers)
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        layer = _depth(name, depth)
        decays = parameter.ndim > 1
        group = groups.setdefault(
            (layer, decays),
            {
                "params": [],
                "lr": settings.learning_rate * settings.layer_decay ** (depth + 1 - layer),
                "weight_decay": settings.weight_decay if decays else 0.0,
            },
        )
        group["params"].append(parameter)
    return list(groups.values())


def _depth(name: str, layers: int) -> int:
    """Return 0 for embeddings, 1… for the encoder's layers, layers + 1 for heads."""
    parts = name.split(".")
    for part, following in zip(parts, parts[1:], strict=False):
        if part in ("layer", "layers") and following.isdigit():
            return int(following) + 1
    return 0 if "embeddings" in name or "rel_embeddings" in name else layers + 1


def split_held_out_groups(
    sentences: Sequence[LabelledSentence],
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Split off every fifth group (contrast quadruple); sentences without a group stay in train."""
    held_out = [s for s in sentences if s.group is not None and s.group % HELD_OUT_GROUPS == 0]
    return [s for s in sentences if s.group is None or s.group % HELD_OUT_GROUPS], held_out


def last_complete_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that was written to its end, if any; the Trainer writes its state file last."""
    complete = [p.parent for p in folder.glob("checkpoint-*/trainer_state.json") if _is_json(p)]
    return max(complete, key=lambda p: int(p.name.split("-")[1]), default=None)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def check_data(train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> list[LabelledSentence]:
    """Return train without what also stands in dev, with a warning.

    Raises:
        CertaintyError: a label has no sentence in train, or dev makes no claims.
    """
    both = {s.text for s in leaked(train, dev)}
    overlap = leaked(dev, train)
    if overlap:
        logger.warning("%d sentences of train also stand in dev (%d there); they are left out of train.",
                       len(overlap), len(both))
        dropped = {id(s) for s in overlap}
        train = [s for s in train if id(s) not in dropped]
    missing = [label.value for label in Label if not any(s.label is label for s in train)]
    if missing:
        raise CertaintyError(f"train has no sentence labelled {', '.join(missing)}. Add some, at least ten of each.")
    if len({s.label for s in dev if s.label}) < 2:
        raise CertaintyError("dev has fewer than two labels; macro-F1 needs some of each.")
    return list(train)


def finetune(
    settings: FinetuningSettings,
    train: Sequence[LabelledSentence],
    dev: Sequence[LabelledSentence],
    output: str | Path,
    test: Sequence[LabelledSentence] | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Fine-tune, calibrate, export and evaluate; returns the evaluation.

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
    tokenizer = load_tokenizer(settings.encoder)
    transformers.set_seed(settings.seed)
    model = CertaintyModel.from_encoder(settings.encoder, settings.dropout)
    max_length = settings.max_length or longest_input(model.config, tokenizer)
    fast = backend(tokenizer)
    features = SentenceFeatures(train, fast, max_length, settings.second_weight)
    dev_features = SentenceFeatures(dev, fast, max_length)
    correction = np.log(label_prior(dev)) - np.log(label_prior(train))
    trainer = _trainer(settings, model, features, dev_features, tokenizer.pad_token_id, correction, checkpoints)
    trainer.train(resume_from_checkpoint=str(last) if resume and (last := last_complete_checkpoint(checkpoints)) else None)
    if not trainer.is_world_process_zero():
        return {}

    model = _rounded(model, output)
    logits = predict_logits(model, dev_features, tokenizer.pad_token_id)
    gold = np.array([LABELS.index(s.label) if s.label else -1 for s in dev])
    calibration = fit_calibration(logits["label"][gold >= 0], gold[gold >= 0])
    fold_into_head(model.classifier, calibration)
    model = _rounded(model, output)
    export_onnx(model, output)
    tokenizer.save_pretrained(output)
    save_settings(settings, output / "settings.yaml")
    model_settings = ModelSettings(
        max_length=max_length,
        pad_token_id=tokenizer.pad_token_id,
        **thresholds(logits, dev_features),
        training=provenance(settings, train, dev, calibration, trainer, time.monotonic() - started),
    )
    model_settings.save(output)
    model_settings = replace(model_settings, cue_threshold=_cue_threshold(output, model_settings, dev))
    model_settings.save(output)

    classifier = certainty.load(output)
    name = output.resolve().name
    evaluation = {"dev": evaluate_classifier(classifier, dev, train, name=name)}
    if test is not None:
        evaluation["test"] = evaluate_classifier(classifier, test, train, name=name)
    if contrast:
        evaluation["contrast"] = evaluate_classifier(classifier, contrast, train, name=name)
    shown = {split: without_text(result) for split, result in evaluation.items()}
    (output / "evaluation.json").write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
    write_model_card(output, name, settings, model_settings, shown)
    shutil.rmtree(checkpoints)
    return evaluation


def load_tokenizer(encoder: str) -> PreTrainedTokenizerBase:
    """Load the encoder's tokenizer; it must have the fast form that scoring uses."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(encoder)
    except (OSError, ValueError) as error:
        raise CertaintyError(f"{encoder}: cannot load the tokenizer: {error}") from error
    if not tokenizer.is_fast:
        raise CertaintyError(f"{encoder}: its tokenizer has no fast form (tokenizer.json).")
    return tokenizer


def backend(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return the Rust tokenizer without truncation and padding."""
    fast = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    fast.no_truncation()
    fast.no_padding()
    return fast


def longest_input(config: Any, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the longest input in tokens that the encoder takes, at most 512."""
    offset = config.pad_token_id + 1 if config.model_type in ("camembert", "roberta", "xlm-roberta") else 0
    return int(min(tokenizer.model_max_length, config.max_position_embeddings - offset, 512))


def _trainer(
    settings: FinetuningSettings,
    model: CertaintyModel,
    train: SentenceFeatures,
    dev: SentenceFeatures,
    pad_token_id: int,
    correction: NDArray[np.float64],
    checkpoints: Path,
) -> CertaintyTrainer:
    def dev_macro_f1(prediction: Any) -> dict[str, float]:
        targets = prediction.label_ids
        claims = targets.sum(axis=1) > 0
        predicted = (prediction.predictions[claims] + correction).argmax(axis=1)
        return {"macro_f1": float(metrics.macro_f1(targets[claims].argmax(axis=1), predicted))}

    counts = np.sum([row["labels"] for row in train.rows], axis=0)
    balanced = torch.tensor(counts.sum() / (len(LABELS) * counts), dtype=torch.float32)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    steps = -(-len(train) // (settings.batch_size * settings.gradient_accumulation * world))
    every = max(1, steps // settings.evaluations_per_epoch)
    bf16 = settings.bf16 if settings.bf16 is not None else torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=64,
        gradient_accumulation_steps=settings.gradient_accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup_fraction * steps * settings.epochs),
        max_grad_norm=1.0,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        eval_strategy="steps",
        eval_steps=every,
        save_steps=every,
        logging_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        label_names=["labels"],
        seed=settings.seed,
        data_seed=settings.seed,
        report_to=[],
        disable_tqdm=not sys.stderr.isatty(),
    )
    return CertaintyTrainer(
        settings,
        balanced if settings.class_weights == "balanced" else None,
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=dev,
        data_collator=Collator(pad_token_id),
        compute_metrics=dev_macro_f1,
        callbacks=[EarlyStoppingCallback(settings.patience)],
    )


def _rounded(model: CertaintyModel, folder: Path) -> CertaintyModel:
    """Save and read back, so that what is calibrated and exported is what stands in the file (16-bit floats)."""
    model.cpu().save_pretrained(folder)
    return CertaintyModel.from_pretrained(folder)


def predict_logits(model: CertaintyModel, features: SentenceFeatures, pad_token_id: int) -> dict[str, Any]:
    """Return `label` (n, 4), `claim` (n,) and `attributed` (n,) logits."""
    collate = Collator(pad_token_id)
    parts = []
    for start in range(0, len(features), 64):
        batch = collate(features.rows[start : start + 64])
        parts.append(model.logits(batch["input_ids"], batch["attention_mask"]))
    return {name: np.concatenate([getattr(p, name) for p in parts]) for name in ("label", "claim", "attributed")}


def thresholds(logits: dict[str, Any], features: SentenceFeatures) -> dict[str, float]:
    """Choose the thresholds of the claim and attribution heads by their F1 on dev."""
    chosen = {}
    for name, positive in (("claim", False), ("attributed", True)):
        gold = np.array([row[name] for row in features.rows])
        known = gold != IGNORED
        wanted = (gold[known] == 1.0) == positive
        if not wanted.any() or wanted.all():
            continue
        probabilities = 1 / (1 + np.exp(-logits[name][known].astype(np.float64)))

        def score(decided: NDArray[np.bool_], wanted: NDArray[np.bool_] = wanted, positive: bool = positive) -> float:
            return float(metrics.f1(metrics.binary_counts(wanted, decided == positive)))

        chosen[f"{name}_threshold"] = best_threshold(probabilities, score)
    return chosen


def _cue_threshold(folder: Path, settings: ModelSettings, dev: Sequence[LabelledSentence]) -> float:
    """Choose the cue threshold by the token-F1 on dev, through the very scoring that a user gets."""
    annotated = [s for s in dev if s.cues and s.label is not Label.ASSERTED]
    if not annotated:
        return settings.cue_threshold
    classifier = certainty.load(folder)

    def token_f1(threshold: float) -> float:
        classifier.settings = replace(settings, cue_threshold=threshold, claim_threshold=1e-6)
        scores = classifier.score_sentences([s.text for s in annotated])
        counts = [
            metrics.cue_counts(s.text, s.cues or (), [(c.start, c.end) for c in score.cues])
            for s, score in zip(annotated, scores, strict=True)
        ]
        return float(metrics.f1(np.array(counts)))

    return max((0.2, 0.3, 0.4, 0.5, 0.6), key=token_f1)


def provenance(
    settings: FinetuningSettings,
    train: Sequence[LabelledSentence],
    dev: Sequence[LabelledSentence],
    calibration: Calibration,
    trainer: Trainer,
    seconds: float,
) -> dict[str, Any]:
    """Return what `certainty.json` tells of the model's making."""

    def digest(sentences: Sequence[LabelledSentence]) -> str:
        content = "\n".join(f"{s.label or 'none'}\t{s.text}" for s in sentences)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()

    def count(sentences: Sequence[LabelledSentence]) -> dict[str, int]:
        labels = {label.value: sum(s.label is label for s in sentences) for label in Label}
        return {**labels, "no_claim": sum(not s.claim for s in sentences)}

    return {
        "encoder": Path(settings.encoder).name,
        "train": {"sentences": len(train), "labels": count(train), "sha256": digest(train)},
        "dev": {"sentences": len(dev), "labels": count(dev), "sha256": digest(dev)},
        "calibration": {"temperature": calibration.temperature, "bias": list(calibration.bias)},
        "best_dev_macro_f1": trainer.state.best_metric,
        "best_step": trainer.state.best_global_step,
        "steps": trainer.state.global_step,
        "seconds": round(seconds),
        "versions": {
            "certainty": certainty.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.finetune", description="Fine-tune an encoder on labelled sentences."
    )
    parser.add_argument("--train", nargs="+", required=True, help="JSONL, CSV, TSV or Parquet with text and label")
    parser.add_argument("--dev", nargs="+", required=True, help="chooses the checkpoint and calibrates")
    parser.add_argument("--test", nargs="+", help="evaluated at the end (default: dev)")
    parser.add_argument("--output", required=True, help="folder of the model")
    parser.add_argument("--encoder", help="folder or hub id (default: the encoder in models/)")
    parser.add_argument("--config", help="YAML file of FinetuningSettings")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of a killed run")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        settings = load_settings(FinetuningSettings, args.config, {"encoder": args.encoder, "seed": args.seed})
        evaluation = finetune(
            settings,
            read_labelled(args.train),
            read_labelled(args.dev),
            args.output,
            read_labelled(args.test) if args.test else None,
            args.resume,
        )
    except CertaintyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for split, result in evaluation.items():
        print(f"── {split} ──\n{summary(result)}")
    if evaluation:
        files = ", ".join((WEIGHTS_FILE, ONNX_FILE, SETTINGS_FILE, "README.md"))
        print(f"{args.output}: {files}. Open it with certainty.load({str(args.output)!r}).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
