"""The processes of one run that torchrun starts."""

from __future__ import annotations

import os

from certainty.errors import CertaintyError
from certainty.finetuning.settings import FinetuningSettings
from certainty.messages import argument


def is_first() -> bool:
    """Return whether this process is the one that writes and reports: the only one, or the first of torchrun."""
    return os.environ.get("RANK", "0") == "0"


def check_processes(settings: FinetuningSettings) -> None:
    """Check that a cross-validation runs in one process.

    Raises:
        CertaintyError: it does not.
    """
    if settings.folds and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise CertaintyError(
            f"{argument('folds')} cannot be used with several processes; start one, or give {argument('dev')} instead."
        )
