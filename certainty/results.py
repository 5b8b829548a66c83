"""What scoring returns: a `Document` of `SentenceScore`s."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from certainty.errors import CertaintyError
from certainty.labels import Label

if TYPE_CHECKING:
    import pandas


class Cue(NamedTuple):
    """Words that decided a label: `document.text[start:end] == text`.

    Attributes:
        start: Character offset of their first character in the text of the document.
        end: Character offset after their last character.
        text: The words.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """One sentence and how it commits itself to its main claim.

    Attributes:
        text: The sentence as it stands in the given text.
        start: Character offset of its first character in the given text.
        end: Character offset after its last character: `given[start:end] == text`.
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

    def filter(
        self,
        label: Label | str | Iterable[Label | str] | None = None,
        min_probability: float | None = None,
        attributed: bool | None = None,
        claims_only: bool = False,
    ) -> Document:
        """Return a document of the same text with only the sentences that meet every condition.

        Offsets still point into the text, and every view works: the rest of the text is shown without labels.

        Args:
            label: The label, or several of them; None takes all. A question or a heading has a label too:
                `claims_only` leaves it out, as `counts` does.
            min_probability: The least probability of the label, in [0, 1].
            attributed: True takes sentences attributed to a source, False the others.
            claims_only: Leave out sentences that make no claim.

        Raises:
            CertaintyError: there is no such label, or another value is not allowed; the message says what is.
        """
        if label is None:
            labels = set(Label)
        elif isinstance(label, str) or not isinstance(label, Iterable):
            labels = {Label.parse(label)}
        else:
            labels = {Label.parse(name) for name in label}
        least = 0.0 if min_probability is None else checked_probability(min_probability, "min_probability")
        if attributed not in (None, True, False):
            raise CertaintyError(f"attributed is {attributed!r}; give True, False, or None for all.")
        if claims_only not in (True, False):
            raise CertaintyError(f"claims_only is {claims_only!r}; give True or False.")
        return Document(
            self.text,
            tuple(
                s
                for s in self
                if s.label in labels
                and s.probability >= least
                and (attributed is None or s.attributed == attributed)
                and (s.is_claim or not claims_only)
            ),
        )

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

    def to_html(self, min_confidence: float | None = None) -> str:
        """Return a self-contained HTML page: sentences coloured by label, cues underlined, filters.

        Args:
            min_confidence: Claims whose label is less probable are shown as undecided; None shows all labels.

        Raises:
            CertaintyError: `min_confidence` is not between 0 and 1.
        """
        from certainty.views.html import render_page

        return render_page([self], min_confidence=min_confidence)

    def _repr_html_(self) -> str:
        from certainty.views.html import render_fragment

        return render_fragment(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """Return one row a sentence: its attributes, and a column for the probability of each label.

        Raises:
            MissingExtraError: pandas is not installed (`pip install 'certainty-fr[pandas]'`).
        """
        from certainty.views.dataframe import to_dataframe

        return to_dataframe(self)


def checked_probability(value: object, name: str) -> float:
    """Return a probability that a user gave.

    Raises:
        CertaintyError: it is not a number between 0 and 1; the message calls it `name`.
    """
    # bool is a kind of int; NumPy's numbers register as numbers.Real.
    if isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) <= 1:
        return float(value)
    raise CertaintyError(f"{name} is {value!r}; give a number between 0 and 1, such as 0.8.")
