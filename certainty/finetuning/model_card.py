"""Write the model card from the fine-tuning run that made the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from certainty.evaluation import METRICS
from certainty.evaluation.wording import number, p_value
from certainty.finetuning.origin import read_origin
from certainty.finetuning.verdict import compared_with_initial
from certainty.labels import LABELS
from certainty.model_folder import HEADS, ModelSettings
from certainty.settings_file import Settings, as_yaml
from certainty.templating import environment
from certainty.writing import write_whole

__all__ = ["write_model_card"]

TASK = "text-classification"
INDEXED = {"macro_f1": "f1", "accuracy": "accuracy", "ece": "expected_calibration_error"}
"""Metrics included in the card's `model-index`, with the names they have there."""
TAGS = ["epistemic-modality", "factuality", "hedging", "calibration", "onnx"]


def write_model_card(
    folder: Path,
    name: str,
    settings: Settings,
    model: ModelSettings,
    evaluation: Mapping[str, Any],
    location: str | None = None,
    license_name: str | None = None,
) -> Path:
    """Write `README.md` into the model folder.

    Args:
        folder: The model folder; must contain `config.json`, and the origin of the encoder if that is known.
        name: The model's name.
        settings: The fine-tuning settings.
        model: The model settings stored in `certainty.json`.
        evaluation: The result of `certainty.evaluation.Evaluation.to_dict` for each split.
        location: The argument of `certainty.load` in the card's example; None means the folder.
        license_name: Licence of the encoder or model that the run started from; None if unknown.

    Returns:
        The path of the card.
    """
    against = (model.training or {}).get("against_initial")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    origin = read_origin(folder) or {"sources": []}
    templates = environment(__package__, autoescape=False)
    templates.filters["p_value"] = p_value
    templates.filters["number"] = number  # which shows what could not be measured as a dash
    body = templates.get_template("model_card.md.j2").render(
        name=name,
        location=json.dumps(location or str(folder), ensure_ascii=False),
        labels=[label.value for label in LABELS],
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        vocabulary=config["vocab_size"],
        architecture=config["architectures"][0],
        model=model,
        untaught=[head for head in HEADS if head not in model.heads],
        training=model.training,
        sources=origin["sources"],
        comparison=compared_with_initial(against) if against else None,
        evaluation=evaluation,
        titles=METRICS,
        yaml=as_yaml(settings).strip(),
    )
    built_on = next((source["name"] for source in origin["sources"]), None)
    data = card_data(name, model.training or {}, evaluation, license_name, built_on)
    path = folder / "README.md"
    write_whole(path, str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}")))
    return path


def card_data(
    name: str,
    training: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    license_name: str | None,
    built_on: str | None = None,
) -> ModelCardData:
    """Return the metadata for the YAML header of the card.

    `built_on` is the model on a hub from which the encoder was made; it is named unless the run started from a
    fine-tuned model on a hub.
    """
    initial = training.get("initial", "")
    files = dict.fromkeys(file for split in ("train", "dev") for file in training[split].get("files", ()))
    return ModelCardData(
        language="fr",
        license=license_name,
        library_name="certainty",
        pipeline_tag=TASK,
        base_model=initial if "/" in initial else built_on or initial or training["encoder"],
        datasets=list(files) or None,
        tags=TAGS,
        model_name=name,
        eval_results=list(_results(evaluation)),
    )


def _results(evaluation: Mapping[str, Any]) -> Iterator[EvalResult]:
    for split, result in evaluation.items():
        for metric, kind in INDEXED.items():
            if result["metrics"][metric]["rows"]:
                yield EvalResult(
                    task_type=TASK,
                    dataset_type="certainty",
                    dataset_name=split,
                    dataset_split=split,  # by which the card keeps them apart
                    metric_type=kind,
                    metric_name=METRICS[metric].title,
                    metric_value=round(result["metrics"][metric]["value"], 4),
                )
