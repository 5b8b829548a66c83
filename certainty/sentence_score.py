"""The score of one sentence: its label, probabilities, cues, second claim and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from certainty.errors import CertaintyError
from certainty.labels import LABELS, Label
from certainty.unread import unread_characters

if TYPE_CHECKING:
    from certainty.model_info import ModelInfo

_SHOWN = 40  # characters of the text shown in a repr
_ROUNDING = 0.03  # the largest error of a sum of four probabilities that somebody rounded to two digits


class Cue(NamedTuple):
    """Words that decided a label, such that `document.text[start:end] == text`.

    Attributes:
        start: Offset of the first character in the text of the document.
        end: Offset after the last character.
        text: The words.
    """

    start: int
    end: int
    text: str


class Source(NamedTuple):
    """Words that name whose claim it is, such that `document.text[start:end] == text`; a pronoun stays a pronoun.

    Attributes:
        start: Offset of the first character in the text of the document.
        end: Offset after the last character.
        text: The words.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class SentenceScore:
    """A sentence with its label, probabilities and cues.

    Attributes:
        text: The sentence as it appears in the given text.
        start: Offset of the first character in the given text.
        end: Offset after the last character, such that `given[start:end] == text`.
        label: The most probable of the four labels of claims, or `Label.NO_CLAIM`.
        probabilities: Calibrated probability of each of the four labels of claims, given that the sentence makes a
            claim; they sum to 1.
        claim_probability: Probability that the sentence makes a claim. It counts as a claim if this reaches the
            `claim_threshold` of the model, which need not be 0.5. None if the model cannot tell; the label is then one
            of the four.
        attributed: Whether the sentence attributes its main claim to a source; False if it makes no claim, None if the
            model cannot tell.
        cues: The words that decided the label; empty for `asserted` and `no_claim`.
        second: The label of a second claim, other than `label`; None if there is none, or the model cannot tell.
        second_probability: Probability that the sentence makes a second claim with another label. It is shown if this
            reaches the `second_threshold` of the model. None without a claim, or if the model cannot tell.
        second_cues: The words that decided the label of the second claim.
        source: The words that name the source of the main claim; None if it is not attributed, nobody is named, or the
            model cannot tell.

    Raises:
        CertaintyError: If the values contradict each other, as in a sentence without a claim that has cues.
    """

    text: str
    start: int
    end: int
    label: Label
    probabilities: dict[Label, float]
    claim_probability: float | None
    attributed: bool | None
    cues: tuple[Cue, ...]
    second: Label | None = None
    second_probability: float | None = None
    second_cues: tuple[Cue, ...] = ()
    source: Source | None = None

    def __post_init__(self) -> None:
        if self.label is Label.NO_CLAIM and (self.attributed or self.cues):
            raise CertaintyError(
                "a sentence without a claim cannot be attributed or have cues; set attributed to False and leave the "
                "cues out."
            )
        if self.label is Label.NO_CLAIM and self.claim_probability is None:
            raise CertaintyError("claim_probability is None, but the label is no_claim; give it, or another label.")
        if self.second in (self.label, Label.NO_CLAIM) or (self.second and self.label is Label.NO_CLAIM):
            raise CertaintyError(
                f"second is {self.second} in a sentence of label {self.label}; give another label of a claim, or None."
            )
        if self.second is None and self.second_cues:
            raise CertaintyError("second_cues are given, but second is None; give its label, or leave the cues out.")
        if self.source and not self.attributed:
            raise CertaintyError(
                f"source is given, but attributed is {self.attributed}; set it to True, or leave the source out."
            )

    def __repr__(self) -> str:
        return f"<SentenceScore {shortened(self.text)!r}: {self.label.value}, {self.probability:.2f}>"

    @property
    def is_claim(self) -> bool | None:
        """Whether the sentence makes a claim: False if its label is `no_claim`, as for a question or a heading.

        None if the model cannot tell, which makes it neither a claim nor none.
        """
        return None if self.claim_probability is None else self.label is not Label.NO_CLAIM

    @property
    def probability(self) -> float:
        """Probability of the label: for `no_claim`, 1 - `claim_probability`, else its entry in `probabilities`."""
        if self.label is Label.NO_CLAIM and self.claim_probability is not None:
            return 1.0 - self.claim_probability
        return self.probabilities[self.label]

    @property
    def certainty(self) -> float | None:
        """P(asserted) + P(denied), in [0, 1]: how settled the claim is presented as; None if there is no claim."""
        if self.label is Label.NO_CLAIM:
            return None
        return min(1.0, self.probabilities[Label.ASSERTED] + self.probabilities[Label.DENIED])

    @property
    def unread(self) -> int:
        """Number of characters that the model did not read; a sentence of which nothing was read makes no claim.

        These are runs of more than 1,000 without white space (encoded data), and all that follows 5,000 others.
        """
        return unread_characters(self.text)

    @property
    def truncated(self) -> bool:
        """Whether the model did not read the whole sentence; see `unread`."""
        return self.unread > 0

    def to_dict(self) -> dict[str, Any]:
        """Return the score as a dict of plain Python values that can be written as JSON."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "label": self.label.value,
            "probability": self.probability,
            "probabilities": {label.value: p for label, p in self.probabilities.items()},
            "claim_probability": self.claim_probability,
            "certainty": self.certainty,
            "is_claim": self.is_claim,
            "attributed": self.attributed,
            "cues": [cue._asdict() for cue in self.cues],
            "second": self.second.value if self.second else None,
            "second_probability": self.second_probability,
            "second_cues": [cue._asdict() for cue in self.second_cues],
            "source": self.source._asdict() if self.source else None,
            "unread": self.unread,
        }

    @classmethod
    def from_dict(cls, record: object) -> SentenceScore:
        """Read the output of `to_dict`; derived members (such as `probability`) and unknown ones are ignored.

        The members of the second claim and the source, which releases before 0.5 did not write, may be missing.

        Raises:
            CertaintyError: If a member is missing or invalid. The message names it.
        """
        given = _member(record, "probabilities", dict)
        probabilities = {
            name: checked_probability(given.get(name.value), f"probabilities.{name.value}") for name in LABELS
        }
        total = sum(probabilities.values())
        if abs(total - 1) > _ROUNDING:
            raise CertaintyError(f"the probabilities sum to {total:.3g}; they must sum to 1, as `to_dict` gives them.")
        label = Label.parse(_member(record, "label", str))
        return cls(
            text=_member(record, "text", str),
            start=_member(record, "start", int),
            end=_member(record, "end", int),
            label=label,
            probabilities=probabilities,
            claim_probability=(
                None
                if (claim := _or_none(record, "claim_probability", Real)) is None
                else checked_probability(claim, "claim_probability")
            ),
            attributed=_or_none(record, "attributed", bool),
            cues=tuple(Cue(*_span(cue)) for cue in _member(record, "cues", (list, tuple))),
            second=Label.parse(_member(record, "second", str), LABELS) if _has(record, "second") else None,
            second_probability=(
                checked_probability(_member(record, "second_probability", Real), "second_probability")
                if _has(record, "second_probability")
                else None
            ),
            second_cues=(
                tuple(Cue(*_span(cue)) for cue in _member(record, "second_cues", (list, tuple)))
                if _has(record, "second_cues")
                else ()
            ),
            source=Source(*_span(_member(record, "source", dict))) if _has(record, "source") else None,
        )


def shortened(text: str) -> str:
    """Return the beginning of a text, for a `repr`."""
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")


class ScoredText(Protocol):
    """The part of a document that views need: its text, its scored sentences, in order, and the model, if known."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def model(self) -> ModelInfo | None: ...  # noqa: D102
    def __iter__(self) -> Iterator[SentenceScore]: ...


def checked_probability(value: object, name: str) -> float:
    """Return the value as a float if it is a probability.

    Raises:
        CertaintyError: If the value is not a number between 0 and 1. The message refers to it as `name`.
    """
    # bool is a subclass of int; NumPy's real numbers are registered as numbers.Real.
    if isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) <= 1:
        return float(value)
    raise CertaintyError(f"{name} is {value!r}; give a number between 0 and 1, such as 0.8.")


_KINDS: dict[type | tuple[type, ...], str] = {
    str: "a string",
    int: "a whole number",
    Real: "a number",
    bool: "true or false",
    (list, tuple): "a list",
    dict: "an object",
}


def _member(record: object, name: str, kind: type | tuple[type, ...]) -> Any:
    """Return a member of an object read from JSON, if it has the expected type."""
    if not isinstance(record, Mapping):
        raise CertaintyError(f"expected an object, found {type(record).__name__}.")
    if name not in record:
        raise CertaintyError(f"{name!r} is missing; give the output of `to_dict` or `to_json` of this version.")
    value = record[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise CertaintyError(f"{name} is {value!r:.60}; it must be {_KINDS[kind]}.")
    return value


def _or_none(record: object, name: str, kind: type) -> Any:
    """Return a member that may be null, but not missing."""
    is_null = isinstance(record, Mapping) and name in record and record[name] is None
    return None if is_null else _member(record, name, kind)


def _has(record: object, name: str) -> bool:
    return isinstance(record, Mapping) and record.get(name) is not None


def _span(record: object) -> tuple[int, int, str]:
    return _member(record, "start", int), _member(record, "end", int), _member(record, "text", str)
