"""The settings of an archive, which decide what its rows are."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from certainty.documents.reader import ReadingOptions
from certainty.errors import CertaintyError
from certainty.messages import argument
from certainty.sentence_score import checked_probability

ArchiveFormat = Literal["parquet", "jsonl"]
FORMATS: tuple[ArchiveFormat, ...] = get_args(ArchiveFormat)


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """What an archive is to contain; a run can only be resumed with the same settings.

    Attributes:
        text_column: Column of a table that holds the texts.
        id_column: Column of a table that identifies its rows; None takes `id`, or numbers the rows.
        encoding: Encoding of texts, pages and CSV; None detects it.
        fix_encoding: Repair accents that were decoded wrongly.
        force: Also score texts that are mostly markup, encoded or undecodable, logs, and sources of mails, subtitles
            and LaTeX.
        format: Format of the rows, "parquet" or "jsonl".
        min_confidence: If given, each row has `undecided`: whether it is a claim whose label is less probable.
        part_sentences: Number of sentences after which a part ends, with the document in progress.

    Raises:
        CertaintyError: If a value is not allowed.
    """

    text_column: str = "text"
    id_column: str | None = None
    encoding: str | None = None
    fix_encoding: bool = False
    force: bool = False
    format: ArchiveFormat = "parquet"
    min_confidence: float | None = None
    part_sentences: int = 20_000
    reading: ReadingOptions = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise CertaintyError(f"format is {self.format!r}; it must be one of {', '.join(FORMATS)}.")
        if self.min_confidence is not None:
            checked_probability(self.min_confidence, "min_confidence")
        size = self.part_sentences
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise CertaintyError(f"{argument('part_sentences')} is {size!r}; it must be a whole number of at least 1.")
        options = ReadingOptions(self.encoding, self.text_column, self.id_column, self.force, self.fix_encoding)
        object.__setattr__(self, "reading", options)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        values = asdict(self)
        del values["reading"]
        return values
