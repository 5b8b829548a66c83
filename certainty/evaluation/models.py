"""Models that are judged: opened, and called by a name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import certainty
from certainty import CertaintyError
from certainty.calibration import Calibration
from certainty.evaluation.scorer import Scorer
from certainty.model_folder import ModelSettings

SHIPPED = "certainty-fr-small"
"""What the model that ships with the package is called in results."""

Model = str | os.PathLike[str] | Scorer | None
"""A classifier, a folder, `owner/name` on the hub, or None for the model that is shipped."""


def by_name(models: Sequence[Model] | Mapping[str, Model]) -> dict[str, Scorer]:
    """Open models that may have names; see `opened`."""
    if isinstance(models, Mapping):
        return opened(list(models.values()), list(models))
    if isinstance(models, (str, os.PathLike)):
        raise CertaintyError(f"models is {models!r}; give a list of models, or use `evaluate` for one.")
    if not models:
        raise CertaintyError("no model is given; give one or more, None for the model that is shipped.")
    return opened(list(models))


def opened(models: Sequence[Model], names: Sequence[str] | None = None) -> dict[str, Scorer]:
    """Open models that are given by folder or name; return them by their names.

    Raises:
        CertaintyError: one cannot be opened, or two have the same name.
    """
    given = names or [_name(model, n, len(models)) for n, model in enumerate(models, 1)]
    if repeated := next((name for name in given if given.count(name) > 1), None):
        raise CertaintyError(f"model {repeated} is given twice; give each once.")
    return {
        name: certainty.load(model) if model is None or isinstance(model, (str, os.PathLike)) else model
        for name, model in zip(given, models, strict=True)
    }


def recorded_calibration(classifier: object) -> Calibration | None:
    """Return the calibration that a classifier's settings record; None where they, or it, are missing."""
    settings = getattr(classifier, "settings", None)
    training = settings.training if isinstance(settings, ModelSettings) else None
    recorded = (training or {}).get("calibration")
    return Calibration(recorded["temperature"], tuple(recorded["bias"])) if recorded else None


def _name(model: Model, number: int, total: int) -> str:
    if model is None:
        return SHIPPED
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model)
    return "model" if total == 1 else f"model {number}"
