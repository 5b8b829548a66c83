"""An encoder is cut to some of its layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, CamembertForMaskedLM

from training.pretraining.cut_layers import main


def test_the_layers_asked_for_are_kept(tiny_encoder: Path, tmp_path: Path) -> None:
    output = tmp_path / "cut"
    assert main(["--encoder", str(tiny_encoder), "--keep-layers", "1", "--output", str(output)]) == 0
    whole, cut = (CamembertForMaskedLM.from_pretrained(folder) for folder in (tiny_encoder, output))
    assert cut.config.num_hidden_layers == 1
    kept, layer = (m.roberta.encoder.layer[i].output.dense.weight.float() for m, i in ((cut, 0), (whole, 1)))
    torch.testing.assert_close(kept, layer, atol=1e-3, rtol=1e-3)
    text = "Le maire a signé."
    old, new = (AutoTokenizer.from_pretrained(folder)(text)["input_ids"] for folder in (tiny_encoder, output))
    assert old == new


def test_a_layer_that_is_not_there_is_named(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--encoder", str(tiny_encoder), "--keep-layers", "0", "9", "--output", str(tmp_path / "cut")]) == 2
    assert "has no layer 9, only 0 to 1" in capsys.readouterr().err
    assert not (tmp_path / "cut").exists()
