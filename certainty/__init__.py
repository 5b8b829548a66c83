"""Split French text into sentences and label each claim: asserted, probable, personal opinion or denied."""

from certainty.api import load, score
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.labels import Label
from certainty.results import Cue, Document, SentenceScore, Source

__all__ = [
    "CertaintyClassifier",
    "CertaintyError",
    "Cue",
    "Document",
    "Label",
    "SentenceScore",
    "Source",
    "load",
    "score",
]
__version__ = "0.4.0"
