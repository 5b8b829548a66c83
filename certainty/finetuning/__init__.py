"""Fine-tuning: an encoder, or a fine-tuned model, and labelled sentences → a folder that `certainty.load` opens."""

from __future__ import annotations

from certainty.errors import CertaintyError

try:
    from certainty.finetuning.run import finetune
    from certainty.finetuning.settings import FinetuningSettings
except ModuleNotFoundError as error:
    if (error.name or "certainty").split(".")[0] == "certainty":
        raise  # a bug, not a missing library
    raise CertaintyError(f"fine-tuning needs {error.name}: pip install 'certainty-fr[train]'.") from error

__all__ = ["FinetuningSettings", "finetune"]
