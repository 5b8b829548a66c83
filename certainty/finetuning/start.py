"""What a run starts from: an encoder with new heads, or a fine-tuned model to go on from."""

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
_PATIENCE = 10  # seconds for the hub to answer


@dataclass(frozen=True)
class Start:
    """An encoder or a model, found on this machine.

    Attributes:
        folder: Where it lies.
        name: What cards call it: `owner/name` on the hub, else the name of the folder.
        model: The settings of the fine-tuned model; None of an encoder.
    """

    folder: Path
    name: str
    model: ModelSettings | None

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Load its tokenizer."""
        return load_tokenizer(self.folder)

    def weights(self, settings: FinetuningSettings) -> CertaintyModel:
        """Load the fine-tuned model, or the encoder and put new heads on it."""
        if self.model:
            return CertaintyModel.from_pretrained(self.folder, settings.dropout).train()
        model = CertaintyModel.from_encoder(self.folder, settings.dropout)
        if settings.pooling_layer:
            add_pooling_layer(model.classifier)
        return model

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads beside the label's that it has been taught already."""
        return tuple(self.model.heads) if self.model else ()

    @property
    def license(self) -> str | None:
        """Its licence, where its card names one."""
        card = self.folder / "README.md"
        name = ModelCard.load(card, ignore_metadata_errors=True).data.license if card.is_file() else None
        return str(name) if name else None

    @property
    def origin(self) -> dict[str, str]:
        """Name of the encoder, and that of the fine-tuned model where the run goes on from one."""
        if self.model is None:
            return {"encoder": self.name}
        return {"encoder": (self.model.training or {}).get("encoder", "unknown"), "initial": self.name}


def find_start(settings: FinetuningSettings) -> Start:
    """Find the encoder or the model that the settings name; with neither, the model that is shipped.

    Raises:
        CertaintyError: there is none, or the hub, which is asked for `owner/name` alone, does not give it.
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
        raise CertaintyError(f"{name}: a file; give the folder of the {kind}.")
    if not _HUB_NAME.fullmatch(name) or path.parent.is_dir():
        raise CertaintyError(f"{name}: no such folder. Give the folder of the {kind}, or `owner/name` on the hub.")
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES, local_files_only=True))
    except LocalEntryNotFoundError:
        if constants.is_offline_mode():
            raise CertaintyError(
                f"{name}: no such folder, never downloaded before, and HF_HUB_OFFLINE is set. Give a folder."
            ) from None
    try:
        HfApi().model_info(name, timeout=_PATIENCE)  # asks once; a download would ask for minutes
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except RepositoryNotFoundError:
        raise CertaintyError(f"{name}: no such folder, and no such model on the hub. Check the name.") from None
    except Exception as error:  # the hub's client raises its own errors, those of its HTTP library, and OSError
        raise CertaintyError(
            f"{name}: no such folder, and the hub cannot be reached ({type(error).__name__}). Give a folder."
        ) from error
