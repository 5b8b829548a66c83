"""Split French text into sentences and label each claim: asserted, probable, personal opinion or denied."""

from typing import TYPE_CHECKING

from certainty.api import load, score
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.labels import Label
from certainty.model_info import ModelInfo
from certainty.results import Cue, Document, SentenceScore, Source

if TYPE_CHECKING:
    from certainty.comparison import Change, Comparison, SentencePair, compare
    from certainty.documents.files import read_files

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

_COMPARISON = ("Change", "Comparison", "SentencePair", "compare")
_IMPORTED_LATER = {**dict.fromkeys(_COMPARISON, "certainty.comparison"), "read_files": "certainty.documents.files"}

if not TYPE_CHECKING:  # or any misspelt name would pass a check of types

    def __getattr__(name: str) -> object:
        """Import what few programs use, and takes long to import, when it is first asked for."""
        if name not in _IMPORTED_LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        globals()[name] = value = getattr(import_module(_IMPORTED_LATER[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
