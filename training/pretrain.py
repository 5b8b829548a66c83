"""Pretrain an encoder from raw text: `python -m training.pretrain --config training/configs/pretrain.yaml`.

Tokenizer → token arrays → static embeddings → masked language model. Each stage is kept in the output folder and
taken up there by the next run; the training itself resumes exactly from its last checkpoint, since the rows and
masks of a step follow from the seed and the step alone.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from tqdm.auto import tqdm
from transformers import CamembertConfig, CamembertForMaskedLM, PreTrainedTokenizerFast

from certainty import CertaintyError
from training.masking import WholeWordMasker
from training.packing import TokenRows, encode_files
from training.settings import load_settings, save_settings
from training.static_embeddings import static_embeddings
from training.text import read_paragraphs, text_files
from training.tokenizer import SPECIAL_TOKENS, sample_paragraphs, train_tokenizer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PretrainingSettings:
    """All settings of a pretraining run.

    Attributes:
        text: Files or folders of .txt and .txt.xz, a paragraph a line.
        repeats: Passes over a file in one epoch, by file name (1 where it is not named).
        output: Folder of the run; the encoder ends there.
        vocab_size, hidden_size, num_hidden_layers, num_attention_heads: The encoder's shape.
        curriculum: (share of the run, row length) pairs; the last row length is the encoder's maximum.
        batch_tokens: Tokens a step.
        total_tokens: Tokens of the whole run.
        mask_rate: Share of the tokens to predict.
        learning_rate, weight_decay, warmup_steps: AdamW; constant after the warm-up until
        decay_fraction: the last share of the run, in which the learning rate falls linearly to 0.
        checkpoint_minutes: Time between two checkpoints.
        threads: CPU threads (null: torch's choice).
        seed: Of the weights, the order of rows and the masks.
    """

    text: list[str] = field(default_factory=list)
    repeats: dict[str, int] = field(default_factory=dict)
    output: str = "pretraining"
    vocab_size: int = 16_000
    tokenizer_words: int = 8_000_000
    hidden_size: int = 256
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    curriculum: list[list[float]] = field(default_factory=lambda: [[0.85, 64], [1.0, 128]])
    batch_tokens: int = 8192
    total_tokens: int = 60_000_000
    mask_rate: float = 0.2
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 300
    decay_fraction: float = 0.25
    checkpoint_minutes: float = 5.0
    compile: bool = True
    threads: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.text:
            raise CertaintyError("text: name at least one .txt or .txt.xz file or folder.")
        if self.hidden_size % self.num_attention_heads:
            raise CertaintyError(
                f"hidden_size {self.hidden_size} is no multiple of num_attention_heads {self.num_attention_heads}."
            )
        if not 0 < self.mask_rate < 1:
            raise CertaintyError(f"mask_rate is {self.mask_rate}; it must lie between 0 and 1.")
        if self.vocab_size > 2**16:
            raise CertaintyError(f"vocab_size is {self.vocab_size}; token arrays hold at most 65536.")

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return math.ceil(self.total_tokens / self.batch_tokens)

    def row_length(self, step: int) -> int:
        """Row length at a step."""
        return next(int(n) for share, n in self.curriculum if step < share * self.total_steps)

    def learning_rate_factor(self, step: int) -> float:
        """Warm-up, constant, linear decay (https://arxiv.org/abs/2404.06395): a run can be prolonged before the decay."""
        left = (self.total_steps - step) / (self.decay_fraction * self.total_steps)
        return min(1.0, (step + 1) / self.warmup_steps, left)


class MaskedLanguageModel(nn.Module):
    """A CamemBERT masked language model that computes the vocabulary logits of the masked positions only."""

    def __init__(self, config: CamembertConfig) -> None:
        super().__init__()
        self.model = CamembertForMaskedLM(config)

    def forward(self, ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy at `positions` (n,) of the flattened `ids` (rows, length)."""
        hidden = self.model.roberta(input_ids=ids).last_hidden_state
        logits = self.model.lm_head(hidden.flatten(0, 1)[positions])
        return nn.functional.cross_entropy(logits.float(), labels)


def build_tokenizer(settings: PretrainingSettings, files: list[Path], folder: Path) -> Tokenizer:
    """Load `tokenizer.json` from the run's folder, or train it on a sample of every file and save it there."""
    path = folder / "tokenizer.json"
    if not path.exists():
        share = settings.tokenizer_words // len(files)
        sample = (p for file in files for p in sample_paragraphs(read_paragraphs(file), share, settings.seed))
        train_tokenizer(sample, settings.vocab_size).save(str(path))
    return Tokenizer.from_file(str(path))


def new_model(settings: PretrainingSettings) -> MaskedLanguageModel:
    """Build the model with random weights."""
    torch.manual_seed(settings.seed)
    config = CamembertConfig(
        vocab_size=settings.vocab_size,
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.num_hidden_layers,
        num_attention_heads=settings.num_attention_heads,
        intermediate_size=4 * settings.hidden_size,
        # CamemBERT counts positions from pad_token_id + 1.
        max_position_embeddings=int(settings.curriculum[-1][1]) + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        # Compiled, it is faster on CPUs than scaled_dot_product_attention, whose backward pass is slow there.
        attn_implementation="eager",
    )
    return MaskedLanguageModel(config)


@torch.no_grad()
def warm_start(model: MaskedLanguageModel, embeddings: np.ndarray, frequencies: np.ndarray) -> None:
    """Start from a continuous bag of words, so that training does not idle at the unigram loss.

    The word embeddings are static ones; the output bias is the log frequency; the first layer adds the mean of its
    neighbours (identity values) and the output layer passes on what it gets (identity); the positions are sinusoids
    (https://arxiv.org/abs/1706.03762), in which "the next word" is one rotation at every place. All of it is then
    trained. At 0.9 million tokens the loss was 5.84 instead of 6.64.

    Args:
        model: The model, changed in place.
        embeddings: Shape (vocab_size, hidden_size), standard deviation 1.
        frequencies: Shape (vocab_size,), positive, with the sum 1.
    """
    encoder, scale = model.model.roberta, model.model.config.initializer_range
    size = model.model.config.hidden_size
    encoder.embeddings.word_embeddings.weight.copy_(torch.from_numpy(embeddings) * scale)
    model.model.lm_head.bias.copy_(torch.from_numpy(np.log(frequencies)))
    model.model.lm_head.dense.weight.copy_(torch.eye(size))
    attention = encoder.encoder.layer[0].attention
    attention.self.value.weight.copy_(torch.eye(size))
    attention.output.dense.weight.copy_(torch.eye(size))
    positions = encoder.embeddings.position_embeddings.weight
    angles = torch.arange(len(positions))[:, None] * torch.exp(-math.log(1000) * torch.arange(0, size, 2) / size)
    sinusoids = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    positions.copy_(2 * math.sqrt(2) * scale * sinusoids)


def save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, log: list[dict[str, Any]]) -> None:
    """Write weights and optimizer moments to one safetensors file, atomically; the log stands in its metadata."""
    names = dict(model.named_parameters())
    tensors = {f"model.{name}": p.detach().contiguous() for name, p in names.items()}
    for name, p in names.items():
        for key, value in optimizer.state[p].items():
            tensors[f"optimizer.{key}.{name}"] = value
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary, metadata={"log": json.dumps(log)})
    os.replace(temporary, path)


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """Restore what `save_checkpoint` wrote and return the log."""
    with safe_open(path, "pt") as file:
        for name, p in model.named_parameters():
            with torch.no_grad():
                p.copy_(file.get_tensor(f"model.{name}"))
            optimizer.state[p] = {
                key: file.get_tensor(f"optimizer.{key}.{name}").to(p.device if key != "step" else "cpu")
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
        log: list[dict[str, Any]] = json.loads(file.metadata()["log"])
    return log


class Batches:
    """The masked rows of each step: a function of the settings and the step alone."""

    def __init__(self, settings: PretrainingSettings, sources: list[np.ndarray], repeats: list[int], tok: Tokenizer):
        self.settings = settings
        self.masker = WholeWordMasker.for_tokenizer(tok, settings.mask_rate)
        held_out = [max(2048, min(50_000, len(s) // 100)) for s in sources]
        lengths = {int(n) for _, n in settings.curriculum}
        training = [s[: len(s) - n] for s, n in zip(sources, held_out, strict=True)]
        self.rows = {n: TokenRows.cut(training, repeats, n) for n in lengths}
        validation = [s[len(s) - n :] for s, n in zip(sources, held_out, strict=True)]
        self.validation = TokenRows.cut(validation, [1] * len(sources), min(lengths))
        self._order: tuple[tuple[int, int], np.ndarray] | None = None

    def __call__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the masked ids, positions and labels of a training step."""
        length = self.settings.row_length(step)
        rows, size = self.rows[length], self.settings.batch_tokens // length
        first = step * size
        chosen = np.arange(first, first + size)
        ids = rows[np.concatenate([self._epoch(length, e)[chosen[chosen // len(rows) == e] % len(rows)]
                                   for e in np.unique(chosen // len(rows))])]
        return self._mask(ids, np.random.default_rng([self.settings.seed, step]))

    def held_out(self, size: int = 128) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return the held-out rows, masked the same way each time, in full batches."""
        rng = np.random.default_rng(0)
        order = rng.permutation(len(self.validation))
        size = min(size, len(order))
        return [self._mask(self.validation[order[i : i + size]], rng) for i in range(0, min(len(order) - size, 2048) + 1, size)]

    def _epoch(self, length: int, epoch: int) -> np.ndarray:
        if self._order is None or self._order[0] != (length, epoch):
            rng = np.random.default_rng([self.settings.seed, length, epoch])
            self._order = (length, epoch), rng.permutation(len(self.rows[length]))
        return self._order[1]

    def _mask(self, ids: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        masked, positions, labels = self.masker(ids, rng)
        return torch.from_numpy(masked), torch.from_numpy(positions), torch.from_numpy(labels)


def save_encoder(model: MaskedLanguageModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the encoder with its language-model head in Hugging Face layout (16-bit floats) with its tokenizer."""
    model.model.half().save_pretrained(folder)
    names = dict(zip(("bos", "pad", "eos", "unk", "mask"), SPECIAL_TOKENS, strict=True))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=model.model.config.max_position_embeddings - 2,
        cls_token="<s>",
        sep_token="</s>",
        **{f"{name}_token": token for name, token in names.items()},
    ).save_pretrained(folder)


def pretrain(settings: PretrainingSettings, stop_after: int | None = None) -> list[dict[str, Any]]:
    """Run, or resume, the whole pretraining and return its log.

    Args:
        settings: The settings.
        stop_after: Stop with a checkpoint after this step, as a kill would.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folder = Path(settings.output)
    folder.mkdir(parents=True, exist_ok=True)
    save_settings(settings, folder / "settings.yaml")
    files = text_files(settings.text)
    tokenizer = build_tokenizer(settings, files, folder)
    sources = encode_files(files, tokenizer, folder / "tokens")
    checkpoint = folder / "checkpoint.safetensors"
    model = new_model(settings)
    if not checkpoint.exists():
        counts = sum(np.bincount(source, minlength=settings.vocab_size) for source in sources) + 1.0
        embeddings = static_embeddings(sources, settings.vocab_size, settings.hidden_size)
        warm_start(model, embeddings, counts / counts.sum())
        logger.info("static embeddings ready")
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
    loss_of: Callable[..., Tensor] = torch.compile(model, dynamic=False) if settings.compile else model
    bf16 = device.type == "cuda" or torch.backends.mkldnn.is_available() and _cpu_has_bf16()
    autocast = (lambda: torch.autocast(device.type, torch.bfloat16)) if bf16 else nullcontext

    def checkpoint_now() -> None:
        with torch.no_grad(), autocast():
            loss = float(np.mean([model(*(t.to(device) for t in b)).item() for b in batches.held_out()]))
        log.append(
            {
                "step": step,
                "tokens": step * settings.batch_tokens,
                "loss": round(float(np.mean(losses)), 4) if losses else None,
                "held_out_loss": round(loss, 4),
                "held_out_perplexity": round(math.exp(loss), 2),
                "tokens_per_second": round(len(losses) * settings.batch_tokens / (time.monotonic() - started)),
            }
        )
        save_checkpoint(checkpoint, model, optimizer, log)
        (folder / "log.json").write_text(json.dumps(log, indent=1))
        logger.info("%s", log[-1])

    losses: list[float] = []
    started = time.monotonic()
    with tqdm(total=settings.total_steps, initial=step, disable=None, unit="step") as bar:
        while step < settings.total_steps and step != stop_after:
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * settings.learning_rate_factor(step)
            with autocast():
                loss = loss_of(*(t.to(device) for t in batches(step)))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
            step += 1
            bar.update()
            if time.monotonic() - started > settings.checkpoint_minutes * 60:
                checkpoint_now()
                losses, started = [], time.monotonic()
    if losses:
        checkpoint_now()
    if step == settings.total_steps:
        save_encoder(model, tokenizer, folder / "encoder")
    return log


def _cpu_has_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.pretrain", description=__doc__.split("\n")[0])
    parser.add_argument("--config", required=True, help="YAML file of PretrainingSettings")
    parser.add_argument("--output", help="overrides the config's")
    parser.add_argument("--total-tokens", type=int, help="overrides the config's; also prolongs or ends a run early")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = load_settings(
        PretrainingSettings, args.config, {"output": args.output, "total_tokens": args.total_tokens}
    )
    logger.info("%s", asdict(settings))
    pretrain(settings)


if __name__ == "__main__":
    main()
