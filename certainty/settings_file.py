"""Frozen settings objects that are validated on creation, and read from and written to YAML files.

This module needs pydantic and PyYAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from typing_extensions import Self

from certainty.errors import CertaintyError

__all__ = ["Settings", "as_yaml", "load_settings", "save_settings"]


class Settings(BaseModel):
    """Base class of settings.

    Raises:
        CertaintyError: If a value is invalid. The message names the setting, its value and what is allowed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            names = list(type(self).model_fields)
            raise CertaintyError(" ".join(_told(e, names) for e in error.errors(include_url=False))) from None

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and bool not in (kind, *get_args(kind)):
            raise ValueError("true and false are not allowed here")
        return value

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some settings changed; the new values are validated.

        `model_fields_set` then names the settings that were given before and those that are changed.
        """
        return type(self)(**{**{name: getattr(self, name) for name in self.model_fields_set}, **changes})


S = TypeVar("S", bound=Settings)


def load_settings(cls: type[S], path: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> S:
    """Create settings from a YAML file and from `overrides`, whose values take precedence unless they are None.

    Raises:
        CertaintyError: If the file cannot be read, a setting is unknown or given twice, or a value is invalid.
    """
    values = {} if path is None else _read(path)
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return cls(**{**values, **given})
    except CertaintyError:
        try:
            cls(**values)
        except CertaintyError as error:
            if path is not None:
                raise CertaintyError(f"{path}: {error}") from None
        raise


def _read(path: str | Path) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        loaded = yaml.load(text, _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CertaintyError(f"{path}: cannot read the settings: {error}") from error
    except RecursionError:
        raise CertaintyError(f"{path}: cannot read the settings: too deeply nested.") from None
    if loaded is not None and not isinstance(loaded, dict):
        raise CertaintyError(f"{path}: expected `name: value` lines, found {type(loaded).__name__}.")
    return {str(name): value for name, value in (loaded or {}).items()}


class _Loader(yaml.SafeLoader):
    """Refuses names that are given twice, of which YAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [str(name.value) for name, _ in node.value]
        if repeated := next((name for name in names if names.count(name) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, f"{repeated!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def save_settings(settings: Settings, path: str | Path) -> None:
    """Write settings to a YAML file, which `load_settings` can read."""
    Path(path).write_text(as_yaml(settings), encoding="utf-8")


def as_yaml(settings: Settings) -> str:
    """Return settings as YAML."""
    return yaml.safe_dump(settings.model_dump(), sort_keys=False, allow_unicode=True)


def _unknown(name: str, names: Sequence[str]) -> str:
    """Return the message for an unknown setting, with a suggestion if a similar one exists."""
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"unknown setting {name!r}.{hint} Allowed: {', '.join(names)}."


def _told(error: ErrorDetails, names: Sequence[str]) -> str:
    """Return a validation error of pydantic as a sentence."""
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return _unknown(name, names)
    if error["type"] == "missing":
        return f"{name} is missing; give it a value."
    message = str(error.get("ctx", {}).get("error") or error["msg"])  # ours, or "Input should be greater than 0"
    message = message.replace("Input should be", "it must be", 1).rstrip(".")
    return f"{name} is {error['input']!r}; {message}." if name else f"{message}."
