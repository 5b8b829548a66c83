"""Models of random weights with the shipped tokenizer: a tiny one, for what surrounds a model, and a larger one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.model_folder import SETTINGS_FILE, default_model

if TYPE_CHECKING:
    from certainty.engines.modeling import CertaintyModel

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
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    _write(folder, seed, {**shape, "initializer_range": 1.0})  # else all sentences get the same answer


def write_larger_model(folder: Path, sentences: Sequence[str], seed: int = 0) -> None:
    """Write a model that has six layers more than the shipped one, for the engines "onnx" and "onnx-int8".

    Only its time is meaningful.

    Args:
        folder: The folder to write.
        sentences: Typical sentences, which decide the ranges of the integers.
        seed: Seed of the weights.
    """
    from transformers import AutoConfig

    from certainty.finetuning.export.onnx import export_int8
    from certainty.tokenising import SentenceTokenizer

    shipped = AutoConfig.from_pretrained(default_model())
    model = _write(folder, seed, {"num_hidden_layers": shipped.num_hidden_layers + 6})
    tokenizer = SentenceTokenizer.from_folder(folder)
    first, last = tokenizer.special
    ids = [[first, *encoding.ids[: shipped.max_position_embeddings - 4], last] for encoding in tokenizer(sentences)]
    export_int8(model, folder, ids, shipped.pad_token_id)


def _write(folder: Path, seed: int, shape: Mapping[str, Any]) -> CertaintyModel:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from certainty.engines.modeling import CertaintyModel
    from certainty.finetuning.export.onnx import export_onnx

    torch.manual_seed(seed)
    config = AutoConfig.from_pretrained(default_model())
    config.update(shape)
    model = CertaintyModel(AutoModelForSequenceClassification.from_config(config)).eval()
    model.save_pretrained(folder)
    export_onnx(model, folder)
    for name in _COPIED:
        shutil.copyfile(default_model() / name, folder / name)
    settings = json.loads((default_model() / SETTINGS_FILE).read_text(encoding="utf-8"))
    settings |= {**_THRESHOLDS, "engine": "onnx"}
    (folder / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")
    return model
