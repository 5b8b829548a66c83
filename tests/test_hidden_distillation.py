"""A cut encoder learns the hidden states of the whole one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import CamembertConfig, CamembertForMaskedLM

from certainty import CertaintyError
from training.pretraining.encoder import keep_layers, open_encoder
from training.pretraining.hidden_distillation import HiddenDistillation
from training.pretraining.pretrain import pretrain
from training.pretraining.settings import PretrainingSettings


@pytest.fixture
def settings(tiny_encoder: Path, tmp_path: Path) -> PretrainingSettings:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"Le maire a signé l'arrêté {i} hier soir." for i in range(600)), encoding="utf-8")
    return PretrainingSettings(
        text=[str(text)],
        initial=str(tiny_encoder),
        keep_layers=[1],
        teacher=str(tiny_encoder),
        output=str(tmp_path / "run"),
        vocab_size=400,
        curriculum=[[1.0, 16]],
        batch_tokens=256,
        total_tokens=256 * 40,
        learning_rate=0.003,
        warmup_steps=2,
        deduplicate=False,
        compile=False,
        threads=1,
    )


def test_the_student_comes_closer_and_resumes(settings: PretrainingSettings, tiny_encoder: Path) -> None:
    first = pretrain(settings, stop_after=4)[-1]
    last = pretrain(settings)[-1]
    assert last["step"] == 40
    assert last["loss"] < 0.8 * first["loss"]
    student = CamembertForMaskedLM.from_pretrained(Path(settings.output) / "encoder")
    teacher = CamembertForMaskedLM.from_pretrained(tiny_encoder)
    assert student.config.num_hidden_layers == 1
    torch.testing.assert_close(student.lm_head.dense.weight.float(), teacher.lm_head.dense.weight, atol=1e-3, rtol=1e-3)


def test_a_layer_learns_the_state_at_its_height(tiny_encoder: Path) -> None:
    teacher, student = open_encoder(str(tiny_encoder)), open_encoder(str(tiny_encoder))
    keep_layers(student, [0])
    ids = torch.arange(5, 37).view(2, 16)
    masked, positions = ids.clone(), torch.tensor([3, 20])
    labels = ids.flatten()[positions]
    masked.view(-1)[positions] = 4
    loss = HiddenDistillation(student, teacher)
    assert loss.heights == [2]
    assert loss(student, masked, positions, labels) == loss(student, ids, positions, labels) > 0


def test_what_does_not_fit_is_told(settings: PretrainingSettings, tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(CertaintyError, match="it has 2 layers, the encoder 2"):
        pretrain(settings.replace(keep_layers=None))
    config = CamembertConfig(
        vocab_size=90, hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=64
    )
    CamembertForMaskedLM(config).save_pretrained(tmp_path / "other")
    with pytest.raises(CertaintyError, match="its vocab_size is 90, the encoder's"):
        pretrain(settings.replace(teacher=str(tmp_path / "other"), output=str(tmp_path / "second")))
