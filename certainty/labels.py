"""The four labels: how a sentence presents its main claim."""

from __future__ import annotations

from difflib import get_close_matches
from enum import Enum

from certainty.errors import CertaintyError


class Label(str, Enum):
    """How the main claim of a sentence is presented. Members are strings: `Label.DENIED == "denied"`."""

    ASSERTED = "asserted"
    PROBABLE = "probable"
    PERSONAL_OPINION = "personal_opinion"
    DENIED = "denied"

    __str__ = str.__str__

    @classmethod
    def parse(cls, name: object) -> Label:
        """Return the label of that name; case does not matter, nor do spaces and hyphens in place of underscores.

        Raises:
            CertaintyError: there is none; the message names the nearest and all that are allowed.
        """
        try:
            return cls(plain_name(name))
        except ValueError:
            allowed = [label.value for label in cls]
            close = get_close_matches(str(plain_name(name)), allowed, n=1, cutoff=0.5)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise CertaintyError(f"unknown label {name!r}.{hint} Allowed: {', '.join(allowed)}.") from None


LABELS: tuple[Label, ...] = tuple(Label)
"""All labels, in the column order of probabilities and logits."""

NO_CLAIM = "no_claim"
"""Stands for the label where files and annotation tools say that a sentence makes no claim."""


def plain_name(name: object) -> object:
    """Return a name as the labels are written: `"Personal opinion"` is `"personal_opinion"`."""
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split()) if isinstance(name, str) else name
