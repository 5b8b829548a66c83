"""What scoring returns: a `Document` of `SentenceScore`s."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from certainty.labels import Label

if TYPE_CHECKING:
    import pandas


class Cue(NamedTuple):
    """Words that decided a label: `document.text[start:end] == text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """One sentence and how it commits itself to its main claim.

    Attributes:
        text: The sentence as it stands in the given text.
        start, end: Its character offsets: `given[start:end] == text`.
        label: The most probable label.
        probabilities: Calibrated probability of each label; they sum to 1.
        is_claim: False for a question, a heading or a fragment, which claims nothing.
        attributed: The main claim is attributed to a source in the sentence.
        cues: The words that decided the label; empty for `asserted`.
    """

    text: str
    start: int
    end: int
    label: Label
    probabilities: dict[Label, float]
    is_claim: bool
    attributed: bool
    cues: tuple[Cue, ...]

    @property
    def probability(self) -> float:
        """Probability of the label."""
        return self.probabilities[self.label]

    @property
    def certainty(self) -> float:
        """P(asserted) + P(denied), in [0, 1]: how settled the claim is presented."""
        return min(1.0, self.probabilities[Label.ASSERTED] + self.probabilities[Label.DENIED])

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings, numbers and booleans, ready for JSON."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "label": self.label.value,
            "probabilities": {label.value: p for label, p in self.probabilities.items()},
            "certainty": self.certainty,
            "is_claim": self.is_claim,
            "attributed": self.attributed,
            "cues": [cue._asdict() for cue in self.cues],
        }


@dataclass(frozen=True, slots=True)
class Document(Sequence[SentenceScore]):
    """The scored sentences of one text, in order.

    Attributes:
        text: The text as it was given.
        sentences: Its scored sentences.
    """

    text: str
    sentences: tuple[SentenceScore, ...]

    @overload
    def __getitem__(self, index: int) -> SentenceScore: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SentenceScore, ...]: ...
    def __getitem__(self, index: int | slice) -> SentenceScore | tuple[SentenceScore, ...]:
        return self.sentences[index]

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[SentenceScore]:
        return iter(self.sentences)

    def counts(self) -> dict[Label, int]:
        """Count the claims of each label (sentences that make no claim are left out)."""
        return {label: sum(s.is_claim and s.label is label for s in self) for label in Label}

    def to_dict(self) -> dict[str, Any]:
        """Return `{"text": …, "sentences": [SentenceScore.to_dict(), …]}`."""
        return {"text": self.text, "sentences": [sentence.to_dict() for sentence in self]}

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict` as a JSON string (a lone surrogate in the text is escaped)."""
        result = json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)
        if not result.isascii():
            try:
                result.encode()
            except UnicodeEncodeError:
                return json.dumps(self.to_dict(), indent=indent)
        return result

    def to_html(self) -> str:
        """Return a self-contained HTML page: sentences coloured by label, cues underlined."""
        from certainty.views.html import render_page

        return render_page([self])

    def _repr_html_(self) -> str:
        from certainty.views.html import render_fragment

        return render_fragment(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """Return one row a sentence: its attributes, and a column for the probability of each label.

        Raises:
            ImportError: pandas is not installed (`pip install certainty[pandas]`).
        """
        from certainty.views.dataframe import to_dataframe

        return to_dataframe(self)
