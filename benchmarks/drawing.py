"""Draw training samples and held-out rows of a domain, for `benchmarks.learning_curve`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from certainty import CertaintyError
from certainty.finetuning.partition import together
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

__all__ = ["draw"]

LEAST_OF_A_LABEL = 5
"""Every sample has rows of each label in at least so many sets that are not split, as training needs them."""


def draw(
    rows: Sequence[LabelledSentence], size: int, held_out: int, seed: int, group_by: str | None = None
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Draw a training sample and held-out rows from a domain; documents and near duplicates are not split between them.

    The held-out rows depend only on the seed, and a smaller sample is part of a larger one. A document of which not all
    rows are needed is cut, and its other rows are used for nothing.

    Args:
        rows: The rows of a domain.
        size: Number of training rows.
        held_out: Number of held-out rows.
        seed: Seed of both draws.
        group_by: Column, such as a document, whose rows are not split; see `certainty.finetuning.partition.together`.

    Raises:
        CertaintyError: the domain has too few rows, or too few of a label, or no such column.
    """
    sets = together(rows, group_by).tolist()
    order = np.random.default_rng(seed).permutation(max(sets) + 1).tolist()
    ranked = sorted(range(len(rows)), key=lambda i: (order[sets[i]], i))
    chosen = _filling(Counter(sets[i] for i in ranked), held_out)
    places = {one: place for place, one in enumerate(chosen)}  # the set to be cut is the last
    held = sorted((i for i in ranked if sets[i] in places), key=lambda i: places[sets[i]])[:held_out]
    rest = [i for i in ranked if sets[i] not in places]
    first: list[int] = []
    for label in LABELS:
        of_sets: dict[int, int] = {}
        for i in rest:
            if rows[i].label is label:
                of_sets.setdefault(sets[i], i)
        if len(of_sets) < LEAST_OF_A_LABEL:
            raise CertaintyError(
                f"rows labelled {label.value} in only {len(of_sets)} sets beside the held-out ones; too few."
            )
        first += list(of_sets.values())[:LEAST_OF_A_LABEL]
    taken = set(first)
    sample = [rows[i] for i in [*first, *(i for i in rest if i not in taken)][:size]]
    if len(sample) < size:
        raise CertaintyError(f"{len(rest)} rows beside the held-out ones; too few.")
    return sample, [rows[i] for i in held]


def _filling(counts: Mapping[int, int], size: int) -> list[int]:
    """Return sets that have `size` rows: whole ones, in the order of `counts`, and if needed a last one to be cut.

    That is the smallest of the others, so that as few rows as possible are lost.
    """
    chosen: list[int] = []
    missing = size
    for one, count in counts.items():
        if count <= missing:
            chosen.append(one)
            missing -= count
    left = [one for one in counts if one not in chosen] if missing else []
    return [*chosen, min(left, key=counts.__getitem__)] if left else chosen
