"""Write checkpoints as the Trainer does, without training."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def write_checkpoint(folder: Path, best_step: int | None = None) -> None:
    """Write the files of a checkpoint that training continues from, with the step of the best one."""
    folder.mkdir(parents=True)
    save_file({"a": torch.zeros(1000)}, folder / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt"):
        torch.save({"a": torch.zeros(1000)}, folder / name)
    (folder / "trainer_state.json").write_text(json.dumps({"best_global_step": best_step}), encoding="utf-8")
