"""The settings of a pretraining: frozen, checked when made, read from YAML, saved with the encoder."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator
from typing_extensions import Self

from certainty.settings_file import Settings


class PretrainingSettings(Settings):
    """All settings of a pretraining run.

    Attributes:
        text: Files or folders of .txt and .txt.xz, a paragraph a line.
        initial: Encoder folder to go on from, with its shape and tokenizer; null starts anew.
        keep_layers: Indices of the layers of `initial` to keep (null: all).
        teacher: Folder of a deeper encoder with the same tokenizer, whose hidden states are learnt in place of masked
            words (null: none); see `training.pretraining.hidden_distillation`.
        deduplicate: Leave out paragraphs met before, to the letter or nearly.
        repeats: Passes over a file in one epoch, by file name (1 where it is not named).
        output: Folder of the run; the encoder ends there.
        vocab_size, hidden_size, num_hidden_layers, num_attention_heads: The encoder's shape.
        curriculum: Phases (share of the run at which it ends, row length, …); several row lengths take turns, a step
            each, and the longest is the encoder's maximum.
        batch_tokens: Tokens a step.
        total_tokens: Tokens of the whole run.
        head_only: Train the language-model head and leave encoder and embeddings as they are.
        mask_rate: Share of the tokens to predict.
        learning_rate, weight_decay, warmup_steps: AdamW; constant after the warm-up until
        decay_fraction: the last share of the run, in which the learning rate falls linearly to 0.
        checkpoint_minutes: Time between two checkpoints.
        threads: CPU threads (null: torch's choice).
        seed: Seed of the weights, the order of rows and the masks.
    """

    text: Annotated[list[str], Field(min_length=1)]
    initial: str | None = None
    keep_layers: list[int] | None = None
    teacher: str | None = None
    deduplicate: bool = True
    repeats: dict[str, int] = Field(default_factory=dict)
    output: str = "pretraining"
    vocab_size: Annotated[int, Field(gt=0, le=2**16)] = 16_000  # token arrays hold no more
    tokenizer_words: PositiveInt = 8_000_000
    hidden_size: PositiveInt = 256
    num_hidden_layers: PositiveInt = 6
    num_attention_heads: PositiveInt = 4
    curriculum: list[list[float]] = Field(default_factory=lambda: [[0.85, 64], [1.0, 128]])
    batch_tokens: PositiveInt = 8192
    total_tokens: PositiveInt = 60_000_000
    head_only: bool = False
    mask_rate: Annotated[float, Field(gt=0, lt=1)] = 0.2
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 0.01
    warmup_steps: PositiveInt = 300
    decay_fraction: Annotated[float, Field(gt=0, le=1)] = 0.25
    checkpoint_minutes: NonNegativeFloat = 5.0
    compile: bool = True
    threads: PositiveInt | None = None
    seed: NonNegativeInt = 1

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.head_only and self.teacher:
            raise ValueError("head_only goes with masked words, not with a teacher; leave one of them out")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is no multiple of num_attention_heads {self.num_attention_heads}"
            )
        return self

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

        Six a weight (https://arxiv.org/abs/2001.08361), where the vocabulary counts for the masked tokens only; what a
        teacher costs is left out.
        """
        size, length = self.hidden_size, self.row_lengths[-1]
        layer = 6 * 12 * size**2 + 12 * size * length
        head = self.mask_rate * 6 * (size * self.vocab_size + size**2)
        return self.num_hidden_layers * layer + (0 if self.teacher else head)

    def learning_rate_factor(self, step: int) -> float:
        """Warm-up, constant, linear decay (https://arxiv.org/abs/2404.06395): easy to prolong before the decay."""
        left = (self.total_steps - step) / (self.decay_fraction * self.total_steps)
        return min(1.0, (step + 1) / self.warmup_steps, left)
