"""Parse variants of the fine-tuning settings given on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from certainty import CertaintyError
from certainty.finetuning.settings import FinetuningSettings

BASELINE = "baseline"


@dataclass(frozen=True)
class Variant:
    """A variant of the settings and the training data.

    Attributes:
        name: The variant as given, or "baseline".
        settings: The settings, apart from the seed.
        corrections: Whether to correct the labels of the training data.
        extra: Names of the additional sentences to train on.
    """

    name: str
    settings: FinetuningSettings
    corrections: bool = False
    extra: tuple[str, ...] = ()


def parse_variant(text: str, base: FinetuningSettings, extra: Sequence[str] = (), corrections: bool = False) -> Variant:
    """Parse "setting=value,…"; "" and "baseline" leave the settings unchanged.

    In addition to settings, `corrections=on` corrects the training data, and `extra=NAME` (or NAME+NAME) adds sentences
    to it.

    Args:
        text: The description of the variant.
        base: The settings to change.
        extra: The available names of extra sentences.
        corrections: Whether corrections are available.

    Raises:
        CertaintyError: If a part is not `name=value`, a setting is unknown, or a value is invalid.
    """
    where = f"--variant {text!r}"
    changes: dict[str, Any] = {}
    for part in text.split(",") if text not in ("", BASELINE) else ():
        name, sign, value = (x.strip() for x in part.partition("="))
        if not (name and sign and value):
            raise CertaintyError(f"{where}: {part!r} is not setting=value.")
        if name in changes:
            raise CertaintyError(f"{where}: {name} is given twice.")
        if name == "seed":
            raise CertaintyError(f"{where}: use --seeds to set the seeds of all variants.")
        changes[name] = value
    switch, names = changes.pop("corrections", "off"), changes.pop("extra", None)
    if switch not in ("on", "off"):
        raise CertaintyError(f"{where}: corrections is {switch!r}. Allowed: on, off.")
    if switch == "on" and not corrections:
        raise CertaintyError(f"{where}: there are no corrections; name their files with --corrections.")
    added = tuple(names.split("+")) if names else ()
    for unknown in set(added) - set(extra):
        raise CertaintyError(f"{where}: no extra sentences are named {unknown!r}; give --extra {unknown}=FILE.")
    try:
        settings = base.replace(**{name: _value(text) for name, text in changes.items()})
    except CertaintyError as error:
        raise CertaintyError(f"{where}: {error}") from None
    return Variant(text or BASELINE, settings, switch == "on", added)


def _value(text: str) -> Any:
    """Parse a value as YAML, which has numbers, true, false and null."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
