"""A pandas DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certainty.extras import needs
from certainty.labels import LABELS
from certainty.results import Document

if TYPE_CHECKING:
    import pandas

_TYPES = {
    "start": "int64",
    "end": "int64",
    **{label.value: "float64" for label in LABELS},
    "certainty": "float64",
    "is_claim": "bool",
    "attributed": "bool",
}


def to_dataframe(document: Document) -> pandas.DataFrame:
    """Return one row a sentence.

    Columns: text, start, end, label, a column for each label's probability, certainty, is_claim, attributed, cues (a
    tuple of `Cue`s).

    Raises:
        MissingExtraError: pandas is not installed.
    """
    needs("pandas", extra="pandas", user="to_dataframe")
    import pandas

    frame = pandas.DataFrame(
        {
            "text": [s.text for s in document],
            "start": [s.start for s in document],
            "end": [s.end for s in document],
            "label": [s.label.value for s in document],
            **{label.value: [s.probabilities[label] for s in document] for label in LABELS},
            "certainty": [s.certainty for s in document],
            "is_claim": [s.is_claim for s in document],
            "attributed": [s.attributed for s in document],
            "cues": [s.cues for s in document],
        }
    )
    return frame.astype(_TYPES)
