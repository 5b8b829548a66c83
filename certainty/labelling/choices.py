"""Define the choices of an annotator, and convert them strictly to a `LabelledSentence`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from certainty.errors import CertaintyError
from certainty.label_names import LabelNames
from certainty.labelled import LabelledSentence
from certainty.labelling.columns import unpacked
from certainty.labelling.rows import as_name
from certainty.labels import LABELS, Label
from certainty.messages import shown
from certainty.views.palette import TINTS

NO_CLAIM = Label.NO_CLAIM.value
CATEGORIES: tuple[str, ...] = (*(label.value for label in LABELS), NO_CLAIM)
"""The labels and `no_claim`: the answers to the first question."""
ATTRIBUTED, NOT_ATTRIBUTED = "attributed", "not_attributed"
SECOND = "second:"
"""Prefix of second labels in tools with a single flat list of choices."""
CUE = "cue"
FLAT: tuple[str, ...] = (*CATEGORIES, ATTRIBUTED, NOT_ATTRIBUTED, *(SECOND + label.value for label in LABELS))
"""All choices, for tools with a single flat list."""

TITLES = {
    Label.ASSERTED.value: "Asserted: presented as settled fact",
    Label.PROBABLE.value: "Probable: presented as less than settled",
    Label.PERSONAL_OPINION.value: "Personal opinion: somebody's view or judgement",
    Label.DENIED.value: "Denied: presented as not the case",
    NO_CLAIM: "No claim: question, order, heading",
    ATTRIBUTED: "Attributed to a source",
    NOT_ATTRIBUTED: "Not attributed",
    **{SECOND + label.value: f"Second claim: {label.value.replace('_', ' ')}" for label in LABELS},
}
"""Text shown to annotators for each choice."""
COLOURS = {
    **{label.value: "#{:02x}{:02x}{:02x}".format(*TINTS[label]) for label in LABELS},
    NO_CLAIM: "#8c8c8c",
    CUE: "#ffe08a",
}
"""Background colour of each choice; labels have the colours of certainty's own views."""

Span = tuple[int, int]

_SHOWN_CHOICES = 5


def category(sentence: LabelledSentence) -> str:
    """Return the label's name, or `no_claim`."""
    return sentence.label.value if sentence.claim and sentence.label else NO_CLAIM


def needs_no_cues(name: str) -> bool:
    """Return whether the guideline asks for no cues with this category."""
    return name in (Label.ASSERTED.value, NO_CLAIM)


def attribution(sentence: LabelledSentence) -> str | None:
    """Return the attribution choice, or None if it is unknown."""
    return None if sentence.attributed is None else ATTRIBUTED if sentence.attributed else NOT_ATTRIBUTED


def flat_choices(sentence: LabelledSentence) -> list[str]:
    """Return the choices for a sentence as one flat list, in the order of `FLAT`."""
    second = SECOND + sentence.second.value if sentence.second else None
    return [choice for choice in (category(sentence), attribution(sentence), second) if choice]


def split_flat(choices: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Split a flat list into choices of label, second label and attribution; unknown choices count as labels."""
    second = [
        choice.removeprefix(SECOND) for choice in choices if isinstance(choice, str) and choice.startswith(SECOND)
    ]
    source = [choice for choice in choices if choice in (ATTRIBUTED, NOT_ATTRIBUTED)]
    rest = [c for c in choices if c not in source and not (isinstance(c, str) and c.startswith(SECOND))]
    return rest, second, source


def parse_category(value: object, where: str, label_names: LabelNames | None = None) -> Label | None:
    """Return the label with the given name, or None for `no_claim`.

    Args:
        value: The name.
        where: File and line, for the error.
        label_names: Other names for labels.

    Raises:
        CertaintyError: the value is neither a label nor `no_claim`.
    """
    try:
        label = (label_names or LabelNames()).parse(value)
    except CertaintyError as error:
        raise CertaintyError(f"{where}: {error}") from None
    return None if label is Label.NO_CLAIM else label


def labelled_sentence(
    where: str,
    text: object,
    label: Sequence[Any],
    second: Sequence[Any],
    source: Sequence[Any],
    cues: Sequence[tuple[Any, Any]],
    *,
    identifier: object,
    annotator: object,
    corpus: object,
    group: object,
    columns: object,
) -> LabelledSentence:
    """Check the choices of an annotator and return them as a labelled sentence.

    If a sentence needs cues but has none, they count as unknown (None), because the guideline asks for at least one.

    Args:
        where: File and line or task, for error messages.
        text: The sentence.
        label: The chosen categories; exactly one is required.
        second: The chosen second labels, at most one.
        source: `attributed` or `not_attributed`, at most one.
        cues: Character spans (start, end) of the cues.
        identifier: Id of the sentence, or None.
        annotator: Name of the annotator, or None.
        corpus: Where the sentence comes from, or None.
        group: See `LabelledSentence.group`; may be None.
        columns: The other columns; see `certainty.labelling.columns.unpacked`.

    Raises:
        CertaintyError: the text or the label is missing, a choice is unknown or made twice, or a span, the group or
            the other columns are invalid.
    """
    if not isinstance(text, str) or not text.strip():
        raise CertaintyError(f"{where}: text is {shown(text)}; give the sentence or delete the task.")
    if not label:
        raise CertaintyError(f"{where}: no label chosen; choose one in the tool ({', '.join(CATEGORIES)}) or skip it.")
    name = _single(label, f"{where}: label")
    parsed = parse_category(name, f"{where}: label")
    chosen = _single(source, f"{where}: attribution")
    if chosen not in (None, ATTRIBUTED, NOT_ATTRIBUTED):
        raise CertaintyError(f"{where}: attribution is {shown(chosen)}. Allowed: {ATTRIBUTED}, {NOT_ATTRIBUTED}.")
    other = _single(second, f"{where}: second label")
    spans = tuple(sorted({_span(start, end, text, f"{where}: cue") for start, end in cues}))
    return LabelledSentence(
        text=text,
        label=parsed,
        second=None if other is None else _second(other, f"{where}: second label"),
        attributed=None if chosen is None else chosen == ATTRIBUTED,
        claim=parsed is not None,
        cues=spans if spans or needs_no_cues(str(name)) else None,
        id=as_name(identifier, f"{where}: id"),
        annotator=as_name(annotator, f"{where}: annotator"),
        corpus=as_name(corpus, f"{where}: corpus"),
        group=_group(group, f"{where}: group"),
        columns=unpacked(columns, f"{where}: columns"),
    )


def _group(value: object, where: str) -> int | None:
    if value in (None, ""):
        return None
    try:
        return int(as_name(value, where))
    except ValueError:
        raise CertaintyError(f"{where} is {shown(value)}; it must be a whole number.") from None


def _single(choices: Sequence[Any], where: str) -> str | None:
    if len(choices) > 1:
        named = [choice if isinstance(choice, str) else shown(choice) for choice in choices[:_SHOWN_CHOICES]]
        more = ", …" if len(choices) > _SHOWN_CHOICES else ""
        raise CertaintyError(f"{where}: {len(choices)} choices ({', '.join(named)}{more}); keep one.")
    if choices and not isinstance(choices[0], str):
        raise CertaintyError(f"{where}: the choice is {shown(choices[0])}, which is not the name of one.")
    return choices[0] if choices else None


def _second(value: object, where: str) -> Label:
    try:
        return Label.parse(value, LABELS)
    except CertaintyError as error:
        raise CertaintyError(f"{where}: {error}") from None


def _span(start: Any, end: Any, text: str, where: str) -> Span:
    if not all(isinstance(offset, int) and not isinstance(offset, bool) for offset in (start, end)):
        raise CertaintyError(f"{where} is [{shown(start)}, {shown(end)}]; both must be whole numbers.")
    if not 0 <= start < end <= len(text):
        raise CertaintyError(
            f"{where}: [{start}, {end}] lies outside the text of {len(text)} characters; mark the words again."
        )
    return start, end
