"""The commands, and a text that `certainty score` is run on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

TEXT = "Le maire a signé. Le pont aurait cédé.\n\n« Je crois qu’il a tort », dit-elle. Qui paiera ?\n"
COMMANDS = ["score", "view", "serve", "threshold", "train", "evaluate", "doctor", "completion", "label"]
COMMANDS += ["label export", "label import"]
COMMANDS += ["label agreement", "label merge", "label suggest", "label audit", "label correct"]
Score = Callable[..., int]


def scoring(tiny_model: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "certainty", "score", "--model", str(tiny_model), *map(str, arguments)]
