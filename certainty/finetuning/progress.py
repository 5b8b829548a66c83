"""Show training progress: a progress bar on a terminal, otherwise a log line every 30 seconds."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import transformers
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback

from certainty.progress import duration

__all__ = ["TrainingProgress", "quiet_transformers"]

logger = logging.getLogger(__name__)

SECONDS = 30.0
"""Least time between two progress lines in the log."""


class TrainingProgress(TrainerCallback):
    """Shows step, rate and time left, and logs the result of each evaluation on dev."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: Any = None
        self._started = self._told = time.monotonic()
        self._first_step = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock and, on a terminal, the progress bar."""
        if not state.is_world_process_zero:
            return
        self._started = self._told = time.monotonic()
        self._first_step = state.global_step
        if self._first_step:
            logger.info("Training continues after step %d of %d.", self._first_step, state.max_steps)
        else:
            logger.info("Training: %d steps.", state.max_steps)
        if sys.stderr.isatty():
            columns = (TextColumn("Training"), BarColumn(), MofNCompleteColumn(), TextColumn("steps,"))
            left = (TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), TextColumn("left"))
            self._bar = Progress(*columns, *left, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=state.max_steps, completed=self._first_step, rate="")
            self._bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Advance the bar, or log a line if the last one is old enough."""
        if not state.is_world_process_zero:
            return
        if self._bar:
            rate = f"{self._rate(state):.2f} per second,"
            self._bar.update(self._task, completed=state.global_step, rate=rate)
        elif time.monotonic() - self._told >= SECONDS and not control.should_evaluate:  # then one line tells both
            self._told = time.monotonic()
            logger.info("Step %d of %d, %s.", state.global_step, state.max_steps, self._speed(state))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        """Log the metrics on dev."""
        if state.is_world_process_zero:
            logger.info(
                "Step %d of %d: on dev, negative log-likelihood %.4f, macro-F1 %.3f; %s.",
                state.global_step,
                state.max_steps,
                metrics["eval_nll"],
                metrics["eval_macro_f1"],
                self._speed(state),
            )
            self._told = time.monotonic()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Remove the bar."""
        self.close()

    def _rate(self, state: Any) -> float:
        """Return the steps per second of this run, without those before a resumption."""
        steps: int = state.global_step - self._first_step
        return steps / max(time.monotonic() - self._started, 1e-9)

    def _speed(self, state: Any) -> str:
        rate = self._rate(state)
        left = duration((state.max_steps - state.global_step) / max(rate, 1e-9))
        return f"{rate:.2f} steps per second, {left} left"

    def close(self) -> None:
        """Stop and remove the bar, if it is shown."""
        if self._bar:
            self._bar.stop()
            self._bar = None


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the weight reports and progress bars of transformers; exceptions are unaffected."""
    messages = transformers.logging
    verbosity, bars = messages.get_verbosity(), messages.is_progress_bar_enabled()
    messages.set_verbosity_error()
    messages.disable_progress_bar()
    try:
        yield
    finally:
        messages.set_verbosity(verbosity)
        if bars:
            messages.enable_progress_bar()
