"""Record in `certainty.json` how a model was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import transformers

import certainty
from certainty.calibration import Calibration
from certainty.finetuning.data import FinetuningData
from certainty.finetuning.pseudo_labels import pseudo_label_metadata
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.setup import Setup
from certainty.finetuning.start import Start
from certainty.labelled import Columns, LabelledSentence, digest
from certainty.labels import LABELS

__all__ = ["provenance"]


def provenance(
    settings: FinetuningSettings,
    start: Start,
    data: FinetuningData,
    setup: Setup,
    calibration: Calibration,
    initial_share: float,
    share_is_chosen: bool,
) -> dict[str, Any]:
    """Return the model's provenance: its start, data, trained heads, calibration, steps and package versions."""

    def split(name: str, sentences: Sequence[LabelledSentence]) -> dict[str, Any]:
        labels = {label.value: sum(s.label is label for s in sentences) for label in LABELS}
        labels["no_claim"] = sum(not s.claim for s in sentences)
        files = {"files": data.names[name]} if data.names[name] else {}
        return {**files, "sentences": len(sentences), "labels": labels, "sha256": digest(sentences)}

    distilled = {"pseudo_labels": pseudo_label_metadata(settings.pseudo_labels)} if settings.pseudo_labels else {}
    replayed = {"replay": settings.replay} if settings.replay else {}
    averaged = {"initial_share": initial_share, "initial_share_chosen": share_is_chosen} if start.model else {}
    folds = {"folds": settings.folds} if data.folds else {}
    own_names = {"label_names": dict(data.label_names)} if data.label_names else {}
    own_columns = (
        {"columns": {"text": data.columns.text, "label": data.columns.label}} if data.columns != Columns() else {}
    )
    state = setup.trainer.state
    return {
        **start.origin,
        "train": split("train", data.train),
        "dev": split("dev", data.dev),
        **folds,
        **own_names,
        **own_columns,
        **replayed,
        **averaged,
        **distilled,
        "heads": list(setup.heads),
        "calibration": {"temperature": calibration.temperature, "bias": list(calibration.bias)},
        "best_step": state.best_global_step,
        "steps": state.global_step,
        "versions": {
            "certainty": certainty.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }
