"""The model folder on disk: which files it holds, what `certainty.json` says, where the default model lies."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.labels import LABELS

SETTINGS_FILE = "certainty.json"
TOKENIZER_FILE = "tokenizer.json"
ONNX_FILE = "model.onnx"
INT8_FILE = "model.int8.onnx"
WEIGHTS_FILE = "model.safetensors"
FORMAT_VERSION = 1
DEFAULT_NAME = "certainty-fr-small"
HEADS = ("claim", "attributed", "cue")
"""The heads beside the label's."""


@dataclass(frozen=True)
class ModelSettings:
    """What scoring needs to know of a model beside its weights (`certainty.json`).

    Attributes:
        max_length: Longest input in tokens, special tokens included.
        claim_threshold: A sentence makes a claim if its probability to do so is at least this.
        attributed_threshold: The same for attribution.
        cue_threshold: A word is a cue if its probability to be one is at least this.
        pad_token_id: Fills up shorter rows of a batch.
        engine: The engine that "auto" takes where its file is there.
        heads: Those of `HEADS` that were taught. Without its head every sentence makes a claim, none is attributed, or
            no cues are given.
        training: Where the model comes from: settings, data digests, versions.
    """

    max_length: int
    claim_threshold: float = 0.5
    attributed_threshold: float = 0.5
    cue_threshold: float = 0.5
    pad_token_id: int = 1
    engine: str = "onnx"
    heads: Sequence[str] = HEADS
    training: dict[str, Any] | None = None

    def save(self, folder: Path) -> None:
        """Write `certainty.json` into the folder."""
        values = {"format_version": FORMAT_VERSION, "labels": [label.value for label in LABELS], **vars(self)}
        (folder / SETTINGS_FILE).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ModelSettings:
        """Read `certainty.json`.

        Raises:
            CertaintyError: it is missing, damaged, of a newer format, or speaks of other labels.
        """
        path = folder / SETTINGS_FILE
        if not path.is_file():
            raise CertaintyError(
                f"{folder}: not a certainty model, it has no {SETTINGS_FILE}. "
                "Train one with `certainty train`, or leave the model out to use the default."
            )
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            version, labels = values.pop("format_version"), values.pop("labels")
            if version == FORMAT_VERSION:
                settings = cls(**values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CertaintyError(f"{path}: damaged ({error}). Copy the model folder again.") from error
        if version != FORMAT_VERSION:
            raise CertaintyError(
                f"{path}: format version {version}, this release reads {FORMAT_VERSION}. Upgrade certainty."
            )
        if labels != [label.value for label in LABELS]:
            raise CertaintyError(f"{path}: labels {labels}, expected {[label.value for label in LABELS]}.")
        return settings


def default_model() -> Path:
    """Return the folder of the default model: inside the installed package, or in a checkout's `models/`."""
    package = Path(__file__).parent
    installed = package / "default_model"
    return installed if installed.is_dir() else package.parent / "models" / DEFAULT_NAME


def find_model(name: str | os.PathLike[str] | None) -> Path:
    """Return the local folder of a model: the default (None or its name), a path, or a download of `owner/name`.

    Raises:
        CertaintyError: there is no such folder and it cannot be downloaded.
    """
    if name is None:
        return default_model()
    path = Path(name)
    if path.is_dir():
        return path
    if path.is_file():
        raise CertaintyError(f"{path}: a file; give the model's folder.")
    if name == DEFAULT_NAME:
        return default_model()
    parts = str(name).split("/")
    if len(parts) != 2 or not all(parts) or parts[0] in (".", "..", "~", "models"):
        raise CertaintyError(f"{name}: no such folder. Give the folder of a model, or `owner/name` on the hub.")
    from huggingface_hub import snapshot_download

    patterns = [
        SETTINGS_FILE,
        TOKENIZER_FILE,
        ONNX_FILE,
        INT8_FILE,
        WEIGHTS_FILE,
        "config.json",
        "tokenizer_config.json",
    ]
    try:
        return Path(snapshot_download(str(name), allow_patterns=patterns))
    except Exception as error:  # the hub client raises its own, requests' and OS errors
        raise CertaintyError(f"{name}: no such folder, and the download from the hub failed: {error}") from error
