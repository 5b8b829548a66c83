"""Compare two versions of a text: which sentences stayed, and which changed their commitment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, overload

from certainty.alignment import align, normalised
from certainty.api import score
from certainty.errors import CertaintyError
from certainty.results import Document
from certainty.sentence_score import SentenceScore, checked_probability

__all__ = ["Change", "Comparison", "SentencePair", "compare"]

MIN_CHANGE = 0.2


class Change(str, Enum):
    """What happened to a sentence. Members are strings: `Change.ADDED == "added"`."""

    COMMITMENT = "commitment"
    """The sentence is in both versions, but with another label, attribution or certainty."""
    REWORDED = "reworded"
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    UNCHANGED = "unchanged"

    __str__ = str.__str__


@dataclass(frozen=True, slots=True)
class SentencePair:
    """A sentence of the old version, paired with its counterpart in the new version.

    Attributes:
        change: What happened to it.
        old: The sentence in the old version; None if it was added.
        new: The sentence in the new version; None if it was removed.
    """

    change: Change
    old: SentenceScore | None
    new: SentenceScore | None

    @property
    def label_changed(self) -> bool:
        """Whether both versions have the sentence, with different labels."""
        return self.old is not None and self.new is not None and self.old.label is not self.new.label

    @property
    def attribution_changed(self) -> bool:
        """Whether both versions have the sentence, attributed to a source in one of them and not in the other."""
        return self.old is not None and self.new is not None and _attributed_otherwise(self.old, self.new)

    @property
    def certainty_change(self) -> float | None:
        """The new certainty minus the old one, in [-1, 1]; None unless both make a claim."""
        if self.old is None or self.new is None or self.old.certainty is None or self.new.certainty is None:
            return None
        return self.new.certainty - self.old.certainty

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, strings, numbers, booleans and None, ready for JSON."""
        return {
            "change": self.change.value,
            "label_changed": self.label_changed,
            "attribution_changed": self.attribution_changed,
            "certainty_change": self.certainty_change,
            "old": self.old.to_dict() if self.old else None,
            "new": self.new.to_dict() if self.new else None,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Sequence[SentencePair]):
    """The sentences of two versions, in the order of the new one, with removed sentences in their old places.

    `print(comparison)` shows a summary and the changes; a notebook shows them in colour.

    Attributes:
        old: The old version.
        new: The new version.
        pairs: The sentences of both versions, each in one pair.
    """

    old: Document
    new: Document
    pairs: tuple[SentencePair, ...]

    @overload
    def __getitem__(self, index: int) -> SentencePair: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SentencePair, ...]: ...
    def __getitem__(self, index: int | slice) -> SentencePair | tuple[SentencePair, ...]:
        return self.pairs[index]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[SentencePair]:
        return iter(self.pairs)

    def __repr__(self) -> str:
        return f"<Comparison: {self.summary()}>"

    def __str__(self) -> str:
        from certainty.views.plain import plain_comparison

        return plain_comparison(self)

    def counts(self) -> dict[Change, int]:
        """Count the pairs of each kind of change."""
        found = Counter(pair.change for pair in self)
        return {change: found[change] for change in Change}

    def summary(self) -> str:
        """Return the numbers of sentences and of changes in one line."""
        from certainty.views.comparison import summary
        from certainty.views.language import language

        return summary(self, language("en"))

    def to_dict(self) -> dict[str, Any]:
        """Return `{"counts": {"commitment": …, …}, "pairs": [SentencePair.to_dict(), …]}`."""
        counts = {change.value: n for change, n in self.counts().items()}
        return {"counts": counts, "pairs": [pair.to_dict() for pair in self]}

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict` as a JSON string."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_html(self, title: str | None = None, lang: str | None = None) -> str:
        """Return a self-contained HTML page of the changes, with filters.

        Args:
            title: Heading of the page.
            lang: "en" or "fr"; None follows the language of the browser of the reader.

        Raises:
            CertaintyError: If there is no such language.
        """
        from certainty.views.html import render_comparison

        return render_comparison(self, title, lang)

    def _repr_html_(self) -> str:
        from certainty.views.html import render_comparison_fragment

        return render_comparison_fragment(self)


def compare(old: Document | str, new: Document | str, min_change: float = MIN_CHANGE) -> Comparison:
    """Compare two versions of a text: which sentences were added, removed or reworded, or changed their commitment.

    Args:
        old: The old version, scored; a string is scored with the default model.
        new: The new version, likewise.
        min_change: Smallest difference of certainty, in [0, 1], that changes the commitment of a sentence with the same
            label and attribution.

    Raises:
        CertaintyError: If a version is neither a document nor a string, or `min_change` is not between 0 and 1.
    """
    least = checked_probability(min_change, "min_change")
    before, after = _scored(old, "old"), _scored(new, "new")
    texts = [[normalised(sentence.text) for sentence in version] for version in (before, after)]
    pairs = []
    for i, j, moved in align(*texts):
        one, other = (None if i is None else before[i]), (None if j is None else after[j])
        if one is None or other is None:
            change = Change.ADDED if one is None else Change.REMOVED
        elif _commits_otherwise(one, other, least):
            change = Change.COMMITMENT
        elif moved:
            change = Change.MOVED
        else:
            change = Change.UNCHANGED if normalised(one.text) == normalised(other.text) else Change.REWORDED
        pairs.append(SentencePair(change, one, other))
    return Comparison(before, after, tuple(pairs))


def _commits_otherwise(old: SentenceScore, new: SentenceScore, least: float) -> bool:
    if old.label is not new.label or _attributed_otherwise(old, new):
        return True
    return old.certainty is not None and new.certainty is not None and abs(new.certainty - old.certainty) >= least


def _attributed_otherwise(old: SentenceScore, new: SentenceScore) -> bool:
    # Where a model cannot tell, nothing is known to have changed.
    return {old.attributed, new.attributed} == {True, False}


def _scored(version: object, name: str) -> Document:
    if isinstance(version, str):
        return score(version)
    if isinstance(version, Document):
        return version
    raise CertaintyError(f"{name} is a {type(version).__name__}; give a Document or a string.")
