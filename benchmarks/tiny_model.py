"""A model of random weights with the shipped tokenizer, for benchmarks of what surrounds a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from certainty.model_folder import SETTINGS_FILE, default_model

_COPIED = ("tokenizer.json", "tokenizer_config.json")
_THRESHOLDS = {
    "claim_threshold": 0.05,
    "attributed_threshold": 0.4,
    "cue_threshold": 0.5,
    "second_threshold": 0.5,
    "source_threshold": 0.1,
}


def write_tiny_model(folder: Path, seed: int = 0) -> None:
    """Write a model of two layers of 32 with all heads, for the engine "onnx".

    Its answers mean nothing, but have all parts: labels, cues, sources and second claims.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from certainty.engines.modeling import CertaintyModel
    from certainty.finetuning.export.onnx import export_onnx

    torch.manual_seed(seed)
    config = AutoConfig.from_pretrained(default_model())
    config.update({"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64})
    config.update({"initializer_range": 1.0})  # else all sentences get the same answer
    model = CertaintyModel(AutoModelForSequenceClassification.from_config(config)).eval()
    model.save_pretrained(folder)
    export_onnx(model, folder)
    for name in _COPIED:
        shutil.copyfile(default_model() / name, folder / name)
    settings = json.loads((default_model() / SETTINGS_FILE).read_text(encoding="utf-8"))
    settings |= {**_THRESHOLDS, "engine": "onnx"}
    (folder / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")
