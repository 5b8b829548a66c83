"""The settings of a fine-tuning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator
from typing_extensions import Self

from certainty.settings_file import Settings

Share = Annotated[float, Field(ge=0, lt=1)]


class FinetuningSettings(Settings):
    """All settings of a fine-tuning run; see `certainty.settings_file` for YAML.

    Attributes:
        encoder: Folder or `owner/name` on the hub of a pretrained encoder, on which to start anew.
        initial: Folder or `owner/name` of a fine-tuned model to go on from, heads and all. With neither (null), the run
            goes on from the model that is shipped.
        epochs: Longest training; early stopping may end it before.
        patience: Evaluations without a better likelihood of dev before it stops.
        evaluations_per_epoch: How often dev is evaluated and a checkpoint is kept.
        batch_size: Sentences a step on each device; gradient_accumulation steps make one update.
        learning_rate, warmup_fraction, weight_decay: AdamW with linear warm-up and decay.
        layer_decay: Factor of the learning rate from each layer to the one below it.
        dropout: Dropout rate of the encoder and the label head.
        pooling_layer: Add to an encoder a layer that starts as mean pooling (see `certainty.finetuning.pooling_layer`).
        class_weights: "none", or "balanced": inverse to a label's frequency in train.
        second_weight: Share of the label target that goes to the label of a second claim.
        label_smoothing: Share of the label target spread over all labels.
        cue_weight, claim_weight, attributed_weight: Weights of the other heads' losses.
        attention_weight: Weight of the loss that asks the top layer of `<s>` to look at the cue words; 0 leaves it out.
        pseudo_labels: File of sentences labelled by teachers (`certainty.finetuning.pseudo_labels`), read beside train.
        labelled_repeats: Passes over the labelled sentences in one epoch, beside one over the pseudo-labelled.
        max_length: Longest input in tokens; null takes the encoder's.
        bf16: Train in bfloat16 (null: where that is faster, see `certainty.finetuning.precision`).
        device: "cpu", "cuda", or "auto": a GPU where there is one.
        seed: Seed of new weights, dropout and the order.
    """

    encoder: str | None = None
    initial: str | None = None
    epochs: PositiveFloat = 4.0
    patience: PositiveInt = 4
    evaluations_per_epoch: PositiveInt = 2
    batch_size: PositiveInt = 32
    gradient_accumulation: PositiveInt = 1
    learning_rate: PositiveFloat = 3e-4
    warmup_fraction: Share = 0.1
    weight_decay: NonNegativeFloat = 0.01
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    dropout: Share = 0.1
    pooling_layer: bool = False
    class_weights: Literal["none", "balanced"] = "none"
    second_weight: Share = 0.15
    label_smoothing: Share = 0.0
    cue_weight: NonNegativeFloat = 1.0
    claim_weight: NonNegativeFloat = 0.3
    attributed_weight: NonNegativeFloat = 0.3
    attention_weight: NonNegativeFloat = 0.0
    pseudo_labels: str | None = None
    labelled_repeats: PositiveInt = 1
    max_length: Annotated[int, Field(ge=8)] | None = None
    bf16: bool | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if self.encoder and self.initial:
            raise ValueError("encoder starts anew and initial goes on from a model; give one of them")
        if self.pooling_layer and not self.encoder:
            raise ValueError("pooling_layer is added to an encoder; name one by encoder, or leave it out")
        return self
