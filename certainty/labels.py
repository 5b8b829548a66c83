"""The labels, which say how a sentence presents its main claim."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum

from certainty.errors import CertaintyError


class Label(str, Enum):
    """How a sentence presents its main claim. Members are strings: `Label.DENIED == "denied"`."""

    ASSERTED = "asserted"
    PROBABLE = "probable"
    PERSONAL_OPINION = "personal_opinion"
    DENIED = "denied"
    NO_CLAIM = "no_claim"
    """The sentence makes no claim: for example a question, an order, a heading or a fragment."""

    __str__ = str.__str__

    @classmethod
    def parse(cls, name: object, allowed: Iterable[Label] | None = None) -> Label:
        """Return the label with the given name, ignoring case; spaces and hyphens count as underscores.

        Args:
            name: The name, or a label.
            allowed: The allowed labels. None allows all.

        Raises:
            CertaintyError: If no allowed label has this name. The message suggests a similar label and lists all that
                are allowed.
        """
        labels = tuple(cls if allowed is None else allowed)
        plain = plain_name(name)
        for label in labels:
            if plain == label:
                return label
        names = [label.value for label in labels]
        close = get_close_matches(str(plain), names, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise CertaintyError(f"unknown label {name!r}.{hint} Allowed: {', '.join(names)}.")


LABELS: tuple[Label, ...] = (Label.ASSERTED, Label.PROBABLE, Label.PERSONAL_OPINION, Label.DENIED)
"""The four labels of claims, in the column order of probabilities and logits."""

CUED: tuple[Label, ...] = (Label.PROBABLE, Label.PERSONAL_OPINION, Label.DENIED)
"""The labels that have cues, in the order of the channels of the cue head."""


def plain_name(name: object) -> object:
    """Return a name in the form of the labels: `"Personal opinion"` becomes `"personal_opinion"`."""
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split()) if isinstance(name, str) else name
