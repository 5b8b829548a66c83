"""The settings of each stage: frozen, checked when made, read from YAML, saved with what the stage makes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml

from certainty import CertaintyError

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class PretrainingSettings:
    """All settings of a pretraining run.

    Attributes:
        text: Files or folders of .txt and .txt.xz, a paragraph a line.
        initial: Encoder folder to go on from, with its shape and tokenizer; null starts anew.
        keep_layers: Of `initial`, the indices of the layers to keep (null: all).
        teacher: Of "distil": folder of the deeper encoder, with the same tokenizer.
        deduplicate: Leave out paragraphs met before, to the letter or nearly.
        repeats: Passes over a file in one epoch, by file name (1 where it is not named).
        output: Folder of the run; the encoder ends there.
        vocab_size, hidden_size, num_hidden_layers, num_attention_heads: The encoder's shape.
        curriculum: Phases (share of the run at which it ends, row length, …); several row lengths take turns, a step
            each, and the longest is the encoder's maximum.
        batch_tokens: Tokens a step.
        total_tokens: Tokens of the whole run.
        objective: "mlm" (masked language model), "rtd" (`training.replaced_token_detection`) or "distil"
            (`training.hidden_distillation`).
        head_only: Of "mlm": train the language-model head and leave encoder and embeddings as they are.
        mask_rate: Share of the tokens to predict.
        generator_layers, generator_width: Of "rtd": the generator's shares of the encoder's layers and heads.
        detection_weight, correction_weight: Of "rtd": weights of the discriminator's loss and of predicting the
            original tokens, beside the generator's, which is 1; correction_weight 0 leaves that out.
        masks_kept: Of "rtd": share of the masks that the generator does not fill.
        learning_rate, weight_decay, warmup_steps: AdamW; constant after the warm-up until
        decay_fraction: the last share of the run, in which the learning rate falls linearly to 0.
        checkpoint_minutes: Time between two checkpoints.
        threads: CPU threads (null: torch's choice).
        seed: Of the weights, the order of rows, the masks and the generator's samples.
    """

    text: list[str] = field(default_factory=list)
    initial: str | None = None
    keep_layers: list[int] | None = None
    teacher: str | None = None
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
    objective: str = "mlm"
    head_only: bool = False
    mask_rate: float = 0.2
    generator_layers: float = 0.33
    generator_width: float = 1.0
    detection_weight: float = 50.0
    correction_weight: float = 1.0
    masks_kept: float = 0.2
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
        if self.objective not in ("mlm", "rtd", "distil"):
            raise CertaintyError(f"objective is {self.objective!r}. Allowed: 'mlm', 'rtd', 'distil'.")
        if self.head_only and self.objective != "mlm":
            raise CertaintyError(f"head_only goes with the objective 'mlm' only, not {self.objective!r}.")
        if (self.objective == "distil") != bool(self.teacher):
            raise CertaintyError(
                f"objective is {self.objective!r} and teacher {self.teacher!r}; 'distil' needs a teacher, others none."
            )
        for name in ("generator_layers", "generator_width"):
            if not 0 < getattr(self, name) <= 1:
                raise CertaintyError(f"{name} is {getattr(self, name)}; it must lie in (0, 1].")
        if not 0 <= self.masks_kept < 1:
            raise CertaintyError(f"masks_kept is {self.masks_kept}; it must lie in [0, 1).")
        for name in ("detection_weight", "correction_weight"):
            if getattr(self, name) < 0:
                raise CertaintyError(f"{name} is {getattr(self, name)}; it must not be below 0.")
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

        Six a weight (https://arxiv.org/abs/2001.08361), where the vocabulary counts for the masked tokens only; what a
        teacher costs is left out.
        """
        size, length = self.hidden_size, self.row_lengths[-1]
        layer = 6 * 12 * size**2 + 12 * size * length
        head = self.mask_rate * 6 * (size * self.vocab_size + size**2)
        if self.objective != "rtd":
            return self.num_hidden_layers * layer + (head if self.objective == "mlm" else 0)
        generator = max(1, round(self.generator_layers * self.num_hidden_layers)) * self.generator_width**2
        return (self.num_hidden_layers + generator) * layer + (2 if self.correction_weight else 1) * head

    def learning_rate_factor(self, step: int) -> float:
        """Warm-up, constant, linear decay (https://arxiv.org/abs/2404.06395): easy to prolong before the decay."""
        left = (self.total_steps - step) / (self.decay_fraction * self.total_steps)
        return min(1.0, (step + 1) / self.warmup_steps, left)


@dataclass(frozen=True)
class FinetuningSettings:
    """All settings of a fine-tuning run.

    Attributes:
        encoder: Folder or hub id of the pretrained encoder.
        initial: Folder of a fine-tuned model to go on from, heads and all, in place of the encoder (null: none).
        epochs: Longest training; early stopping may end it before.
        patience: Evaluations without a better likelihood of dev before it stops.
        evaluations_per_epoch: How often dev is evaluated and a checkpoint is kept.
        batch_size: Sentences a step on each device; gradient_accumulation steps make one update.
        learning_rate, warmup_fraction, weight_decay: AdamW with linear warm-up and decay.
        layer_decay: Factor of the learning rate from each layer to the one below it.
        dropout: Of the encoder and the label head.
        pooling_layer: Add a top layer that starts as mean pooling (see `training.pooling_layer`).
        class_weights: "none", or "balanced": inverse to a label's frequency in train.
        second_weight: Share of the label target that goes to the label of a second claim.
        label_smoothing: Share of the label target spread over all labels.
        cue_weight, claim_weight, attributed_weight: Of the other heads' losses.
        attention_weight: Of the loss that asks the top layer of `<s>` to look at the cue words; 0 leaves it out.
        r_drop: Weight of the divergence between two passes with different dropout (R-Drop, arXiv:2106.14448); the loss
            is the mean over both passes. This and the following are off at 0; see `training.regularisation`.
        adversarial: Length of the step that moves the word embeddings along their gradient for a second backward
            pass (the fast gradient method of Miyato et al. 2016, arXiv:1605.07725).
        weight_average: Decay of the moving average of the weights that is judged on dev and kept (Polyak and Juditsky
            1992; Tarvainen and Valpola 2017, arXiv:1703.01780), below 1: 0.99 averages over about 100 steps.
        contrast_weight: Weight of -log(1 - p·q) over sentences of one group with different labels, whose label
            distributions p and q should not agree (unlikelihood, arXiv:1908.04319, on the contrast sets of
            arXiv:2004.02709); the rows of a group then come in one batch.
        cue_masking: Probability of a training sentence with cues, not asserted, to get a copy in which they are masked
            and the label target is the mean of train: no cue, no evidence (after arXiv:1909.12434).
        word_masking: Share of the other tokens of a training batch that are masked (word dropout, arXiv:1511.06349).
        pseudo_labels: File of sentences labelled by teachers (see `training.pseudo_labels`), trained on beside train.
        labelled_repeats: Passes over the labelled sentences in one epoch, beside one over the pseudo-labelled.
        max_length: Longest input in tokens; null takes the encoder's.
        bf16: Train in bfloat16 (null: where that is faster, see `training.precision`).
        seed: Of new weights, dropout and the order.
    """

    encoder: str = "models/encoder-fr-small"
    initial: str | None = None
    epochs: float = 4.0
    patience: int = 4
    evaluations_per_epoch: int = 2
    batch_size: int = 32
    gradient_accumulation: int = 1
    learning_rate: float = 3e-4
    warmup_fraction: float = 0.1
    weight_decay: float = 0.01
    layer_decay: float = 0.9
    dropout: float = 0.1
    pooling_layer: bool = False
    class_weights: str = "none"
    second_weight: float = 0.15
    label_smoothing: float = 0.0
    cue_weight: float = 1.0
    claim_weight: float = 0.3
    attributed_weight: float = 0.3
    attention_weight: float = 0.0
    r_drop: float = 0.0
    adversarial: float = 0.0
    weight_average: float = 0.0
    contrast_weight: float = 0.0
    cue_masking: float = 0.0
    word_masking: float = 0.0
    pseudo_labels: str | None = None
    labelled_repeats: int = 1
    max_length: int | None = None
    bf16: bool | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        if self.class_weights not in ("none", "balanced"):
            raise CertaintyError(f"class_weights is {self.class_weights!r}. Allowed: 'none', 'balanced'.")
        for name in ("epochs", "batch_size", "gradient_accumulation", "learning_rate", "evaluations_per_epoch"):
            if not getattr(self, name) > 0:
                raise CertaintyError(f"{name} is {getattr(self, name)}; it must be above 0.")
        if self.labelled_repeats < 1:
            raise CertaintyError(f"labelled_repeats is {self.labelled_repeats}; it must be 1 or more.")
        for name in (
            "second_weight",
            "label_smoothing",
            "dropout",
            "warmup_fraction",
            "weight_average",
            "word_masking",
        ):
            if not 0 <= getattr(self, name) < 1:
                raise CertaintyError(f"{name} is {getattr(self, name)}; it must lie in [0, 1).")
        for name in ("r_drop", "adversarial", "contrast_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise CertaintyError(f"{name} is {getattr(self, name)}; it must be 0 or above.")
        if not 0 <= self.cue_masking <= 1:
            raise CertaintyError(f"cue_masking is {self.cue_masking}; it must lie in [0, 1].")
        if self.r_drop and not self.dropout:
            raise CertaintyError(f"r_drop is {self.r_drop} and dropout 0: two passes are alike; set a dropout above 0.")


def load_settings(
    cls: type[Settings], path: str | Path | None = None, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Build the dataclass `cls` from a YAML file and from `overrides` (the values that are not None).

    Raises:
        CertaintyError: the file cannot be read, or it names a setting that `cls` does not have.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            loaded = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise CertaintyError(f"{path}: cannot read the settings: {error}") from error
        if loaded is not None and not isinstance(loaded, dict):
            raise CertaintyError(f"{path}: expected `name: value` lines, found {type(loaded).__name__}.")
        values.update(loaded or {})
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for name in values:
        if name not in names:
            raise CertaintyError(f"{path}: {unknown_setting(str(name), names)}")
    values.update({name: value for name, value in (overrides or {}).items() if value is not None})
    try:
        return cls(**values)
    except TypeError as error:
        raise CertaintyError(f"{path or 'settings'}: {error}.") from error


def unknown_setting(name: str, names: Sequence[str]) -> str:
    """Return what to say of a setting that there is not, with the one that may be meant."""
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"unknown setting {name!r}.{hint} Allowed: {', '.join(names)}."


def save_settings(settings: Any, path: str | Path) -> None:
    """Write a settings object as YAML that `load_settings` reads back."""
    Path(path).write_text(
        yaml.safe_dump(dataclasses.asdict(settings), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
