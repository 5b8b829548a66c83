"""The model folder on disk: which files it holds, what `certainty.json` says, where the default model lies."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.labels import LABELS
from certainty.writing import write_whole

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
        write_whole(folder / SETTINGS_FILE, json.dumps(values, indent=2, ensure_ascii=False) + "\n")

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


def copy_model(source: Path, target: Path, settings: ModelSettings) -> None:
    """Copy a model's folder; the copy appears when it is complete, and replaces a model that is there.

    Args:
        source: The folder.
        target: The copy; folders around it are made.
        settings: The copy's settings.

    Raises:
        CertaintyError: the copy cannot be written, or something that is no model is there already.
    """
    source, target = source.resolve(), Path(os.path.abspath(target))
    if source in target.parents:
        raise CertaintyError(f"{target}: lies in the folder of the model itself; give another folder.")
    if target.exists() and not _is_replaceable(target):
        raise CertaintyError(f"{target}: is there already, and is no model; give a new folder.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
            shutil.copytree(source, draft := Path(beside) / "new")
            settings.save(draft)
            _replace(target, draft, old=Path(beside) / "old")
    except (OSError, shutil.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CertaintyError(f"{target}: cannot be written ({reason}); give another folder.") from error


def _replace(target: Path, draft: Path, old: Path) -> None:
    if not target.exists():
        draft.rename(target)
        return
    target.rename(old)  # a folder that is not empty cannot be replaced in one step
    try:
        draft.rename(target)
    except OSError:
        old.rename(target)
        raise


def _is_replaceable(folder: Path) -> bool:
    """Tell whether it is a model or an empty folder."""
    return folder.is_dir() and ((folder / SETTINGS_FILE).is_file() or not any(folder.iterdir()))


def find_model(name: str | os.PathLike[str] | None) -> Path:
    """Return the local folder of a model: the default (None or its name), a path, or a download of `owner/name`.

    Raises:
        CertaintyError: there is no such folder and it cannot be downloaded.
    """
    if name is None:
        return default_model()
    if not isinstance(name, (str, os.PathLike)):
        raise CertaintyError(f"model is {name!r}; give a folder, or `owner/name` on the hub.")
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
