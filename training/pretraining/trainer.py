"""The transformers Trainer, adapted to pretraining: each step gets a prepared batch, and checkpoints are timed."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import CamembertForMaskedLM, Trainer, TrainerCallback, TrainingArguments

from certainty.finetuning.precision import bf16_is_fast
from training.pretraining.masked_language_model import masked_loss
from training.pretraining.mlm_batches import Batch
from training.pretraining.settings import PretrainingSettings

logger = logging.getLogger(__name__)

Loss = Callable[..., Tensor]
MEASURED_STEPS = (24, 64)
"""First and last step for measuring the speed; before the first, layers are compiled for each row length."""


class Steps(Dataset[Batch]):
    """A data set of batches, each created on demand.

    Args:
        batch_of: Creates the batch of a step.
        steps: Number of steps.
    """

    def __init__(self, batch_of: Callable[[int], Batch], steps: int) -> None:
        self.batch_of, self.steps = batch_of, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        return self.batch_of(step)


class Pace(TrainerCallback):
    """Decides when to save a checkpoint and when to end the run.

    Attributes:
        settings: The settings of the run. If its time is given, the number of tokens is set once the speed is known.

    Args:
        settings: The settings of the run.
        settled: Called with the settings once their number of tokens is set.
        stop_after: Step after which the run stops with a checkpoint, to simulate an interruption.
        minutes: Duration of the run, instead of `settings.total_tokens`.
    """

    def __init__(
        self,
        settings: PretrainingSettings,
        settled: Callable[[PretrainingSettings], None],
        stop_after: int | None = None,
        minutes: float | None = None,
    ) -> None:
        self.settings, self.settled, self.stop_after, self.minutes = settings, settled, stop_after, minutes
        self._begun = self._measured = self._checkpoint = time.monotonic()
        self._step = 0

    @property
    def tokens_per_second(self) -> float:
        """Number of tokens per second since the last checkpoint."""
        return self._step * self.settings.batch_tokens / (time.monotonic() - self._checkpoint)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Request a checkpoint if one is due, and end the run at its last step."""
        step, now = state.global_step, time.monotonic()
        self._step += 1
        if self.minutes and step == MEASURED_STEPS[0]:
            self._measured = now
        elif self.minutes and step == MEASURED_STEPS[1]:
            speed = (step - MEASURED_STEPS[0]) / (now - self._measured)
            steps = step + max(1, int(speed * (self.minutes * 60 - (now - self._begun))))
            self.settings = self.settings.replace(total_tokens=steps * self.settings.batch_tokens)
            self.settled(self.settings)
            logger.info("%.0f tokens/s: %d steps in total", speed * self.settings.batch_tokens, steps)
        control.should_training_stop = step == self.stop_after or step >= self.settings.total_steps
        if control.should_training_stop or now - self._checkpoint > self.settings.checkpoint_minutes * 60:
            control.should_log = control.should_evaluate = control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Restart the measurement of the speed."""
        self._checkpoint, self._step = time.monotonic(), 0


class PretrainingTrainer(Trainer):
    """Trains on prepared batches in the order of steps, so that a resumed run sees the same data as one without a stop.

    Args:
        model: The encoder with its language-model head.
        batch_of: Creates the batch of a step.
        held_out: Batches that are never trained on.
        pace: Decides when to save checkpoints.
        checkpoints: Folder for the checkpoints.
        loss: The loss, a function of the model and a masked batch.
    """

    def __init__(
        self,
        model: CamembertForMaskedLM,
        batch_of: Callable[[int], Batch],
        held_out: Sequence[Batch],
        pace: Pace,
        checkpoints: Path,
        loss: Loss = masked_loss,
    ) -> None:
        settings = pace.settings
        self.pace, self.loss = pace, loss
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
                {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=(0.9, 0.98),
            eps=1e-6,
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: pace.settings.learning_rate_factor(s))
        on_gpu = torch.cuda.is_available()
        super().__init__(
            model=model,
            args=TrainingArguments(
                output_dir=str(checkpoints),
                max_steps=settings.total_steps,
                per_device_train_batch_size=1,
                per_device_eval_batch_size=1,
                max_grad_norm=1.0,
                bf16=bf16_is_fast(torch.device("cuda" if on_gpu else "cpu")),
                use_cpu=not on_gpu,
                dataloader_pin_memory=on_gpu,
                dataloader_num_workers=2 if on_gpu else 0,
                eval_strategy="no",
                save_strategy="no",
                logging_strategy="no",
                logging_nan_inf_filter=False,  # the filter would wait for the device at every step
                save_total_limit=1,
                remove_unused_columns=False,
                prediction_loss_only=True,
                label_names=["labels"],
                seed=settings.seed,
                report_to=["tensorboard"],
                disable_tqdm=None,
            ),
            train_dataset=Steps(batch_of, settings.total_steps),
            eval_dataset=Steps(held_out.__getitem__, len(held_out)),
            data_collator=_only,
            optimizers=(optimizer, schedule),
            callbacks=[pace],
        )

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any) -> Any:
        """Return the loss of the run in training, or the mean cross-entropy of masked tokens in evaluation."""
        # The losses call parts of the model, which the Trainer's own autocast does not reach.
        with self.accelerator.autocast():
            loss = (self.loss if model.training else masked_loss)(model, **inputs)
        return (loss, {"loss": loss}) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **options: Any) -> None:
        """Log tokens, perplexity and speed along with the held-out loss."""
        if "eval_loss" in logs:
            logs["tokens"] = self.state.global_step * self.pace.settings.batch_tokens
            logs["perplexity"] = math.exp(logs["eval_loss"])
            logs["tokens_per_second"] = self.pace.tokens_per_second
        super().log(logs, *args, **options)

    def checkpoint_log(self) -> list[dict[str, Any]]:
        """Return a row for each checkpoint, with step, tokens, losses, perplexity and speed."""
        training = {entry["step"]: entry["loss"] for entry in self.state.log_history if "loss" in entry}
        return [
            {
                "step": entry["step"],
                "tokens": entry["tokens"],
                "loss": round(training[entry["step"]], 4),
                "held_out_loss": round(entry["eval_loss"], 4),
                "held_out_perplexity": round(entry["perplexity"], 2),
                "tokens_per_second": round(entry["tokens_per_second"]),
            }
            for entry in self.state.log_history
            if "eval_loss" in entry
        ]

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return SequentialSampler(self.train_dataset)


def _only(batches: list[Batch]) -> dict[str, Tensor]:
    (batch,) = batches  # each step has a single prepared batch
    return dict(zip(("ids", "positions", "labels"), batch, strict=True))
