"""The settings of a pretraining: frozen, checked when made, read from YAML, saved with the encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from certainty import CertaintyError


@dataclass(frozen=True)
class PretrainingSettings:
    """All settings of a pretraining run.

    Attributes:
        text: Files or folders of .txt and .txt.xz, a paragraph a line.
        initial: Encoder folder to go on from, with its shape and tokenizer; null starts anew.
        keep_layers: Of `initial`, the indices of the layers to keep (null: all).
        deduplicate: Leave out paragraphs met before, to the letter or nearly.
        repeats: Passes over a file in one epoch, by file name (1 where it is not named).
        output: Folder of the run; the encoder ends there.
        vocab_size, hidden_size, num_hidden_layers, num_attention_heads: The encoder's shape.
        curriculum: Phases (share of the run at which it ends, row length, …); several row lengths take turns, a step
            each, and the longest is the encoder's maximum.
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
    initial: str | None = None
    keep_layers: list[int] | None = None
    deduplicate: bool = True
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
        lengths = next(lengths for share, *lengths in self.curriculum if step < share * self.total_steps)
        return int(lengths[step % len(lengths)])

    @property
    def row_lengths(self) -> list[int]:
        """Every row length of the run, ascending."""
        return sorted({int(n) for _, *lengths in self.curriculum for n in lengths})

    @property
    def flops_per_token(self) -> float:
        """Floating-point operations of a training step for each token, matrix products alone, backward pass included.

        Six a weight (https://arxiv.org/abs/2001.08361), where the vocabulary counts for the masked tokens only.
        """
        size, length = self.hidden_size, self.row_lengths[-1]
        layer = 6 * 12 * size**2 + 12 * size * length
        head = self.mask_rate * 6 * (size * self.vocab_size + size**2)
        return self.num_hidden_layers * layer + head

    def learning_rate_factor(self, step: int) -> float:
        """Warm-up, constant, linear decay (https://arxiv.org/abs/2404.06395): easy to prolong before the decay."""
        left = (self.total_steps - step) / (self.decay_fraction * self.total_steps)
        return min(1.0, (step + 1) / self.warmup_steps, left)
