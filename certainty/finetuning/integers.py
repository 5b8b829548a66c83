"""Export the graph in integers and decide whether a model's default engine is this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from certainty.engines import open_engine
from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.dev_logits import DevSentences
from certainty.finetuning.export.int8_check import LEAST_SENTENCES, int8_comparison
from certainty.finetuning.export.onnx import export_int8
from certainty.model_folder import ModelSettings

__all__ = ["TYPICAL_SENTENCES", "with_integers"]

TYPICAL_SENTENCES = 512
"""Number of training sentences used to measure the ranges of the activations."""


def with_integers(
    model: CertaintyModel,
    folder: Path,
    typical: Sequence[list[int]],
    dev: DevSentences,
    settings: ModelSettings,
    *,
    may_be_default: bool = True,
) -> ModelSettings:
    """Write `model.int8.onnx` and return the settings with its comparison with `model.onnx`, and the better engine.

    The faster graph comes first, the one that is nearer to 32-bit floats only if that one is not as good.

    Args:
        model: The model, already written to the folder with `model.onnx`.
        folder: The model folder.
        typical: Token ids of typical sentences, including special tokens.
        dev: Held-out sentences.
        settings: The settings of the model.
        may_be_default: Whether the integers may become the model's engine. Sentences of train show too little for that.
    """
    exact = None
    for fixed_scales in (True, False):
        if not export_int8(model, folder, typical, settings.pad_token_id, fixed_scales):
            break
        exact = exact or dev.logits(open_engine("onnx", folder).run)
        integer = dev.logits(open_engine("onnx-int8", folder).run)
        scores = dev.scores(exact, settings), dev.scores(integer, settings)
        compared = {
            **int8_comparison(exact.label, integer.label, dev.gold, scores),
            "fixed_scales": fixed_scales,
            "exact_sums": True,
        }
        engine = "onnx-int8" if compared["as_good"] and may_be_default else "onnx"
        settings = replace(settings, engine=engine, training={**(settings.training or {}), "int8": compared})
        if compared["as_good"] or compared["sentences"] < LEAST_SENTENCES:
            break
    return settings
