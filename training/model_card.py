"""Model cards, written by the runs that make the models."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from certainty.labels import LABELS
from certainty.model_folder import WEIGHTS_FILE, ModelSettings
from training.pretraining.origin import inherited_origin
from training.report import METRICS
from training.settings import PretrainingSettings
from training.templates import environment

STAGES_FILE = "pretraining.json"


def write_model_card(
    folder: Path, name: str, settings: Any, model: ModelSettings, evaluation: Mapping[str, Any]
) -> Path:
    """Write `README.md` into the model folder.

    Args:
        folder: The model folder, with its `config.json`.
        name: The model's name.
        settings: The fine-tuning settings, a dataclass.
        model: What stands in `certainty.json`.
        evaluation: For each split, what `training.evaluate.evaluate` returns.
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


def write_encoder_card(
    folder: Path,
    name: str,
    settings: PretrainingSettings,
    files: Mapping[str, Mapping[str, int]],
    log: Sequence[Mapping[str, Any]],
) -> Path:
    """Write `README.md` and `pretraining.json`, the stages of its training, into an encoder's folder.

    A run that went on from an encoder with such a file adds its stage to those of that one; what that one is built on
    (`training.pretraining.origin`) is told again.

    Args:
        folder: The folder, with its weights.
        name: The encoder's name.
        settings: Of the run.
        files: For each text file its numbers of `paragraphs` and `tokens`.
        log: The rows of the run's `log.json`.
    """
    before = Path(settings.initial) / STAGES_FILE if settings.initial else None
    stages = json.loads(before.read_text(encoding="utf-8")) if before and before.is_file() else []
    removed = "exact and near" if settings.deduplicate else "no"
    stages.append({"settings": dataclasses.asdict(settings), "files": files, "duplicates_removed": removed, "log": log})
    (folder / STAGES_FILE).write_text(json.dumps(stages, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    values = {
        "name": name,
        "stages": stages,
        "tokens": sum(stage["log"][-1]["tokens"] for stage in stages),
        "longest": config["max_position_embeddings"] - 2,
        "config": config,
        "origin": inherited_origin(settings.initial, folder),
        "digest": hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(),
    }
    return _write(folder, "encoder_card.md.j2", settings, values)


def _write(folder: Path, template: str, settings: Any, values: Mapping[str, Any]) -> Path:
    as_yaml = yaml.safe_dump(dataclasses.asdict(settings), sort_keys=False, allow_unicode=True).strip()
    card = environment(autoescape=False).get_template(template).render(**values, settings=settings, yaml=as_yaml)
    path = folder / "README.md"
    path.write_text(card, encoding="utf-8")
    return path
