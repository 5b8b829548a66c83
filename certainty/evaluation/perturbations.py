"""Which words of a sentence are hidden or kept: its cues, or as many others at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Spans = Sequence[tuple[int, int]]
"""Character spans (start, end)."""


def cue_tokens(offsets: Sequence[tuple[int, int]], spans: Spans) -> NDArray[np.bool_]:
    """Return which tokens share a character with a span, shape (tokens,)."""
    return np.array([any(start < b and a < end for a, b in spans) for start, end in offsets], dtype=bool)


def kept(text: str, spans: Spans, inside: bool) -> str:
    """Return the words inside, or outside, of the spans."""
    covered = [False] * len(text)
    for start, end in spans:
        covered[start:end] = [True] * (end - start)
    return " ".join("".join(c if own is inside else " " for c, own in zip(text, covered, strict=True)).split())


def random_spans(cue: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Choose as many other tokens as there are cue tokens, in spans of the same lengths, shape (tokens,).

    Args:
        cue: The cue tokens, at most half of all.
        generator: Source of randomness.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], cue.astype(np.int8), [0]))))
    lengths: list[int] = sorted((edges[1::2] - edges[::2]).tolist())
    free, chosen = ~cue, np.zeros_like(cue)
    while lengths:
        length = lengths.pop()
        starts = [i for i in range(len(cue) - length + 1) if free[i : i + length].all()]
        if not starts:
            lengths += [length // 2, length - length // 2]
            continue
        start = int(generator.choice(starts))
        free[start : start + length], chosen[start : start + length] = False, True
    return chosen
