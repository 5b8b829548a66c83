"""The settings of a fine-tuning: frozen, checked when made, read from YAML, saved with the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml

from certainty import CertaintyError
from certainty.writing import write_whole

Settings = TypeVar("Settings")


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
        pooling_layer: Add a top layer that starts as mean pooling (see `certainty.finetuning.pooling_layer`).
        class_weights: "none", or "balanced": inverse to a label's frequency in train.
        second_weight: Share of the label target that goes to the label of a second claim.
        label_smoothing: Share of the label target spread over all labels.
        cue_weight, claim_weight, attributed_weight: Of the other heads' losses.
        attention_weight: Of the loss that asks the top layer of `<s>` to look at the cue words; 0 leaves it out.
        pseudo_labels: File of sentences labelled by teachers (`certainty.finetuning.pseudo_labels`), read beside train.
        labelled_repeats: Passes over the labelled sentences in one epoch, beside one over the pseudo-labelled.
        max_length: Longest input in tokens; null takes the encoder's.
        bf16: Train in bfloat16 (null: where that is faster, see `certainty.finetuning.precision`).
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
        for name in ("second_weight", "label_smoothing", "dropout", "warmup_fraction"):
            if not 0 <= getattr(self, name) < 1:
                raise CertaintyError(f"{name} is {getattr(self, name)}; it must lie in [0, 1).")


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
    write_whole(path, yaml.safe_dump(dataclasses.asdict(settings), sort_keys=False, allow_unicode=True))
