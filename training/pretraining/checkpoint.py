"""Checkpoints of pretraining: weights and optimizer moments in one safetensors file, never half-written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from certainty import CertaintyError
from certainty.writing import draft


def save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, log: list[dict[str, Any]]) -> None:
    """Write weights and optimizer moments to one safetensors file, atomically; the log stands in its metadata."""
    names = dict(model.named_parameters())
    tensors = {f"model.{name}": p.detach().contiguous() for name, p in names.items()}
    for name, p in names.items():
        for key, value in optimizer.state[p].items():
            tensors[f"optimizer.{key}.{name}"] = value
    with draft(path) as unfinished:
        save_file(tensors, unfinished, metadata={"log": json.dumps(log)})


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """Restore what `save_checkpoint` wrote and return the log.

    Raises:
        CertaintyError: the checkpoint is of another model.
    """
    with safe_open(path, "pt") as file:
        keys = set(file.keys())
        if {key for key in keys if key.startswith("model.")} != {
            f"model.{name}" for name, _ in model.named_parameters()
        }:
            raise CertaintyError(
                f"{path}: of another model than the settings name. Choose another output, or delete it."
            )
        for name, p in model.named_parameters():
            with torch.no_grad():
                p.copy_(file.get_tensor(f"model.{name}"))
            optimizer.state[p] = {
                key: file.get_tensor(f"optimizer.{key}.{name}").to(p.device)
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"optimizer.{key}.{name}" in keys  # not where the loss does not depend on the parameter
            }
        log: list[dict[str, Any]] = json.loads(file.metadata()["log"])
    return log
