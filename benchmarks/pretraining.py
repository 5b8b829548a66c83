"""Compare the speed of pretraining with a plain `transformers.Trainer` script: `python -m benchmarks.pretraining`.

Both start from the same encoder, with rows of the same length and synthetic text. The script is the most obvious one:
an unmodified model, `DataCollatorForLanguageModeling` and default settings. Both take turns; the time for compiling is
not included.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import (
    AutoTokenizer,
    CamembertForMaskedLM,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from benchmarks import record
from benchmarks.sentences import sentences_like_text
from training.pretraining.packing import TokenRows, encode_files
from training.pretraining.pretrain import pretrain
from training.pretraining.settings import PretrainingSettings

ENCODER = "models/encoder-fr-small"
ROW_LENGTH, BATCH_TOKENS, MASK_RATE = 64, 4096, 0.2
OURS, PLAIN = "training.pretraining.pretrain", "plain Trainer script"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pretraining", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("--encoder", default=ENCODER)
    parser.add_argument("--seconds", type=float, default=40, help="duration of each measurement (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    speeds: dict[str, list[float]] = {OURS: [], PLAIN: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = folder / "text.txt"
        text.write_text("\n".join(sentences_like_text(40_000)), encoding="utf-8")
        for round_ in range(args.rounds):
            speeds[PLAIN].append(plain(text, args.encoder, folder / "plain", args.seconds))
            steps = round(8 * args.seconds * speeds[PLAIN][-1] / BATCH_TOKENS)
            speeds[OURS].append(ours(text, args.encoder, folder / f"ours{round_}", args.seconds, steps))
    ratios = [a / b for a, b in zip(speeds[OURS], speeds[PLAIN], strict=True)]
    for contender, values in speeds.items():
        print(f"{contender:22} {statistics.median(values):8.0f} tokens/s")
    print(f"ratio {statistics.median(ratios):.2f} (by round: {', '.join(f'{r:.2f}' for r in ratios)})")
    record.write(args.output, "pretraining", {"tokens_per_second": speeds, "ratios": ratios})


def ours(text: Path, encoder: str, output: Path, seconds: float, steps: int) -> float:
    """Return our tokens per second between checkpoints, without the first part, in which the model is compiled."""
    settings = PretrainingSettings(
        text=[str(text)],
        initial=encoder,
        output=str(output),
        curriculum=[[1.0, ROW_LENGTH]],
        batch_tokens=BATCH_TOKENS,
        mask_rate=MASK_RATE,
        checkpoint_minutes=seconds / 60,
    )
    log = pretrain(settings, stop_after=steps)
    return float(statistics.median(entry["tokens_per_second"] for entry in log[1:-1] or log[1:]))


class _Clock(TrainerCallback):
    """Measures the time of the steps after the first few, and stops after the given time."""

    def __init__(self, seconds: float, warmup: int = 5) -> None:
        self._seconds, self._warmup = seconds, warmup
        self.times: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.times.append(time.monotonic())
        timed = self.times[self._warmup :]
        control.should_training_stop = bool(timed) and timed[-1] - timed[0] > self._seconds

    @property
    def steps_per_second(self) -> float:
        timed = self.times[self._warmup :]
        return (len(timed) - 1) / (timed[-1] - timed[0])


def plain(text: Path, encoder: str, output: Path, seconds: float) -> float:
    """Return the tokens per second of the plain script."""
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    fast = Tokenizer.from_file(f"{encoder}/tokenizer.json")
    rows = TokenRows.cut(encode_files([text], fast, output / "tokens"), [1], ROW_LENGTH)
    data = [{"input_ids": row} for row in rows[np.arange(len(rows))].tolist()]
    clock = _Clock(seconds)
    trainer = Trainer(
        model=CamembertForMaskedLM.from_pretrained(encoder, dtype=torch.float32),
        args=TrainingArguments(
            output_dir=str(output),
            per_device_train_batch_size=BATCH_TOKENS // ROW_LENGTH,
            num_train_epochs=100,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            logging_strategy="no",
        ),
        train_dataset=data,
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm_probability=MASK_RATE),
        callbacks=[clock],
    )
    trainer.train()
    return clock.steps_per_second * BATCH_TOKENS


if __name__ == "__main__":
    main()
