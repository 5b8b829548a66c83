"""A colour and a text mark for each label, so that no meaning hangs on colour alone.

The tints are four of the eight colours of Okabe and Ito, "Color Universal Design" (2008): of all fours of that set, the
one with the most familiar meanings among those whose tints stay furthest apart (CIE76 ≥ 9 at 40 % over white and over
near-black) for normal and for protan, deutan and tritan sight, simulated after Machado et al. (2009).
"""

from __future__ import annotations

from certainty.labels import Label
from certainty.views.categories import NO_CLAIM, UNDECIDED

RGB = tuple[int, int, int]

TINTS: dict[str, RGB] = {
    Label.ASSERTED.value: (0, 114, 178),
    Label.PROBABLE.value: (240, 228, 66),
    Label.PERSONAL_OPINION.value: (204, 121, 167),
    Label.DENIED.value: (213, 94, 0),
}
"""Background of a sentence, laid over `LIGHT` or `DARK` with an opacity of `tint_opacity`."""

INKS: dict[str, str] = {
    Label.ASSERTED.value: "#007bc0",
    Label.PROBABLE.value: "#80770a",
    Label.PERSONAL_OPINION.value: "#bc4e8b",
    Label.DENIED.value: "#c15500",
}
"""Terminal text and outlines: the same hues at the luminance that contrasts 4.5 : 1 with black and white alike."""

MARKS: dict[str, str] = {
    Label.ASSERTED.value: "=",
    Label.PROBABLE.value: "≈",
    Label.PERSONAL_OPINION.value: "◆",
    Label.DENIED.value: "≠",
    UNDECIDED: "?",
    NO_CLAIM: "∅",
}
"""Of each category: one character, one terminal cell each."""

CHANGE_TINTS: dict[str, RGB] = {
    "commitment": (230, 159, 0),
    "reworded": (86, 180, 233),
    "added": (0, 158, 115),
    "removed": (128, 128, 128),
}
"""Of what happened to a sentence between two versions: of the same set, what is left, and grey."""

CHANGE_MARKS: dict[str, str] = {
    "commitment": "⇄",
    "reworded": "~",
    "added": "+",
    "removed": "−",
    "moved": "↕",
    "unchanged": "·",
}

ATTRIBUTED_MARK = "❞"

LIGHT: tuple[RGB, RGB, RGB] = ((255, 255, 255), (28, 28, 30), (96, 96, 102))
"""Background, text, and text of a sentence without a claim."""

DARK: tuple[RGB, RGB, RGB] = ((24, 25, 28), (236, 236, 238), (160, 160, 168))

FAINTEST, STRONGEST = 0.10, 0.40


def tint_opacity(probability: float) -> float:
    """Return the opacity of a tint, in [0, 1]: it grows with the probability, from chance (1 in 4) to certainty."""
    return FAINTEST + (STRONGEST - FAINTEST) * max(0.0, (probability - 0.25) / 0.75)
