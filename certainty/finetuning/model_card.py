"""The model card, written by the run that makes the model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from certainty.evaluation import METRICS
from certainty.labels import LABELS
from certainty.model_folder import ModelSettings
from certainty.templating import environment


def write_model_card(
    folder: Path, name: str, settings: Any, model: ModelSettings, evaluation: Mapping[str, Any]
) -> Path:
    """Write `README.md` into the model folder.

    Args:
        folder: The model folder, with its `config.json`.
        name: The model's name.
        settings: The fine-tuning settings, a dataclass.
        model: What stands in `certainty.json`.
        evaluation: For each split, what `certainty.evaluation.Evaluation.to_dict` returns.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    values = {
        "name": name,
        "labels": [label.value for label in LABELS],
        "layers": config["num_hidden_layers"],
        "hidden": config["hidden_size"],
        "vocabulary": config["vocab_size"],
        "architecture": config["architectures"][0],
        "model": model,
        "training": model.training,
        "evaluation": evaluation,
        "titles": METRICS,
    }
    return _write(folder, "model_card.md.j2", settings, values)


def _write(folder: Path, template: str, settings: Any, values: Mapping[str, Any]) -> Path:
    as_yaml = yaml.safe_dump(dataclasses.asdict(settings), sort_keys=False, allow_unicode=True).strip()
    card = (
        environment(__package__, autoescape=False)
        .get_template(template)
        .render(**values, settings=settings, yaml=as_yaml)
    )
    path = folder / "README.md"
    path.write_text(card, encoding="utf-8")
    return path
