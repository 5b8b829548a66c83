"""Pretrain an encoder from raw text: `python -m training.pretrain --config training/configs/pretrain.yaml`.

Tokenizer → token arrays → static embeddings → training by an objective: `training.masked_language_model`,
`training.replaced_token_detection` or `training.hidden_distillation`. Each stage is kept in the output folder and taken
up there by the next run; the training itself resumes exactly from its last checkpoint, since the rows, masks and random
numbers of a step follow from the seed and the step alone.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import shutil
import time
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm.auto import tqdm

from training.checkpoint import load_checkpoint, save_checkpoint
from training.encoder import compile_layers, new_encoder, open_encoder, save_encoder
from training.hidden_distillation import HiddenDistillation
from training.masked_language_model import MaskedLanguageModel
from training.mlm_batches import Batches, prefetched
from training.model_card import write_encoder_card
from training.packing import TOKEN_COUNTS, encode_files
from training.precision import bf16_is_fast
from training.replaced_token_detection import ReplacedTokenDetection
from training.settings import PretrainingSettings, load_settings, save_settings
from training.static_embeddings import static_embeddings
from training.text import read_paragraphs, text_files
from training.tokenizer import sample_paragraphs, train_tokenizer
from training.warm_start import warm_start

logger = logging.getLogger(__name__)

SETTINGS_FILE = "settings.yaml"
MEASURED_STEPS = (24, 64)
"""Between these two, speed is measured; before them, layers are compiled for each row length."""
NOT_YET_KNOWN = 10**15


def build_tokenizer(settings: PretrainingSettings, files: list[Path], folder: Path) -> Tokenizer:
    """Load `tokenizer.json` from the run's folder, or train it on a sample of every file and save it there.

    A run that goes on from an encoder takes that encoder's.
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
    """Run, or resume, the whole pretraining and return its log.

    Args:
        settings: The settings.
        stop_after: Stop with a checkpoint after this step, as a kill would.
        minutes: Take as many tokens as the first steps promise for this time, in place of `settings.total_tokens`; the
            saved settings tell how many, and a resumed run keeps to them.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_float32_matmul_precision("high")
    folder = Path(settings.output)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.safetensors"
    if minutes and checkpoint.exists():
        saved = load_settings(PretrainingSettings, folder / SETTINGS_FILE)
        settings, minutes = replace(settings, total_tokens=saved.total_tokens), None
    elif minutes:
        settings = replace(settings, total_tokens=NOT_YET_KNOWN)
    save_settings(settings, folder / SETTINGS_FILE)
    files = text_files(settings.text)
    tokenizer = build_tokenizer(settings, files, folder)
    sources = encode_files(files, tokenizer, folder / "tokens", settings.deduplicate)
    encoder = new_encoder(settings)
    if not checkpoint.exists() and not settings.initial:
        counts = 1.0 + np.sum([np.bincount(source, minlength=settings.vocab_size) for source in sources], axis=0)
        embeddings = static_embeddings(sources, settings.vocab_size, settings.hidden_size)
        warm_start(encoder, embeddings, counts / counts.sum())
        logger.info("static embeddings ready")
    model: MaskedLanguageModel | ReplacedTokenDetection
    if settings.teacher:
        model = HiddenDistillation(encoder, open_encoder(settings.teacher))
    else:
        model = (
            ReplacedTokenDetection(encoder, settings) if settings.objective == "rtd" else MaskedLanguageModel(encoder)
        )
    if settings.head_only:
        model.requires_grad_(False)
        encoder.lm_head.requires_grad_(True)
        encoder.get_input_embeddings().requires_grad_(False)  # tied to the head
    model.to(device)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
        eps=1e-6,
        fused=True,
    )
    log = load_checkpoint(checkpoint, model, optimizer) if checkpoint.exists() else []
    step = log[-1]["step"] if log else 0
    batches = Batches(settings, sources, [settings.repeats.get(f.name, 1) for f in files], tokenizer)
    if settings.compile:
        compile_layers(model)
    autocast = (lambda: torch.autocast(device.type, torch.bfloat16)) if bf16_is_fast(device) else nullcontext

    def checkpoint_now() -> None:
        rate = len(losses["loss"]) * settings.batch_tokens / (time.monotonic() - started)
        with torch.no_grad(), autocast():
            loss = float(np.mean([model.held_out_loss(*(t.to(device) for t in b)).item() for b in batches.held_out()]))
        log.append(
            {
                "step": step,
                "tokens": step * settings.batch_tokens,
                **{name: round(torch.stack(values).float().mean().item(), 4) for name, values in losses.items()},
                "held_out_loss": round(loss, 4),
                "held_out_perplexity": round(math.exp(loss), 2),
                "tokens_per_second": round(rate),
            }
        )
        save_checkpoint(checkpoint, model, optimizer, log)
        for name, value in log[-1].items():
            board.add_scalar(name, value, step)
        board.flush()
        (folder / "log.json").write_text(json.dumps(log, indent=1))
        logger.info("%s", log[-1])

    board = SummaryWriter(str(folder / "tensorboard"), purge_step=step)
    losses: defaultdict[str, list[Tensor]] = defaultdict(list)
    started = begun = time.monotonic()
    upcoming = prefetched(batches, count(step), pin=device.type == "cuda")
    with tqdm(total=settings.total_steps, initial=step, disable=None, unit="step") as bar:
        while step < settings.total_steps and step != stop_after:
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * settings.learning_rate_factor(step)
            torch.manual_seed(int(np.random.SeedSequence([settings.seed, step]).generate_state(1)[0]))
            with autocast():
                results = model(*(t.to(device, non_blocking=True) for t in next(upcoming)))
            results["loss"].backward()
            for part in model.children():  # each by itself, so that a discriminator's weight does not slow a generator
                nn.utils.clip_grad_norm_(part.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            for name, value in results.items():
                losses[name].append(value.detach())  # read at a checkpoint: reading waits for the device
            step += 1
            bar.update()
            if minutes and step in MEASURED_STEPS:
                losses["loss"][-1].item()
                if step == MEASURED_STEPS[0]:
                    measured = time.monotonic()
                else:
                    settings = timed(settings, minutes, step, begun, measured)
                    save_settings(settings, folder / SETTINGS_FILE)
                    batches.settings = settings
                    bar.reset(settings.total_steps)
                    bar.update(step)
            if time.monotonic() - started > settings.checkpoint_minutes * 60:
                checkpoint_now()
                losses.clear()
                started = time.monotonic()
    upcoming.close()
    if losses:
        checkpoint_now()
    board.close()
    if step == settings.total_steps:
        save_encoder(model.encoder(), tokenizer, folder / "encoder")
        counts = json.loads((folder / TOKEN_COUNTS).read_text(encoding="utf-8"))["files"]
        write_encoder_card(folder / "encoder", folder.resolve().name, settings, counts, log)
    return log


def timed(
    settings: PretrainingSettings, minutes: float, step: int, begun: float, measured: float
) -> PretrainingSettings:
    """Return the settings with the `total_tokens` that fit into the time, at the speed since `measured`.

    Args:
        settings: The settings.
        minutes: Of the whole run, from `begun` on.
        step: The steps that were taken, those since `measured` at full speed.
        begun: When the run began, in seconds of `time.monotonic`.
        measured: When step `MEASURED_STEPS[0]` was done.
    """
    now = time.monotonic()
    speed = (step - MEASURED_STEPS[0]) / (now - measured)
    steps = step + max(1, int(speed * (minutes * 60 - (now - begun))))
    logger.info("%.0f tokens/s: %d steps in all", speed * settings.batch_tokens, steps)
    return replace(settings, total_tokens=steps * settings.batch_tokens)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.pretrain", description=__doc__.split("\n")[0])
    parser.add_argument("--config", required=True, help="YAML file of PretrainingSettings")
    parser.add_argument("--text", nargs="+", help="files or folders; overrides the config's")
    parser.add_argument("--output", help="overrides the config's")
    parser.add_argument("--total-tokens", type=int, help="overrides the config's; also prolongs or ends a run early")
    parser.add_argument("--minutes", type=float, help="as many tokens as fit into this time, in place of total_tokens")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = load_settings(
        PretrainingSettings, args.config, {"text": args.text, "output": args.output, "total_tokens": args.total_tokens}
    )
    logger.info("%s", asdict(settings))
    logger.info("%.3g floating-point operations a token", settings.flops_per_token)
    pretrain(settings, minutes=args.minutes)


if __name__ == "__main__":
    main()
