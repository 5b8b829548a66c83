"""Frozen settings objects, read from YAML and overridden from the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml

from certainty import CertaintyError

Settings = TypeVar("Settings")


def load_settings(
    cls: type[Settings], path: str | Path | None = None, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Build the dataclass `cls` from a YAML file and from `overrides` (the values that are not None).

    Raises:
        CertaintyError: the file cannot be read, or it names a setting that `cls` does not have.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            loaded = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise CertaintyError(f"{path}: cannot read the settings: {error}") from error
        if loaded is not None and not isinstance(loaded, dict):
            raise CertaintyError(f"{path}: expected `name: value` lines, found {type(loaded).__name__}.")
        values.update(loaded or {})
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for name in values:
        if name not in names:
            close = get_close_matches(str(name), names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise CertaintyError(f"{path}: unknown setting {name!r}.{hint} Allowed: {', '.join(names)}.")
    values.update({name: value for name, value in (overrides or {}).items() if value is not None})
    try:
        return cls(**values)
    except TypeError as error:
        raise CertaintyError(f"{path or 'settings'}: {error}.") from error


def save_settings(settings: Any, path: str | Path) -> None:
    """Write a settings object as YAML that `load_settings` reads back."""
    Path(path).write_text(
        yaml.safe_dump(dataclasses.asdict(settings), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
