"""Which sentence of one version of a text became which of another.

Equal sentences are matched first (difflib). Between them, sentences that share many triples of letters are paired in
order: they were reworded. What is left, and stands elsewhere word for word, has moved.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_SAME = str.maketrans({"’": "'", "ʼ": "'", "“": '"', "”": '"', "«": '"', "»": '"', "…": "...", "‑": "-"})
_QUOTE_SPACE = re.compile(r'(?<=")\s+|\s+(?=")')
_LEAST_LIKENESS = 0.35


class Aligned(NamedTuple):
    """Places of a sentence in both versions; None where a version lacks it.

    Attributes:
        old: Its index in the old version.
        new: Its index in the new version.
        moved: It is the same, but not where it was.
    """

    old: int | None
    new: int | None
    moved: bool = False


def normalised(text: str) -> str:
    """Return the text with one kind of space, apostrophe and quotation mark: changes of those are no rewording."""
    return " ".join(_QUOTE_SPACE.sub("", text.translate(_SAME)).split())


def likeness(one: str, other: str) -> float:
    """Return how alike two sentences are, from 0 to 1: the Dice coefficient of their triples of letters."""
    return _dice(_triples(one), _triples(other))


def align(old: Sequence[str], new: Sequence[str]) -> list[Aligned]:
    """Align two sequences of sentences.

    Args:
        old: The sentences of the old version, normalised.
        new: Those of the new version.

    Returns:
        Each sentence once, in the order of the new version, removed ones where they stood.
    """
    steps: list[Aligned] = []
    for tag, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            steps += map(Aligned, range(i, i_end), range(j, j_end))
        else:
            steps += _pair_alike(old, new, range(i, i_end), range(j, j_end))
    return list(_with_moves(steps, old, new))


def _pair_alike(old: Sequence[str], new: Sequence[str], rows: range, columns: range) -> list[Aligned]:
    """Pair sentences in order, so that the sum of their likenesses is the greatest (Needleman and Wunsch)."""
    olds, news = [_triples(old[i]) for i in rows], [_triples(new[j]) for j in columns]
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    alike = [[_dice(one, other) for other in news] for one in olds]
    for a in range(len(olds) - 1, -1, -1):
        for b in range(len(news) - 1, -1, -1):
            paired = alike[a][b] + best[a + 1][b + 1] if alike[a][b] >= _LEAST_LIKENESS else 0.0
            best[a][b] = max(paired, best[a + 1][b], best[a][b + 1])
    steps: list[Aligned] = []
    a = b = 0
    while a < len(olds) or b < len(news):
        if a < len(olds) and best[a][b] == best[a + 1][b]:
            steps.append(Aligned(rows[a], None))
            a += 1
        elif b < len(news) and best[a][b] == best[a][b + 1]:
            steps.append(Aligned(None, columns[b]))
            b += 1
        else:
            steps.append(Aligned(rows[a], columns[b]))
            a, b = a + 1, b + 1
    return steps


def _with_moves(steps: Sequence[Aligned], old: Sequence[str], new: Sequence[str]) -> Iterator[Aligned]:
    """Join what was removed here and added there word for word."""
    removed = defaultdict(list)
    for step in reversed(steps):
        if step.old is not None and step.new is None:
            removed[old[step.old]].append(step.old)
    origins = {
        step.new: removed[new[step.new]].pop()
        for step in steps
        if step.old is None and step.new is not None and removed[new[step.new]]
    }
    gone = set(origins.values())
    for step in steps:
        if step.new in origins:
            yield Aligned(origins[step.new], step.new, moved=True)
        elif step.new is not None or step.old not in gone:
            yield step


def _triples(text: str) -> set[str]:
    padded = f"  {text.lower()} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


def _dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / max(1, len(one) + len(other))
