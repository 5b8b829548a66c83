"""Variants of the fine-tuning settings, as the command line names them."""

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
    """One variant of the settings and of train.

    Attributes:
        name: As it was given, or "baseline".
        settings: The settings, but for the seed.
        corrections: Whether train's labels are corrected.
        extra: Names of the sentences that join train.
    """

    name: str
    settings: FinetuningSettings
    corrections: bool = False
    extra: tuple[str, ...] = ()


def parse_variant(text: str, base: FinetuningSettings, extra: Sequence[str] = (), corrections: bool = False) -> Variant:
    """Return the variant that `text` describes: "setting=value,…", or "" or "baseline" for the settings as they are.

    Beside the settings, `corrections=on` corrects train and `extra=NAME` (or NAME+NAME) adds sentences to it.

    Args:
        text: The description.
        base: What it changes.
        extra: The names that there are.
        corrections: Whether there are any.

    Raises:
        CertaintyError: a part is not `name=value`, names an unknown setting, or has a wrong value.
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
            raise CertaintyError(f"{where}: the seeds of all variants are given by --seeds.")
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
    """Read a value as YAML does, which knows numbers, true, false and null."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
