"""Score a Ray dataset on a cluster: one row per sentence, with the columns of its document."""

from certainty.archive.datasets import score_dataset

__all__ = ["score_dataset"]
