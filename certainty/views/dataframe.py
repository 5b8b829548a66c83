"""Convert a scored text to a pandas DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certainty.extras import needs
from certainty.labels import LABELS
from certainty.sentence_score import ScoredText
from certainty.views.records import COLUMNS, flat_record

if TYPE_CHECKING:
    import pandas

_TYPES = {
    "text": "str",
    "start": "int64",
    "end": "int64",
    "label": "str",
    "probability": "float64",
    **{label.value: "float64" for label in LABELS},
    "claim_probability": "float64",
    "certainty": "float64",
    "is_claim": "boolean",
    "attributed": "boolean",
    "cues": "object",
    "second": "string",
    "second_probability": "float64",
    "second_cues": "object",
    "source": "object",
    "unread": "int64",
}


def to_dataframe(document: ScoredText) -> pandas.DataFrame:
    """Return one row per sentence, with the columns of the CSV output.

    `certainty` is NaN if there is no claim; what the model cannot tell is NaN or NA. `cues` and `second_cues` contain
    lists of `{"start": …, "end": …, "text": …}`, which Parquet, Feather and `datasets.Dataset.from_pandas` accept;
    `source` contains one such dict or None.

    Raises:
        MissingExtraError: If pandas is not installed.
    """
    needs("pandas", extra="pandas", user="to_dataframe")
    import pandas

    frame = pandas.DataFrame([flat_record(sentence) for sentence in document], columns=list(COLUMNS))
    return frame.astype(_TYPES)
