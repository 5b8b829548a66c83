"""Settings of a fine-tuning run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator
from typing_extensions import Self

from certainty.messages import argument
from certainty.settings_file import Settings

Share = Annotated[float, Field(ge=0, lt=1)]


class FinetuningSettings(Settings):
    """Settings of a fine-tuning run; `certainty.settings_file` reads and writes them as YAML.

    The defaults are for training from an encoder. If the run continues from a model, the settings named in
    `certainty.finetuning.automatic` that are not given are chosen by the number of training sentences.

    Attributes:
        encoder: Folder or hub name (`owner/name`) of a pretrained encoder; training starts with new heads.
        initial: Folder or hub name of a fine-tuned model to continue from, including its heads. If both `encoder` and
            `initial` are null, the run continues from the shipped model.
        folds: Number of folds of a cross-validation on train, which then needs no dev: each sentence is judged by a
            model that was trained on the other folds, and the finished model is trained on all. Null for none.
        group_by: Column (a document, an author) whose rows are not independent; null if they are. Its values are never
            split between train and the dev that is set apart, or between folds, and are the units of intervals and of
            the final comparison, on a given dev and test as well. Groups of `quad` and near duplicates are never split.
        epochs: Maximum number of epochs; early stopping may end training sooner, except with `folds`.
        patience: Number of evaluations without a better likelihood on dev before training stops.
        evaluations_per_epoch: Number of evaluations on dev, each with a checkpoint, per epoch.
        batch_size: Sentences per step and device.
        gradient_accumulation: Steps per optimiser update.
        learning_rate, warmup_fraction, weight_decay: Settings of AdamW with linear warm-up and decay.
        layer_decay: Factor applied to the learning rate from each layer to the one below.
        frozen_layers: Number of layers of the encoder, from below, that do not change; the embeddings neither, unless
            it is 0.
        replay: Number of the package's own labelled sentences that are added to train, so that the model does not
            forget what the data does not show (`certainty.finetuning.replay`).
        initial_share: Share of the initial model's weights in the result, an average with the trained ones; 0 for these
            alone. If it is null, the likelihood of dev, or of the folds, chooses it (`certainty.finetuning.averaging`).
        dropout: Dropout rate of the encoder and the label head.
        pooling_layer: Whether to add to the encoder a layer that starts as mean pooling (see
            `certainty.finetuning.pooling_layer`).
        class_weights: "none", or "balanced" for weights inverse to each label's frequency in train.
        second_weight: Share of the label target given to the label of a second claim; `second_head_weight` is another.
        label_smoothing: Share of the label target spread over all labels.
        cue_weight, claim_weight, attributed_weight, second_head_weight, source_weight: Loss weights of the other heads.
        attention_weight: Loss weight that makes `<s>` in the top layer attend to the cue words; 0 disables it.
        pseudo_labels: File of sentences labelled by teachers (`certainty.finetuning.pseudo_labels`), added to train.
        labelled_repeats: Passes over the labelled sentences per epoch; pseudo-labelled ones are used once.
        max_length: Maximum input length in tokens; null for the encoder's maximum.
        bf16: Whether to train in bfloat16; null for automatic (see `certainty.finetuning.precision`).
        device: "cpu", "cuda", or "auto" for a GPU if there is one.
        seed: Seed for new weights, dropout, the order of sentences, replay, and without dev the split of train: to
            compare seeds on the same rows, give dev.
    """

    encoder: str | None = None
    initial: str | None = None
    folds: Annotated[int, Field(ge=2, le=100)] | None = None
    group_by: str | None = None
    epochs: Annotated[float, Field(gt=0, le=10_000)] = 4.0
    patience: PositiveInt = 4
    evaluations_per_epoch: PositiveInt = 2
    batch_size: PositiveInt = 32
    gradient_accumulation: PositiveInt = 1
    learning_rate: PositiveFloat = 3e-4
    warmup_fraction: Share = 0.1
    weight_decay: NonNegativeFloat = 0.01
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    frozen_layers: NonNegativeInt = 0
    replay: NonNegativeInt = 0
    initial_share: Share | None = None
    dropout: Share = 0.1
    pooling_layer: bool = False
    class_weights: Literal["none", "balanced"] = "none"
    second_weight: Share = 0.15
    label_smoothing: Share = 0.0
    cue_weight: NonNegativeFloat = 1.0
    claim_weight: NonNegativeFloat = 0.3
    attributed_weight: NonNegativeFloat = 0.3
    second_head_weight: NonNegativeFloat = 0.3
    source_weight: NonNegativeFloat = 0.3
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
            raise ValueError(
                f"{argument('encoder')} starts with new heads and {argument('initial')} continues from a model; give "
                "one of them"
            )
        if self.initial_share and self.encoder:
            raise ValueError(
                f"initial_share is of a model to continue from; leave it out, or give {argument('initial')}, not "
                f"{argument('encoder')}"
            )
        if self.pooling_layer and not self.encoder:
            raise ValueError(
                f"pooling_layer is added to an encoder; give {argument('encoder')} as well, or leave pooling_layer out"
            )
        return self
