"""An exponential moving average of the weights, in whose place the live ones are neither judged nor kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.torch import load_model, save_model
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import Trainer, TrainerCallback

from certainty import CertaintyError

AVERAGE_FILE = "average.safetensors"
"""Of the averaged weights in a checkpoint, beside the live ones."""


class AveragingTrainer(Trainer):
    """A Trainer that, once told to, judges and keeps an average of the weights.

    A checkpoint holds live and averaged weights, so a resumed run goes on exactly.
    """

    average: AveragedModel | None = None

    def start_averaging(self, decay: float) -> None:
        """Average from the first step on; the weights of n steps ago count decay ** n."""
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(decay))
        self.add_callback(_Update(self.average))

    def evaluate(self, *args: Any, **options: Any) -> dict[str, float]:
        """Judge the averaged weights."""
        with self._averaged():
            return dict(super().evaluate(*args, **options))

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save the live weights, and beside them their average."""
        super().save_model(output_dir, _internal_call)
        if self.average is not None and self.args.should_save:
            save_model(self.average.module, str(Path(output_dir or self.args.output_dir) / AVERAGE_FILE))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.average is not None:
            self._read_average(resume_from_checkpoint, self.average.module)
            self.average.n_averaged.fill_(1)  # or the next step would start the average anew

    def _load_best_model(self) -> None:
        super()._load_best_model()
        if self.average is not None:
            self._read_average(str(self.state.best_model_checkpoint), self.model)

    def _read_average(self, checkpoint: str, model: nn.Module) -> None:
        path = Path(checkpoint) / AVERAGE_FILE
        if not path.is_file():
            raise CertaintyError(
                f"{path}: no such file; the run was begun without weight_average. Go on without it, or begin anew."
            )
        load_model(model, path, device=str(self.args.device))

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        if self.average is None or not self.is_in_train:  # the finished model is the average itself
            yield
            return
        self._swap(self.average)
        try:
            yield
        finally:
            self._swap(self.average)

    def _swap(self, average: AveragedModel) -> None:
        for live, averaged in zip(self.model.parameters(), average.module.parameters(), strict=True):
            live.data, averaged.data = averaged.data, live.data


class _Update(TrainerCallback):
    def __init__(self, average: AveragedModel) -> None:
        self.average = average

    def on_step_end(self, args: Any, state: Any, control: Any, model: nn.Module, **_: Any) -> None:
        self.average.update_parameters(model)
