"""Split French text into sentences and label each claim: asserted, probable, personal opinion or denied."""

from certainty.api import load, score
from certainty.classifier import CertaintyClassifier
from certainty.comparison import Change, Comparison, SentencePair, compare
from certainty.documents.files import read_files
from certainty.errors import CertaintyError
from certainty.labels import Label
from certainty.model_info import ModelInfo
from certainty.results import Cue, Document, SentenceScore, Source

__all__ = [
    "CertaintyClassifier",
    "CertaintyError",
    "Change",
    "Comparison",
    "Cue",
    "Document",
    "Label",
    "ModelInfo",
    "SentencePair",
    "SentenceScore",
    "Source",
    "compare",
    "load",
    "read_files",
    "score",
]
__version__ = "0.5.0.dev0"
