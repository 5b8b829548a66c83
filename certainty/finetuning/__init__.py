"""Fine-tuning: an encoder, or a fine-tuned model, and labelled sentences → a folder that `certainty.load` opens."""

from certainty.extras import needs as _needs

_needs("torch", "accelerate", "onnxscript", "pydantic", "yaml", extra="train", user="fine-tuning")

from certainty.finetuning.run import finetune  # noqa: E402
from certainty.finetuning.settings import FinetuningSettings  # noqa: E402

__all__ = ["FinetuningSettings", "finetune"]
