"""Replaced-token detection: the generator's start, its samples, shared embeddings, the losses and what is logged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import DATA
from torch import Tensor
from transformers import CamembertForMaskedLM

from certainty.labelled import read_labelled
from training.encoder import new_encoder
from training.masked_language_model import MaskedLanguageModel
from training.masking import MASK
from training.pretrain import pretrain
from training.replaced_token_detection import ReplacedTokenDetection, new_generator, sample
from training.settings import PretrainingSettings

Batch = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def settings(tiny_encoder: Path) -> PretrainingSettings:
    return PretrainingSettings(text=["x"], objective="rtd", initial=str(tiny_encoder))


@pytest.fixture
def encoder(settings: PretrainingSettings) -> CamembertForMaskedLM:
    encoder = new_encoder(settings)
    with torch.no_grad():  # larger than at the start, so that a mistake shows
        for parameter in encoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return encoder


@pytest.fixture
def batch() -> Batch:
    ids = torch.randint(5, 100, (4, 16), generator=torch.Generator().manual_seed(0))
    positions = torch.arange(0, 64, 4)
    labels = ids.flatten()[positions]
    return ids.flatten().index_fill(0, positions, MASK).view_as(ids), positions, labels


@torch.no_grad()
def test_a_generator_of_the_same_shape_starts_as_the_encoder(encoder: CamembertForMaskedLM, batch: Batch) -> None:
    generator = new_generator(encoder, layers=1.0, width=1.0)
    torch.testing.assert_close(generator(batch[0]).logits, encoder(batch[0]).logits, atol=1e-4, rtol=1e-4)
    small = new_generator(encoder, layers=0.5, width=0.5)
    assert (small.config.num_hidden_layers, small.config.hidden_size, small.config.num_attention_heads) == (1, 16, 1)
    assert small(batch[0]).logits.shape == (4, 16, encoder.config.vocab_size)


def test_samples_follow_the_distribution() -> None:
    torch.manual_seed(0)
    probabilities = torch.tensor([0.0, 0.5, 0.0, 0.2, 0.3, 0.0])
    drawn = sample(probabilities.log().expand(20_000, -1))
    torch.testing.assert_close(torch.bincount(drawn, minlength=6) / 20_000, probabilities, atol=0.02, rtol=0)
    torch.manual_seed(0)
    assert torch.equal(sample(probabilities.log().expand(20_000, -1)), drawn)


@torch.no_grad()
def test_the_encoder_is_written_with_its_full_embeddings(
    encoder: CamembertForMaskedLM, settings: PretrainingSettings, batch: Batch
) -> None:
    expected = MaskedLanguageModel(encoder).held_out_loss(*batch)
    model = ReplacedTokenDetection(encoder, settings)
    torch.testing.assert_close(model.held_out_loss(*batch), expected)
    difference = model.model.roberta.embeddings.word_embeddings.weight
    difference.add_(0.1 * torch.randn_like(difference))
    changed = model.held_out_loss(*batch)
    assert abs(changed - expected) > 1e-3
    torch.testing.assert_close(MaskedLanguageModel(model.encoder()).held_out_loss(*batch), changed)
    torch.testing.assert_close(model.held_out_loss(*batch), changed)


def test_the_discriminator_leaves_the_generator_alone(
    encoder: CamembertForMaskedLM, settings: PretrainingSettings, batch: Batch
) -> None:
    model = ReplacedTokenDetection(encoder, settings)
    losses = model(*batch)
    (losses["discriminator_loss"] + losses["correction_loss"]).backward(retain_graph=True)
    assert all(p.grad is None for p in model.generator.parameters())
    assert model.model.roberta.embeddings.word_embeddings.weight.grad.abs().sum() > 0
    parts = losses["generator_loss"] + 50 * losses["discriminator_loss"] + losses["correction_loss"]
    torch.testing.assert_close(losses["loss"], parts)
    without = ReplacedTokenDetection(encoder, replace(settings, correction_weight=0.0))(*batch)
    assert "correction_loss" not in without


def test_bfloat16_gives_about_the_same_losses(
    encoder: CamembertForMaskedLM, settings: PretrainingSettings, batch: Batch
) -> None:
    model = ReplacedTokenDetection(encoder, settings)
    torch.manual_seed(0)
    single = model(*batch)
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(0)
        half = model(*batch)
    assert half["generator_loss"].dtype == half["discriminator_loss"].dtype == torch.float32
    torch.testing.assert_close(half["generator_loss"], single["generator_loss"], rtol=0.02, atol=0)
    half["loss"].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_replacements_are_judged_and_kept_masks_are_not(
    encoder: CamembertForMaskedLM, settings: PretrainingSettings, batch: Batch
) -> None:
    ids, positions, labels = batch
    model = ReplacedTokenDetection(encoder, replace(settings, masks_kept=0.0))
    last = model.detector[-1]
    with torch.no_grad():
        model.generator.generator_lm_head.bias[7] = 1e4  # every sample is token 7
        last.weight.zero_()
        last.bias.fill_(10.0)  # every token counts as replaced
    found = model(ids, positions, labels)
    replaced = int((labels != 7).sum())
    assert found["detected_replacements"] == 1
    assert found["discriminator_loss"].item() == pytest.approx(10 * (64 - replaced) / 64, rel=1e-3)
    model.settings = replace(settings, masks_kept=1 - 1e-9)
    kept = model(ids, positions, labels)
    assert kept["detected_replacements"] == 0
    assert kept["discriminator_loss"].item() == pytest.approx(10, rel=1e-3)


def test_the_log_tells_how_generator_and_discriminator_do(settings: PretrainingSettings, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    sentences = [s.text for s in read_labelled(DATA / "tiny.jsonl")]
    text.write_text("\n".join(f"{a} {b}" for a in sentences for b in sentences[:8]), encoding="utf-8")
    short = replace(
        settings,
        text=[str(text)],
        output=str(tmp_path),
        curriculum=[[1.0, 16]],
        batch_tokens=256,
        total_tokens=3 * 256,
        compile=False,
        threads=1,
    )
    pretrain(short)
    (row,) = json.loads((tmp_path / "log.json").read_text())
    assert row["tokens"] == 3 * 256, "the discriminator's tokens"
    assert 0 <= row["detected_replacements"] <= 1
    parts = row["generator_loss"] + 50 * row["discriminator_loss"] + row["correction_loss"]
    assert row["loss"] == pytest.approx(parts, abs=0.01)
    assert any((tmp_path / "tensorboard").iterdir())
    assert "replaced-token detection" in (tmp_path / "encoder" / "README.md").read_text()
