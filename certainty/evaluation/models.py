"""Open the models to evaluate and give them names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import certainty
from certainty import CertaintyError
from certainty.calibration import Calibration
from certainty.evaluation.scorer import Scorer
from certainty.model_folder import ModelSettings

SHIPPED = "certainty-fr-small"
"""Name of the shipped model in results."""

Model = str | os.PathLike[str] | Scorer | None
"""A classifier, a folder, `owner/name` on the hub, or None for the shipped model."""


def by_name(models: Sequence[Model] | Mapping[str, Model]) -> dict[str, Scorer]:
    """Open models given as a sequence or as a mapping from names; see `opened`.

    Raises:
        CertaintyError: as for `opened`, or no model is given, or one that is not in a list.
    """
    if isinstance(models, Mapping):
        return opened(list(models.values()), list(models))
    if isinstance(models, (str, os.PathLike)):
        raise CertaintyError(f"models is {models!r}; give a list of models, or use `evaluate` for one.")
    if not models:
        raise CertaintyError("no model is given; give one or more, or None for the shipped model.")
    return opened(list(models))


def opened(models: Sequence[Model], names: Sequence[str] | None = None) -> dict[str, Scorer]:
    """Open the models that are given as a folder or hub name, and return all models by name.

    Raises:
        CertaintyError: a model is of another kind or cannot be opened, or two have the same name.
    """
    given = names or [_name(model, n, len(models)) for n, model in enumerate(models, 1)]
    for name, model in zip(given, models, strict=True):
        if not (model is None or isinstance(model, (str, os.PathLike)) or hasattr(model, "score_sentences")):
            raise CertaintyError(
                f"{name} is {type(model).__name__} ({str(model)[:40]!r}); give a folder, a name on the hub, or a "
                "classifier."
            )
    if repeated := next((name for name in given if given.count(name) > 1), None):
        raise CertaintyError(f"model {repeated} is given twice; give each once.")
    return {
        name: certainty.load(model) if model is None or isinstance(model, (str, os.PathLike)) else model
        for name, model in zip(given, models, strict=True)
    }


def recorded_calibration(classifier: object) -> Calibration | None:
    """Return the calibration recorded in a classifier's settings, or None if there is none."""
    settings = getattr(classifier, "settings", None)
    training = settings.training if isinstance(settings, ModelSettings) else None
    recorded = (training or {}).get("calibration")
    return Calibration(recorded["temperature"], tuple(recorded["bias"])) if recorded else None


def _name(model: Model, number: int, total: int) -> str:
    if model is None:
        return SHIPPED
    if isinstance(model, (str, os.PathLike)):
        return os.path.normpath(model) if os.path.isdir(model) else os.fspath(model)  # m1/ is m1
    return "model" if total == 1 else f"model {number}"
