"""Fine-tune an encoder or an existing model on labelled sentences; the result is a folder for `certainty.load`."""

from certainty.extras import needs as _needs

_needs("filelock", "pydantic", "sklearn", "yaml", extra="train", user="fine-tuning")

from certainty.finetuning.run import finetune  # noqa: E402
from certainty.finetuning.settings import FinetuningSettings  # noqa: E402
from certainty.finetuning.verdict import compared_with_initial  # noqa: E402

__all__ = ["FinetuningSettings", "compared_with_initial", "finetune"]
