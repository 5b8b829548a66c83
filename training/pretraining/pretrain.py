"""Pretrain an encoder from raw text: `python -m training.pretraining.pretrain --config training/configs/pretrain.yaml`.

The stages are the tokenizer, the token arrays, the static embeddings, and training with the loss of
`training.pretraining.masked_language_model`. The tokenizer and the arrays are kept in the output folder and reused by
the next run. Training resumes exactly from its last checkpoint, since the rows, masks and random numbers of a step only
depend on the seed and the step.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from certainty import CertaintyError
from certainty.finetuning.resume import last_complete_checkpoint
from certainty.settings_file import load_settings, save_settings
from certainty.writing import write_whole
from training.data.text import read_paragraphs, text_files
from training.pretraining.encoder import compile_layers, new_encoder, open_encoder, save_encoder
from training.pretraining.encoder_card import write_encoder_card
from training.pretraining.hidden_distillation import HiddenDistillation
from training.pretraining.masked_language_model import masked_loss
from training.pretraining.mlm_batches import Batches
from training.pretraining.packing import TOKEN_COUNTS, encode_files
from training.pretraining.settings import PretrainingSettings
from training.pretraining.static_embeddings import static_embeddings
from training.pretraining.tokenizer import sample_paragraphs, train_tokenizer
from training.pretraining.trainer import Loss, Pace, PretrainingTrainer
from training.pretraining.warm_start import warm_start

logger = logging.getLogger(__name__)

SETTINGS_FILE = "settings.yaml"
CHECKPOINTS = "checkpoints"
MAY_CHANGE = ("total_tokens", "checkpoint_minutes", "threads", "compile", "output", "text")
"""Settings that may change when a run is resumed: its length, its paths, and those that do not affect the result."""
NOT_YET_KNOWN = 10**15


def build_tokenizer(settings: PretrainingSettings, files: list[Path], folder: Path) -> Tokenizer:
    """Load `tokenizer.json` from the folder of the run, or train it on a sample of all files and save it there.

    A run that starts from an encoder uses the tokenizer of that encoder.
    """
    path = folder / "tokenizer.json"
    if not path.exists() and settings.initial:
        shutil.copy(Path(settings.initial) / "tokenizer.json", path)
    elif not path.exists():
        share = settings.tokenizer_words // len(files)
        sample = (p for file in files for p in sample_paragraphs(read_paragraphs(file), share, settings.seed))
        train_tokenizer(sample, settings.vocab_size).save(str(path))
    return Tokenizer.from_file(str(path))


def pretrain(
    settings: PretrainingSettings, stop_after: int | None = None, minutes: float | None = None
) -> list[dict[str, Any]]:
    """Run or resume the whole pretraining, and return its log.

    Args:
        settings: The settings.
        stop_after: Stop after this step, with a checkpoint, to simulate an interruption.
        minutes: Train for about this time, instead of `settings.total_tokens`. The number of tokens is estimated from
            the speed of the first steps and saved with the settings; a resumed run uses the saved number.

    Raises:
        CertaintyError: If a file or an encoder cannot be used, or the folder has a run with other settings.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.set_float32_matmul_precision("high")
    folder = Path(settings.output)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = last_complete_checkpoint(folder / CHECKPOINTS)
    if checkpoint:
        settings, minutes = resumed(settings, folder, minutes)
    elif minutes:
        settings = settings.replace(total_tokens=NOT_YET_KNOWN)
    save_settings(settings, folder / SETTINGS_FILE)
    files = text_files(settings.text)
    tokenizer = build_tokenizer(settings, files, folder)
    sources = encode_files(files, tokenizer, folder / "tokens", settings.deduplicate)
    encoder = new_encoder(settings)
    if not checkpoint and not settings.initial:
        counts = 1.0 + np.sum([np.bincount(source, minlength=settings.vocab_size) for source in sources], axis=0)
        embeddings = static_embeddings(sources, settings.vocab_size, settings.hidden_size)
        warm_start(encoder, embeddings, counts / counts.sum())
        logger.info("static embeddings ready")
    loss: Loss = HiddenDistillation(encoder, open_encoder(settings.teacher)) if settings.teacher else masked_loss
    if settings.head_only:
        encoder.requires_grad_(False)
        encoder.lm_head.requires_grad_(True)
        encoder.get_input_embeddings().requires_grad_(False)  # tied to the head
    batches = Batches(settings, sources, [settings.repeats.get(f.name, 1) for f in files], tokenizer)
    if settings.compile:
        compile_layers(encoder)

    def settled(known: PretrainingSettings) -> None:
        save_settings(known, folder / SETTINGS_FILE)
        batches.settings = known

    pace = Pace(settings, settled, stop_after, minutes)
    trainer = PretrainingTrainer(encoder, batches, batches.held_out(), pace, folder / CHECKPOINTS, loss)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    log = trainer.checkpoint_log()
    write_whole(folder / "log.json", json.dumps(log, indent=1) + "\n")
    if trainer.state.global_step == pace.settings.total_steps:
        save_encoder(encoder, tokenizer, folder / "encoder")
        counted = json.loads((folder / TOKEN_COUNTS).read_text(encoding="utf-8"))["files"]
        write_encoder_card(folder / "encoder", folder.resolve().name, pace.settings, counted, log)
    return log


def resumed(
    settings: PretrainingSettings, folder: Path, minutes: float | None
) -> tuple[PretrainingSettings, float | None]:
    """Return the settings for resuming a stopped run, and None, since its number of tokens is already known.

    Raises:
        CertaintyError: If a setting other than those in `MAY_CHANGE` differs from the stopped run.
    """
    saved = load_settings(PretrainingSettings, folder / SETTINGS_FILE)
    if minutes:
        settings = settings.replace(total_tokens=saved.total_tokens)
    for name, value in settings.model_dump().items():
        if name not in MAY_CHANGE and value != getattr(saved, name):
            raise CertaintyError(
                f"{folder}: has a run with {name} {getattr(saved, name)!r}, not {value!r}. Choose another output, or "
                "delete it."
            )
    return settings, None


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.pretraining.pretrain", description=__doc__.split("\n")[0])
    parser.add_argument("--config", required=True, help="YAML file with PretrainingSettings")
    parser.add_argument("--text", nargs="+", help="text files or folders (default: from the config)")
    parser.add_argument("--output", help="folder of the run (default: from the config)")
    parser.add_argument(
        "--total-tokens", type=int, help="number of tokens (default: from the config); can change when resuming"
    )
    parser.add_argument("--minutes", type=float, help="train for about this time, instead of total_tokens")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = load_settings(
        PretrainingSettings, args.config, {"text": args.text, "output": args.output, "total_tokens": args.total_tokens}
    )
    logger.info("%s", settings.model_dump())
    logger.info("%.3g floating-point operations per token", settings.flops_per_token)
    pretrain(settings, minutes=args.minutes)


if __name__ == "__main__":
    main()
