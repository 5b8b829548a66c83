"""Align the sentences of two versions of a text.

Equal sentences are matched first (difflib). Between them, sentences that share many letter trigrams are paired in
order, as reworded. Of the rest, sentences that occur word for word elsewhere are paired as moved.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_SAME = str.maketrans({"’": "'", "ʼ": "'", "“": '"', "”": '"', "«": '"', "»": '"', "…": "...", "‑": "-"})
_QUOTE_SPACE = re.compile(r'(?<=")\s+|\s+(?=")')
_LEAST_LIKENESS = 0.35
_STRETCH = 500  # sentences that are compared each with each
_BAND = 100  # in long stretches of change, sentences are compared with so many before and after


class Aligned(NamedTuple):
    """Places of a sentence in both versions.

    Attributes:
        old: Its index in the old version; None if it was added.
        new: Its index in the new version; None if it was removed.
        moved: Whether it is the same sentence in another place.
    """

    old: int | None
    new: int | None
    moved: bool = False


def normalised(text: str) -> str:
    """Return the text with one kind of space, apostrophe and quotation mark, as changes of these are not rewording."""
    return " ".join(_QUOTE_SPACE.sub("", text.translate(_SAME)).split())


def likeness(one: str, other: str) -> float:
    """Return how alike two sentences are, from 0 to 1: the Dice coefficient of their letter trigrams."""
    return _dice(_triples(one), _triples(other))


def align(old: Sequence[str], new: Sequence[str]) -> list[Aligned]:
    """Align two sequences of sentences.

    Args:
        old: The sentences of the old version, normalised.
        new: The sentences of the new version, normalised.

    Returns:
        Each sentence once, in the order of the new version, with removed sentences in their old places.
    """
    return list(_with_moves(list(_in_order(old, new)), old, new))


def _in_order(old: Sequence[str], new: Sequence[str]) -> Iterator[Aligned]:
    """Align without moves: the stretches between the sentences that occur once in both versions, one by one.

    A text that is short enough is a single stretch. So the time is linear in the number of sentences.
    """
    i = j = 0
    anchors = _anchors(old, new) if max(len(old), len(new)) > _STRETCH else []
    for a, b in [*anchors, (len(old), len(new))]:
        yield from _stretch(old, new, range(i, a), range(j, b))
        if a < len(old):
            yield Aligned(a, b)
        i, j = a + 1, b + 1


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the longest series of sentences in the same order, of those that occur once in both versions.

    It is found by patience sorting, as in Bram Cohen's diff.
    """
    counts_old, counts_new = Counter(old), Counter(new)
    places = {sentence: j for j, sentence in enumerate(new) if counts_new[sentence] == 1}
    pairs = [(i, places[s]) for i, s in enumerate(old) if counts_old[s] == 1 and s in places]
    tops: list[int] = []  # the least last place of a series of each length
    ends: list[int] = []  # the pair at that place
    before: list[int] = []
    for k, (_, j) in enumerate(pairs):
        length = bisect_left(tops, j)
        tops[length : length + 1] = [j]
        ends[length : length + 1] = [k]
        before.append(ends[length - 1] if length else -1)
    series = []
    k = ends[-1] if ends else -1
    while k >= 0:
        series.append(pairs[k])
        k = before[k]
    return series[::-1]


def _stretch(old: Sequence[str], new: Sequence[str], rows: range, columns: range) -> Iterator[Aligned]:
    size = max(len(rows), len(columns))
    if size > _STRETCH:  # hardly a sentence is the same: pair those at about the same place
        pieces = -(-size // _STRETCH)
        for p in range(pieces):
            yield from _pair_alike(old, new, _piece(rows, p, pieces), _piece(columns, p, pieces))
        return
    matcher = SequenceMatcher(None, old[rows.start : rows.stop], new[columns.start : columns.stop])
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            yield from map(Aligned, rows[i:i_end], columns[j:j_end])
        else:
            yield from _pair_alike(old, new, rows[i:i_end], columns[j:j_end])


def _piece(places: range, p: int, pieces: int) -> range:
    return places[len(places) * p // pieces : len(places) * (p + 1) // pieces]


def _pair_alike(old: Sequence[str], new: Sequence[str], rows: range, columns: range) -> list[Aligned]:
    """Pair sentences in order, so that the sum of their likenesses is largest (Needleman and Wunsch).

    To keep long texts fast, only sentences at about the same place are paired, within `_BAND` of each other.
    """
    olds, news = [_triples(old[i]) for i in rows], [_triples(new[j]) for j in columns]
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for a in range(len(olds) - 1, -1, -1):
        place = a * len(news) // len(olds)
        for b in range(len(news) - 1, -1, -1):
            alike = _dice(olds[a], news[b]) if abs(b - place) <= _BAND else 0.0
            paired = alike + best[a + 1][b + 1] if alike >= _LEAST_LIKENESS else 0.0
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
    """Pair each sentence that was removed in one place with the same sentence added in another."""
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
