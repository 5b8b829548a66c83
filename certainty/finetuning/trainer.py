"""Set up the transformers Trainer for all heads: loss, batch order, learning rates and checkpoints."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME

from certainty.engines.modeling import CertaintyModel
from certainty.errors import CertaintyError
from certainty.evaluation import metrics
from certainty.finetuning.calibration import choose_calibration, fit_calibration, negative_log_likelihoods
from certainty.finetuning.features import Collator, LengthGroupedSampler, SentenceFeatures
from certainty.finetuning.objective import HeadWeights, joint_loss
from certainty.finetuning.precision import bf16_is_fast
from certainty.finetuning.progress import TrainingProgress
from certainty.finetuning.resume import best_checkpoint
from certainty.finetuning.settings import FinetuningSettings
from certainty.labels import LABELS
from certainty.messages import argument
from certainty.model_folder import HEADS


class CertaintyTrainer(Trainer):
    """Transformers Trainer with the joint loss, length-grouped batches and layer-wise learning rates.

    Args:
        settings: The fine-tuning settings.
        class_weights: Weight of each label, shape (4,), or None.
        heads: The heads besides the label head that have a loss; those of the others have weight 0.
        options: Passed to `transformers.Trainer`.
    """

    def __init__(
        self, settings: FinetuningSettings, class_weights: Tensor | None, heads: Collection[str], **options: Any
    ) -> None:
        super().__init__(**options)
        self.settings = settings
        self.class_weights = class_weights
        weights = HeadWeights(
            cue=settings.cue_weight,
            claim=settings.claim_weight,
            attributed=settings.attributed_weight,
            second=settings.second_head_weight,
            source=settings.source_weight,
            attention=settings.attention_weight,
        )
        self.head_weights = replace(weights, **{head: 0.0 for head in HEADS if head not in heads})

    @property
    def best_macro_f1(self) -> float:
        """Macro-F1 of the best checkpoint on dev."""
        best = self.state.best_global_step
        return float(next(x["eval_macro_f1"] for x in self.state.log_history if x["step"] == best and "eval_nll" in x))

    def train(self, *args: Any, **options: Any) -> Any:
        """Train; the progress bar is removed even if training stops with an error or Ctrl-C."""
        try:
            return super().train(*args, **options)
        finally:
            for callback in self.callback_handler.callbacks:
                if isinstance(callback, TrainingProgress):
                    callback.close()

    def trained_model(self) -> CertaintyModel:
        """Return the model on the CPU, in evaluation mode and without the mixed-precision wrapper."""
        model: CertaintyModel = self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        return model.cpu().eval()

    def has_ended(self, checkpoint: Path) -> bool:
        """Return whether training ended with this checkpoint, rather than being interrupted after it."""
        state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
        stopped = state.stateful_callbacks["TrainerControl"]["args"]["should_training_stop"]
        return bool(stopped) or state.global_step >= state.max_steps

    def restore_best(self, checkpoint: Path) -> None:
        """Load the best model of a run whose training ended with this checkpoint."""
        self.state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
        # _load_best_model takes the path in the state, of before any move, and only warns if no weights are there.
        self._load_from_checkpoint(str(best_checkpoint(checkpoint)))

    def compute_loss(
        self, model: torch.nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Any:
        """Return the joint loss of all heads."""
        settings = self.settings
        forward: Callable[..., Any] = model
        if not model.training:
            # That of the instance rounds to 16 bits in mixed precision; the finished model is evaluated without.
            forward = partial(CertaintyModel.forward, self.accelerator.unwrap_model(model))
        logits = forward(inputs["input_ids"], inputs["attention_mask"], output_attentions=settings.attention_weight > 0)
        class_weights = None if self.class_weights is None else self.class_weights.to(logits[0].device)
        loss = joint_loss(logits, inputs, self.head_weights, class_weights, settings.label_smoothing)
        return (loss, {"logits": logits[0]}) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return LengthGroupedSampler(self.train_dataset.lengths, self.args.train_batch_size, self.settings.seed)

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """Create AdamW with learning rates that decrease from the heads down (https://arxiv.org/abs/1801.06146)."""
        if self.optimizer is None:  # type: ignore[has-type]
            groups = parameter_groups(self.model, self.settings)
            self.optimizer = torch.optim.AdamW(
                groups, lr=self.settings.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True
            )
        return self.optimizer


def parameter_groups(model: CertaintyModel, settings: FinetuningSettings) -> list[dict[str, Any]]:
    """Group the parameters by depth and weight decay."""
    depth = int(model.config.num_hidden_layers)
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
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
    """Return 0 for embeddings, 1 to `layers` for the encoder's layers, and `layers` + 1 for heads."""
    parts = name.split(".")
    for part, following in pairwise(parts):
        if part in ("layer", "layers") and following.isdigit():
            return int(following) + 1
    return 0 if "embeddings" in name else layers + 1


def build_trainer(
    settings: FinetuningSettings,
    model: CertaintyModel,
    train: SentenceFeatures,
    dev: SentenceFeatures | None,
    heads: Collection[str],
    pad_token_id: int,
    checkpoints: Path | None,
    kept: Collection[str] = (),
) -> CertaintyTrainer:
    """Build the trainer.

    Args:
        settings: The fine-tuning settings.
        model: The model to train; heads that are not in `heads` are frozen.
        train: Features of the training sentences.
        dev: Features of the dev sentences; without them, training runs for all epochs.
        heads: The heads to train besides the label head.
        pad_token_id: Id used to pad shorter rows.
        checkpoints: Folder for the checkpoints; None to save none, which needs `dev` to be None.
        kept: Frozen heads whose loss still trains the layers below them, so that these keep what the heads read.

    Raises:
        CertaintyError: the settings require a GPU, but there is none; or they freeze more layers than there are.
    """
    for head in set(HEADS) - set(heads):
        model.heads[head].requires_grad_(False)
    freeze_layers(model, settings.frozen_layers)

    def dev_metrics(prediction: Any) -> dict[str, float]:
        claims = prediction.label_ids.sum(axis=1) > 0
        gold, logits = prediction.label_ids[claims].argmax(axis=1), prediction.predictions[claims]
        check_finite(logits, settings.learning_rate)
        # Calibrate on dev, as for the finished model. Enriched training data differs by more than the label prior, so
        # correcting for the prior alone would favour the wrong checkpoint.
        fitted, finished = (fit(logits, gold).apply(logits) for fit in (fit_calibration, choose_calibration))
        return {
            "macro_f1": float(metrics.macro_f1(gold, finished.argmax(axis=1))),
            "nll": float(negative_log_likelihoods(fitted, gold).mean()),
        }

    counts = np.sum([row["labels"] for row in train.rows], axis=0)
    balanced = torch.tensor(counts.sum() / (len(LABELS) * counts), dtype=torch.float32)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    steps = -(-len(train) // (settings.batch_size * settings.gradient_accumulation * world))
    every = max(1, steps // settings.evaluations_per_epoch)
    device = training_device(settings)
    arguments = TrainingArguments(
        output_dir=str(checkpoints or tempfile.gettempdir()),  # into which nothing is written without checkpoints
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=64,
        gradient_accumulation_steps=settings.gradient_accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup_fraction * steps * settings.epochs),
        max_grad_norm=1.0,
        bf16=bf16_is_fast(device) if settings.bf16 is None else settings.bf16,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type != "cpu",
        dataloader_num_workers=4 if device.type == "cuda" else 0,
        eval_strategy="steps" if dev else "no",
        eval_steps=every,
        save_strategy="steps" if checkpoints else "no",
        save_steps=every,
        logging_steps=every,
        save_total_limit=2,
        load_best_model_at_end=dev is not None,
        # With only a few dozen dev sentences of a rare label, macro-F1 is too noisy for choosing a checkpoint.
        metric_for_best_model="nll",
        greater_is_better=False,
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        label_names=["labels"],
        seed=settings.seed,
        data_seed=settings.seed,
        report_to=[],
        disable_tqdm=True,
    )
    trainer = CertaintyTrainer(
        settings,
        balanced if settings.class_weights == "balanced" else None,
        {*heads, *kept},
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=dev,
        data_collator=Collator(pad_token_id),
        compute_metrics=dev_metrics,
        callbacks=[*([EarlyStoppingCallback(settings.patience)] if dev else []), TrainingProgress()],
    )
    trainer.remove_callback(PrinterCallback)  # prints dictionaries
    return trainer


def freeze_layers(model: CertaintyModel, layers: int) -> None:
    """Freeze the embeddings and the lowest layers of the encoder; nothing if `layers` is 0.

    Raises:
        CertaintyError: the encoder has fewer layers.
    """
    depth = int(model.config.num_hidden_layers)
    if layers > depth:
        raise CertaintyError(f"frozen_layers is {layers}, but the encoder has {depth} layers; give at most {depth}.")
    for name, parameter in model.named_parameters():
        if layers and _depth(name, depth) <= layers:
            parameter.requires_grad_(False)


def check_finite(logits: NDArray[np.floating], learning_rate: float) -> None:
    """Check the logits of a model in training.

    Raises:
        CertaintyError: a logit is infinite or not a number.
    """
    if not np.isfinite(logits).all():
        raise CertaintyError(
            f"training has diverged: the model's outputs are no longer numbers. Lower "
            f"{argument('learning_rate')}, which is {learning_rate:g}, and delete the checkpoints."
        )


def training_device(settings: FinetuningSettings) -> torch.device:
    """Resolve the `device` setting to a torch device.

    Raises:
        CertaintyError: the setting is "cuda", but there is no GPU.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise CertaintyError(f"{argument('device')} is 'cuda', but torch finds no GPU; use 'cpu' or 'auto'.")
    return torch.device("cuda" if settings.device != "cpu" and torch.cuda.is_available() else "cpu")
