"""The identity of the model that gave scores: its name, its version and the digest of its weights."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certainty.digests import file_digest
from certainty.engines import ONNX_FILES
from certainty.errors import CertaintyError
from certainty.model_folder import (
    DEFAULT_FILES,
    DEFAULT_NAME,
    ONNX_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    ModelSettings,
    default_model,
    installed_model,
)

_QUICK = 200_000_000  # bytes; their digest takes less than a second


@dataclass(frozen=True)
class ModelInfo:
    """The identity of the model that gave scores.

    Attributes:
        name: `certainty-fr-small`, `owner/name` of a model from the hub, or the name of the model's folder.
        version: The version of certainty that trained the model; None if its folder does not say.
        digest: SHA-256 of its weights in hexadecimal, as `sha256sum model.safetensors` shows it.
        heads: What it can tell besides the label, of "claim", "attributed", "cue", "second" and "source";
            None if that is not known.
    """

    name: str
    version: str | None
    digest: str
    heads: tuple[str, ...] | None = field(default=None, compare=False)  # they follow from the weights

    @classmethod
    def of_folder(cls, folder: Path, settings: ModelSettings) -> ModelInfo:
        """Return the identity of the model in a folder.

        Raises:
            CertaintyError: If the weights cannot be read, or a file of the installed default model was changed.
        """
        versions = (settings.training or {}).get("versions") or {}
        digest = _digest(_weights(folder))
        if folder == installed_model():  # in a checkout, the model may be a new one
            for name, expected in DEFAULT_FILES.items():
                found = digest if name == WEIGHTS_FILE else _digest(folder / name)
                if found != expected:
                    raise CertaintyError(
                        f"{folder / name}: is not that of the model that this release ships (SHA-256 {found}, expected "
                        f"{expected}). Install certainty-fr again."
                    )
        return cls(_name(folder), versions.get("certainty"), digest, tuple(settings.heads))

    def to_dict(self) -> dict[str, Any]:
        """Return `{"name": …, "version": …, "digest": …, "heads": […]}`, without `heads` if they are not known."""
        heads = {} if self.heads is None else {"heads": list(self.heads)}
        return {"name": self.name, "version": self.version, "digest": self.digest, **heads}

    @classmethod
    def from_dict(cls, record: object) -> ModelInfo:
        """Read the result of `to_dict`; `heads` may be missing, and further members are ignored.

        Raises:
            CertaintyError: If a member is missing or wrong; the message names it.
        """
        if not isinstance(record, Mapping):
            raise CertaintyError(f"model is {record!r:.60}; it must be an object with name, version and digest.")
        values: dict[str, Any] = {name: record.get(name) for name in ("name", "version", "digest")}
        for name, value in values.items():
            if not isinstance(value, str) and (value is not None or name != "version"):
                raise CertaintyError(f"model.{name} is {value!r:.60}; it must be a string.")
        if not re.fullmatch("[0-9a-f]{64}", values["digest"]):
            raise CertaintyError(f"model.digest is {values['digest']!r:.60}; it must have 64 hexadecimal digits.")
        heads = record.get("heads")
        if heads is not None and not (
            isinstance(heads, (list, tuple)) and all(isinstance(head, str) for head in heads)
        ):
            raise CertaintyError(f"model.heads is {heads!r:.60}; it must be a list of strings.")
        return cls(**values, heads=None if heads is None else tuple(heads))


def _name(folder: Path) -> str:
    if folder.resolve() == default_model().resolve():
        return DEFAULT_NAME
    folder = Path(os.path.abspath(folder))
    snapshots, repository = folder.parent, folder.parent.parent
    if snapshots.name == "snapshots" and repository.name.startswith("models--"):  # the hub's cache
        return repository.name.removeprefix("models--").replace("--", "/")
    return folder.name


def scoring_files(folder: Path, engine: str) -> dict[str, str]:
    """Return the SHA-256 of each file of a model, besides weights and settings, that an engine and the tokenizer read.

    Models may have the same weights and yet another tokenizer, or a graph that was exported otherwise.

    Raises:
        CertaintyError: If one cannot be read.
    """
    graph = ONNX_FILES.get(engine, "config.json")
    return {name: _digest(folder / name) for name in (graph, TOKENIZER_FILE)}


def has_quick_digest(folder: Path) -> bool:
    """Return whether the weights of the model in a folder are small enough to read them whenever it is opened."""
    weights = _weights(folder)
    return weights.is_file() and weights.stat().st_size < _QUICK


def _weights(folder: Path) -> Path:
    weights = folder / WEIGHTS_FILE
    return weights if weights.is_file() else folder / ONNX_FILE  # which contains those of a model without one for torch


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise CertaintyError(f"{path}: cannot be read ({error.strerror}). Copy the model folder again.") from error
