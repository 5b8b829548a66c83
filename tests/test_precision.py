"""The precision in which models are trained."""

from __future__ import annotations

import pytest
import torch

from certainty.finetuning import precision
from certainty.finetuning.precision import bf16_is_fast


@pytest.mark.parametrize(
    ("has_instructions", "seconds", "fast"), [(True, 0.5, True), (True, 2.0, False), (False, 0.5, False)]
)
def test_bfloat16_is_used_only_where_it_saves_time(
    has_instructions: bool, seconds: float, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: has_instructions)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(precision, "_seconds", lambda dtype: seconds if dtype is torch.bfloat16 else 1.0)
    precision._saves_time.cache_clear()
    assert bf16_is_fast(torch.device("cpu")) is fast
    precision._saves_time.cache_clear()
    assert not bf16_is_fast(torch.device("meta"))
