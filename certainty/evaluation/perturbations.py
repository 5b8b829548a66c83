"""Choose which words of a sentence to hide or keep: its cues, or as many others at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Spans = Sequence[tuple[int, int]]
"""Character spans (start, end)."""


def cue_tokens(offsets: Sequence[tuple[int, int]], spans: Spans) -> NDArray[np.bool_]:
    """Return a mask of the tokens that overlap a span, shape (tokens,)."""
    return np.array([any(start < b and a < end for a, b in spans) for start, end in offsets], dtype=bool)


def kept(text: str, spans: Spans, inside: bool) -> str:
    """Return the text inside the spans, or outside if `inside` is false, with single spaces."""
    covered = [False] * len(text)
    for start, end in spans:
        covered[start:end] = [True] * (end - start)
    return " ".join("".join(c if own is inside else " " for c, own in zip(text, covered, strict=True)).split())


def random_spans(cue: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Choose as many other tokens as there are cue tokens, in spans of the same lengths.

    A span is split in two if no free stretch is long enough for it.

    Args:
        cue: Mask of the cue tokens, at most half of all tokens, shape (tokens,).
        generator: Random number generator.

    Returns:
        Mask of the chosen tokens, shape (tokens,).
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
