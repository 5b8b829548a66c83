"""Find and load the model that a run starts from: an encoder with new heads, or a fine-tuned model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, ModelCard, constants, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError
from transformers import PreTrainedTokenizerBase

from certainty.engines.modeling import CertaintyModel
from certainty.errors import CertaintyError
from certainty.finetuning.fast_tokenizer import load_tokenizer
from certainty.finetuning.pooling_layer import add_pooling_layer
from certainty.finetuning.settings import FinetuningSettings
from certainty.model_folder import DEFAULT_NAME, ModelSettings, default_model

__all__ = ["Start", "find_start"]

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*")
_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "README.md"]
_PATIENCE = 10  # seconds to wait for the hub


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

    Only names of the form `owner/name` are looked up on the hub.

    Raises:
        CertaintyError: it does not exist, or the hub does not provide it.
    """
    if settings.encoder:
        folder = _find(settings.encoder, "encoder")
        return Start(folder, _name(settings.encoder, folder), None)
    if settings.initial:
        folder = _find(settings.initial, "model")
        return Start(folder, _name(settings.initial, folder), ModelSettings.load(folder))
    return Start(default_model(), DEFAULT_NAME, ModelSettings.load(default_model()))


def _name(given: str, folder: Path) -> str:
    return folder.resolve().name if Path(given).is_dir() else given


def _find(name: str, kind: str) -> Path:
    path = Path(name)
    if path.is_dir():
        return path
    if path.exists():
        raise CertaintyError(f"{name}: is a file; give the folder of the {kind}.")
    if not _HUB_NAME.fullmatch(name) or path.parent.is_dir():
        raise CertaintyError(f"{name}: no such folder. Give the folder of the {kind}, or `owner/name` on the hub.")
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES, local_files_only=True))
    except LocalEntryNotFoundError:
        if constants.is_offline_mode():
            raise CertaintyError(
                f"{name}: no such folder, not in the download cache, and HF_HUB_OFFLINE is set. Give a folder."
            ) from None
    try:
        HfApi().model_info(name, timeout=_PATIENCE)  # fails fast; a download would retry for minutes
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except RepositoryNotFoundError:
        raise CertaintyError(f"{name}: no such folder, and no such model on the hub. Check the name.") from None
    except Exception as error:  # the hub client raises its own errors, those of its HTTP library, and OSError
        raise CertaintyError(
            f"{name}: no such folder, and the hub cannot be reached ({type(error).__name__}). Give a folder."
        ) from error
