"""Find and load the model that a run starts from: an encoder with new heads, or a fine-tuned model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import ModelCard
from transformers import PreTrainedTokenizerBase

from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.fast_tokenizer import load_tokenizer
from certainty.finetuning.pooling_layer import add_pooling_layer
from certainty.finetuning.settings import FinetuningSettings
from certainty.model_folder import DEFAULT_NAME, ModelSettings, default_model, find_encoder, find_model

__all__ = ["Start", "find_start"]


@dataclass(frozen=True)
class Start:
    """An encoder or a fine-tuned model in a local folder.

    Attributes:
        folder: Its folder.
        name: Its name in model cards: `owner/name` if it comes from the hub, otherwise the name of the folder.
        model: The settings of the fine-tuned model; None for an encoder.
    """

    folder: Path
    name: str
    model: ModelSettings | None

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Load the tokenizer."""
        return load_tokenizer(self.folder)

    def rival(self) -> Start | None:
        """Return the model that a finished one has to beat: this one, or for an encoder the shipped one, if any."""
        if self.model:
            return self
        folder = default_model()
        # Without the model that comes with an installation, an encoder can still be trained.
        return Start(folder, DEFAULT_NAME, ModelSettings.load(folder)) if folder.is_dir() else None

    def weights(self, settings: FinetuningSettings) -> CertaintyModel:
        """Load the fine-tuned model, or the encoder with new heads."""
        if self.model:
            return CertaintyModel.from_pretrained(self.folder, settings.dropout).with_all_heads().train()
        model = CertaintyModel.from_encoder(self.folder, settings.dropout)
        if settings.pooling_layer:
            add_pooling_layer(model.classifier)
        return model

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads, other than the label head, that are already trained."""
        return tuple(self.model.heads) if self.model else ()

    @property
    def license(self) -> str | None:
        """The licence named in its model card, or None."""
        card = self.folder / "README.md"
        name = ModelCard.load(card, ignore_metadata_errors=True).data.license if card.is_file() else None
        return str(name) if name else None

    @property
    def origin(self) -> dict[str, str]:
        """Name of the encoder and, if the run continues from a fine-tuned model, the name of that model."""
        if self.model is None:
            return {"encoder": self.name}
        return {"encoder": (self.model.training or {}).get("encoder", "unknown"), "initial": self.name}


def find_start(settings: FinetuningSettings) -> Start:
    """Find the encoder or model named in the settings; without either, use the shipped model.

    Raises:
        CertaintyError: it does not exist, or the hub does not provide it.
    """
    if settings.encoder:
        folder = find_encoder(settings.encoder)
        return Start(folder, _name(settings.encoder, folder), None)
    if settings.initial:
        folder = find_model(settings.initial)
        return Start(folder, _name(settings.initial, folder), ModelSettings.load(folder))
    return Start(default_model(), DEFAULT_NAME, ModelSettings.load(default_model()))


def _name(given: str, folder: Path) -> str:
    return folder.resolve().name if Path(given).is_dir() else given
