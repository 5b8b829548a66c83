"""The model folder: its file names, its settings in `certainty.json`, and how to find and copy it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
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
KNOWN_FILE = "trained_on.safetensors"
FORMAT_VERSION = 2
_READABLE = (1, FORMAT_VERSION)
DEFAULT_NAME = "certainty-fr-small"
DEFAULT_DIGEST = "ed2be539b08334ebc0e722fc81cca3f28fdb7c50df313cafd9836f180eaa470a"
"""SHA-256 of the weights of the shipped model, as `sha256sum model.safetensors` shows it."""
DEFAULT_FILES = {
    WEIGHTS_FILE: DEFAULT_DIGEST,
    ONNX_FILE: "4c04d253d8d7fb9500ec39f6636cd87c1625a688d01291f2cf83bafc493c93fd",
    INT8_FILE: "de2fff6516ed9dfde6a6be9ee418914bbdea12336a494779fce30842f572aee9",
    TOKENIZER_FILE: "a38c8ec5b2adbce276df1f2fec8bfca39f0a71aa767dccc653332f51a2d54dc6",
    SETTINGS_FILE: "2da75cb4cbd6cb36e0da1ff95a20d8b9bf9f05959171128be0d585abbb1491e3",
}
"""The same for each file of it that scoring reads."""
ENCODER_NAME = "encoder-fr-small"
CHECKOUT = Path(__file__).parent.parent / "models"  # if there is one
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*")
HEADS = ("claim", "attributed", "cue", "second", "source")
"""The heads other than the label head."""
FIRST_HEADS = HEADS[:3]
"""The heads that every model has; those made before release 0.5 have no others."""

# Scoring and training take the same, so that neither finds half of it in the cache.
_MODEL_FILES = [
    *(SETTINGS_FILE, TOKENIZER_FILE, ONNX_FILE, INT8_FILE, WEIGHTS_FILE, KNOWN_FILE),
    *("config.json", "tokenizer_config.json", "origin.json", "README.md"),
]
_ENCODER_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "README.md"]

_LEAST_LENGTH = 4
"""Windows overlap by half, so each needs two tokens beside its two special ones."""


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most


def _is_training(value: object) -> bool:
    if value is None or (isinstance(value, dict) and not value.get("calibration")):
        return True
    calibration = value.get("calibration") if isinstance(value, dict) else None
    if not isinstance(calibration, dict):
        return False
    bias, largest = calibration.get("bias"), sys.float_info.max
    if not isinstance(bias, (list, tuple)) or len(bias) != len(LABELS):
        return False
    return _is_number(calibration.get("temperature"), sys.float_info.min, largest) and all(
        _is_number(one, -largest, largest) for one in bias
    )


_PROBABILITY: tuple[Callable[[Any], bool], str] = (lambda value: _is_number(value, 0, 1), "a number from 0 to 1")
_ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "max_length": (lambda value: _is_whole(value, _LEAST_LENGTH), f"a whole number of at least {_LEAST_LENGTH}"),
    "claim_threshold": _PROBABILITY,
    "attributed_threshold": _PROBABILITY,
    "cue_threshold": _PROBABILITY,
    "second_threshold": _PROBABILITY,
    "source_threshold": _PROBABILITY,
    "pad_token_id": (lambda value: _is_whole(value, 0), "a whole number of at least 0"),
    "engine": (lambda value: value in ("onnx", "onnx-int8", "torch"), "'onnx', 'onnx-int8' or 'torch'"),
    "heads": (
        lambda value: isinstance(value, (list, tuple)) and all(head in HEADS for head in value),
        f"a list of any of {', '.join(HEADS)}",
    ),
    "training": (_is_training, "an object; its calibration, if any, needs a temperature above 0 and four biases"),
}


@dataclass(frozen=True)
class ModelSettings:
    """The settings of a model that scoring needs, as saved in `certainty.json`.

    Attributes:
        max_length: Maximum length of the input in tokens, including special tokens.
        claim_threshold: Minimum `claim_probability` for a sentence to count as a claim.
        attributed_threshold: Minimum probability for a claim to count as attributed.
        cue_threshold: Minimum probability for a word to count as a cue.
        second_threshold: Minimum probability of a second claim for it to be shown.
        source_threshold: Minimum probability that words name the source for them to be shown.
        pad_token_id: Id of the token that fills up the shorter rows of a batch.
        engine: The engine that "auto" selects if the folder has its file.
        heads: The members of `HEADS` that were trained. Without the claim head, every sentence gets one of the four
            labels; without the cue head, none has cues, and likewise for the second claim and the source. What a
            model was not taught is None in its scores.
        training: The origin of the model: settings, data digests, versions.

    Raises:
        CertaintyError: If a value is not allowed.
    """

    max_length: int
    claim_threshold: float = 0.5
    attributed_threshold: float = 0.5
    cue_threshold: float = 0.5
    second_threshold: float = 0.5
    source_threshold: float = 0.5
    pad_token_id: int = 1
    engine: str = "onnx"
    heads: Sequence[str] = HEADS
    training: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        for name, (is_allowed, allowed) in _ALLOWED.items():
            if not is_allowed(value := getattr(self, name)):
                raise CertaintyError(f"{name} is {repr(value)[:60]}; it must be {allowed}.")

    @property
    def exact_sums(self) -> bool:
        """Whether the integers of "onnx-int8" give the same sums on all processors, as they do since version 0.5."""
        int8 = (self.training or {}).get("int8")
        return isinstance(int8, dict) and int8.get("exact_sums") is True

    def save(self, folder: Path) -> None:
        """Write `certainty.json` to the folder."""
        from certainty.writing import write_whole  # here, as below, since most programs only open models

        values = {"format_version": FORMAT_VERSION, "labels": [label.value for label in LABELS], **vars(self)}
        write_whole(folder / SETTINGS_FILE, json.dumps(values, indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: Path) -> ModelSettings:
        """Read `certainty.json`.

        Raises:
            CertaintyError: If the file is missing or damaged, or has another format version or other labels.
        """
        path = folder / SETTINGS_FILE
        if not path.is_file():
            raise CertaintyError(
                f"{folder}: not a certainty model, as it has no {SETTINGS_FILE}. "
                "Train one with `certainty train`, or leave the model out to use the default."
            )
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            version, labels = values.pop("format_version"), values.pop("labels")
            if not isinstance(version, int):
                raise TypeError(f"format_version is {version!r}, not a whole number")
            if version in _READABLE:
                settings = cls(**{"heads": FIRST_HEADS, **values} if version == 1 else values)
        except CertaintyError as error:
            raise CertaintyError(f"{path}: {error}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CertaintyError(f"{path}: damaged ({error}). Copy the model folder again.") from error
        if version not in _READABLE:
            raise CertaintyError(
                f"{path}: format version {version}, but this release reads up to {FORMAT_VERSION}. Upgrade certainty."
            )
        if labels != [label.value for label in LABELS]:
            raise CertaintyError(f"{path}: labels {labels}, expected {[label.value for label in LABELS]}.")
        return settings


def default_model() -> Path:
    """Return the folder of the default model: inside the installed package, or in `models/` of a checkout."""
    installed = installed_model()
    return installed if installed.is_dir() else CHECKOUT / DEFAULT_NAME


def installed_model() -> Path:
    """Return the folder of the default model inside an installed package; a checkout does not have it."""
    return Path(__file__).parent / "default_model"


def copy_model(source: Path, target: Path, settings: ModelSettings) -> None:
    """Copy a model folder. The copy only appears once it is complete, and replaces an existing model.

    Args:
        source: The folder to copy.
        target: The folder to create, with its parents.
        settings: The settings of the copy.

    Raises:
        CertaintyError: If the copy cannot be written, or the target already holds something that is not a model.
    """
    import shutil
    import tempfile

    source, target = source.resolve(), Path(os.path.abspath(target))
    if source in target.parents:
        raise CertaintyError(f"{target}: is inside the folder of the model itself; give another folder.")
    if target.exists() and not _is_replaceable(target):
        raise CertaintyError(f"{target}: already exists and is not a model; give a new folder.")
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
    target.rename(old)  # a non-empty folder cannot be replaced in one step
    try:
        draft.rename(target)
    except OSError:
        old.rename(target)
        raise


def _is_replaceable(folder: Path) -> bool:
    """Return whether the folder is a model or empty."""
    return folder.is_dir() and ((folder / SETTINGS_FILE).is_file() or not any(folder.iterdir()))


def find_model(name: str | os.PathLike[str] | None) -> Path:
    """Return the local folder of a model, downloading it if necessary.

    Args:
        name: A path, or `owner/name` on the Hugging Face hub. None, or `DEFAULT_NAME`, is the default model.

    Raises:
        CertaintyError: If no such folder exists and it cannot be downloaded.
    """
    if name is None:
        return default_model()
    if not isinstance(name, (str, os.PathLike)):
        raise CertaintyError(f"model is {name!r}; give a folder, or `owner/name` on the hub.")
    return _find(str(name), "model", _MODEL_FILES, SETTINGS_FILE)


def find_encoder(name: str) -> Path:
    """Return the local folder of an encoder, downloading it if necessary.

    Args:
        name: A path, or `owner/name` on the Hugging Face hub; or `ENCODER_NAME`, or `DEFAULT_NAME`.

    Raises:
        CertaintyError: If no such folder exists and it cannot be downloaded.
    """
    return _find(name, "encoder", _ENCODER_FILES, "config.json")


def _find(name: str, kind: str, files: list[str], key: str) -> Path:
    path = Path(name)
    if os.path.isdir(path):  # unlike Path.is_dir, false for names that are too long
        return path
    if os.path.exists(path):
        raise CertaintyError(f"{path}: is a file; give the folder of the {kind}.")
    if name == DEFAULT_NAME:
        return default_model()
    if name == ENCODER_NAME:
        encoder = CHECKOUT / ENCODER_NAME
        if encoder.is_dir():
            return encoder
        raise CertaintyError(f"{name}: is in the repository of certainty, not in the package. Give its folder.")
    # What begins with the name of a folder that exists is a path that was mistyped.
    if not _HUB_NAME.fullmatch(name) or path.parts[0] == "models" or os.path.isdir(path.parent):
        raise CertaintyError(f"{name}: no such folder. Give the folder of the {kind}, or `owner/name` on the hub.")
    from certainty.hub import from_hub

    return from_hub(name, files, key)
