"""The labels: how a sentence presents its main claim, or that it makes none."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum

from certainty.errors import CertaintyError


class Label(str, Enum):
    """How the main claim of a sentence is presented. Members are strings: `Label.DENIED == "denied"`."""

    ASSERTED = "asserted"
    PROBABLE = "probable"
    PERSONAL_OPINION = "personal_opinion"
    DENIED = "denied"
    NO_CLAIM = "no_claim"
    """The sentence makes no claim: a question, an order, a heading, a fragment."""

    __str__ = str.__str__

    @classmethod
    def parse(cls, name: object, allowed: Iterable[Label] | None = None) -> Label:
        """Return the label of that name; case does not matter, nor do spaces and hyphens in place of underscores.

        Args:
            name: The name, or the label itself.
            allowed: What is allowed; None is every label.

        Raises:
            CertaintyError: there is none, or it is not allowed; the message names the nearest and all that are.
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
"""The labels of claims, in the column order of probabilities and logits."""


def plain_name(name: object) -> object:
    """Return a name as the labels are written: `"Personal opinion"` is `"personal_opinion"`."""
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split()) if isinstance(name, str) else name
