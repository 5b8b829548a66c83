"""Encoders of other architectures, as on the hub, go through the whole command up to scoring with their ONNX file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA
from transformers import (
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
)

import certainty
from certainty.cli import main
from certainty.engines import open_engine

SHAPE = {
    "vocab_size": 400,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "cls_token_id": 0,
    "sep_token_id": 2,
}


def camembertav2() -> PreTrainedModel:
    """The architecture of almanach/camembertav2-base."""
    return DebertaV2ForMaskedLM(
        DebertaV2Config(
            **SHAPE,
            type_vocab_size=0,
            relative_attention=True,
            position_buckets=16,
            pos_att_type=["p2c", "c2p"],
            share_att_key=True,
            position_biased_input=False,
            norm_rel_ebd="layer_norm",
        )
    )


def moderncamembert() -> PreTrainedModel:
    """The architecture of almanach/moderncamembert-base."""
    return ModernBertForMaskedLM(ModernBertConfig(**SHAPE, local_attention=16))


@pytest.mark.parametrize("build", [camembertav2, moderncamembert])
def test_another_architecture_is_trained_exported_and_scored(build, tiny_encoder: Path, tmp_path: Path) -> None:
    encoder, folder, config = tmp_path / "encoder", tmp_path / "model", tmp_path / "settings.yaml"
    build().save_pretrained(encoder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_encoder / name, encoder)
    config.write_text("epochs: 1\nbatch_size: 16\nbf16: false\n")
    arguments = ["--train", DATA / "tiny.jsonl", "--dev", DATA / "tiny_dev.jsonl", "--encoder", encoder]
    assert main(["train", *(str(a) for a in [*arguments, "--config", config, "--output", folder])]) == 0
    sentences = ["La Russie aurait livré des armes.", "Moscou dément.", "Le train est arrivé à l'heure. " * 8]
    onnx, torch = (certainty.load(folder, engine=engine).predict_proba(sentences) for engine in ("onnx", "torch"))
    np.testing.assert_allclose(onnx, torch, atol=1e-4)
    ids = np.array([[0, 7, 9, 2], [0, 8, 10, 2]])
    traced, exact = (open_engine(engine, folder, 1, "cpu").run(ids, np.ones_like(ids)) for engine in ("onnx", "torch"))
    for head, logits in exact._asdict().items():
        np.testing.assert_allclose(getattr(traced, head), logits, atol=1e-2, err_msg=head)  # weights of 16 bits
    alone = np.concatenate([certainty.load(folder).predict_proba([sentence]) for sentence in sentences])
    np.testing.assert_allclose(onnx, alone, atol=1e-5)
