"""The settings of a pretraining run."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator
from typing_extensions import Self

from certainty.settings_file import Settings


class PretrainingSettings(Settings):
    """All settings of a pretraining run.

    Attributes:
        text: .txt and .txt.xz files, or folders of them, with one paragraph per line.
        initial: Folder of an encoder to start from, with its shape and tokenizer. null starts with random weights.
        keep_layers: Indices of the layers of `initial` to keep. null keeps all.
        teacher: Folder of a deeper encoder with the same tokenizer, whose hidden states are learned instead of masked
            words; see `training.pretraining.hidden_distillation`. null learns masked words.
        deduplicate: Whether to drop exact and near duplicates of paragraphs.
        repeats: Number of passes over a file per epoch, by file name. The default is 1.
        output: Folder of the run and of the resulting encoder.
        vocab_size, hidden_size, num_hidden_layers, num_attention_heads: Shape of the encoder.
        curriculum: Phases, each a list of the share of the run at which it ends and one or more row lengths. Steps
            alternate between the row lengths; the longest is the encoder's maximum.
        batch_tokens: Number of tokens per step.
        total_tokens: Number of tokens of the whole run.
        head_only: Whether to train only the language-model head, and keep encoder and embeddings unchanged.
        mask_rate: Share of the tokens to predict.
        learning_rate, weight_decay, warmup_steps: Settings of AdamW. The learning rate is constant after the warm-up.
        decay_fraction: Share of the run at its end in which the learning rate decreases linearly to 0.
        checkpoint_minutes: Time between two checkpoints, in minutes.
        threads: Number of CPU threads. null leaves the choice to torch.
        seed: Seed for the weights, the order of rows and the masks.
    """

    text: Annotated[list[str], Field(min_length=1)]
    initial: str | None = None
    keep_layers: list[int] | None = None
    teacher: str | None = None
    deduplicate: bool = True
    repeats: dict[str, int] = Field(default_factory=dict)
    output: str = "pretraining"
    vocab_size: Annotated[int, Field(gt=0, le=2**16)] = 16_000  # limit of the 16-bit token arrays
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
            raise ValueError("head_only cannot be used with a teacher; leave one of them out")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads {self.num_attention_heads}"
            )
        return self

    @property
    def total_steps(self) -> int:
        """Number of optimizer steps of the whole run."""
        return math.ceil(self.total_tokens / self.batch_tokens)

    def row_length(self, step: int) -> int:
        """Return the row length at a step."""
        lengths = next(lengths for share, *lengths in self.curriculum if step < share * self.total_steps)
        return int(lengths[step % len(lengths)])

    @property
    def row_lengths(self) -> list[int]:
        """All row lengths of the run, ascending."""
        return sorted({int(n) for _, *lengths in self.curriculum for n in lengths})

    @property
    def flops_per_token(self) -> float:
        """Floating-point operations per token of a training step, for the matrix products of both passes.

        There are six per weight (https://arxiv.org/abs/2001.08361); those of the vocabulary only count for masked
        tokens. The cost of a teacher is not included.
        """
        size, length = self.hidden_size, self.row_lengths[-1]
        layer = 6 * 12 * size**2 + 12 * size * length
        head = self.mask_rate * 6 * (size * self.vocab_size + size**2)
        return self.num_hidden_layers * layer + (0 if self.teacher else head)

    def learning_rate_factor(self, step: int) -> float:
        """Return the factor of the learning rate at a step: warm-up, constant, linear decay.

        A run with this schedule (https://arxiv.org/abs/2404.06395) is easy to extend before the decay.
        """
        left = (self.total_steps - step) / (self.decay_fraction * self.total_steps)
        return min(1.0, (step + 1) / self.warmup_steps, left)
