"""Write the card of an encoder, at the end of the run that trained it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from certainty.digests import file_digest
from certainty.finetuning.origin import inherit_origin
from certainty.model_folder import WEIGHTS_FILE
from certainty.settings_file import as_yaml
from certainty.templating import environment
from certainty.writing import write_whole
from training.pretraining.settings import PretrainingSettings

STAGES_FILE = "pretraining.json"


def write_encoder_card(
    folder: Path,
    name: str,
    settings: PretrainingSettings,
    files: Mapping[str, Mapping[str, int]],
    log: Sequence[Mapping[str, Any]],
) -> Path:
    """Write `README.md`, and `pretraining.json` with the stages of the training, to the folder of an encoder.

    If the run continued from an encoder with such a file, its stage is added to those in the file, and the origin of
    that encoder (`training.pretraining.origin`) is repeated.

    Args:
        folder: The folder, which already has the weights.
        name: Name of the encoder.
        settings: Settings of the run.
        files: Number of `paragraphs` and `tokens` of each text file.
        log: The rows of the run's `log.json`.
    """
    before = Path(settings.initial) / STAGES_FILE if settings.initial else None
    stages = json.loads(before.read_text(encoding="utf-8")) if before and before.is_file() else []
    removed = "exact and near" if settings.deduplicate else "no"
    stages.append({"settings": settings.model_dump(), "files": files, "duplicates_removed": removed, "log": log})
    write_whole(folder / STAGES_FILE, json.dumps(stages, indent=1, ensure_ascii=False) + "\n")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    values = {
        "name": name,
        "stages": stages,
        "tokens": sum(stage["log"][-1]["tokens"] for stage in stages),
        "longest": config["max_position_embeddings"] - 2,
        "config": config,
        "origin": inherit_origin(settings.initial, folder),
        "digest": file_digest(folder / WEIGHTS_FILE),
    }
    template = environment(__package__, autoescape=False).get_template("encoder_card.md.j2")
    path = folder / "README.md"
    write_whole(path, template.render(**values, settings=settings, yaml=as_yaml(settings).strip()))
    return path
