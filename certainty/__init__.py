"""How a French text commits itself to what it claims: asserted, probable, personal opinion or denied."""

from certainty.api import load, score
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.labels import Label
from certainty.model_info import ModelInfo
from certainty.results import Cue, Document, SentenceScore

__all__ = [
    "CertaintyClassifier",
    "CertaintyError",
    "Cue",
    "Document",
    "Label",
    "ModelInfo",
    "SentenceScore",
    "load",
    "score",
]
__version__ = "0.4.0"
