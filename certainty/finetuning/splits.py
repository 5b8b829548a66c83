"""What may be trained on: whole groups held out, nothing that also stands in dev, every label present."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from certainty import CertaintyError
from certainty.evaluation.leakage import leaked
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

logger = logging.getLogger(__name__)

HELD_OUT_GROUPS = 5  # one group in five (`group % 5 == 0`) is never trained on


def split_held_out_groups(
    sentences: Sequence[LabelledSentence],
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Split off every fifth group (contrast quadruple); sentences without a group stay in train."""
    held_out = [s for s in sentences if s.group is not None and s.group % HELD_OUT_GROUPS == 0]
    return [s for s in sentences if s.group is None or s.group % HELD_OUT_GROUPS], held_out


def check_data(train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> list[LabelledSentence]:
    """Return train without what also stands in dev, with a warning.

    Raises:
        CertaintyError: a label has no sentence in train, or dev makes no claims.
    """
    both = {s.text for s in leaked(train, dev)}
    overlap = leaked(dev, train)
    if overlap:
        logger.warning(
            "%d sentences of train also stand in dev (%d there); they are left out of train.", len(overlap), len(both)
        )
        dropped = {id(s) for s in overlap}
        train = [s for s in train if id(s) not in dropped]
    missing = [label.value for label in LABELS if not any(s.label is label for s in train)]
    if missing:
        raise CertaintyError(f"train has no sentence labelled {', '.join(missing)}. Add some, at least ten of each.")
    if len({s.label for s in dev if s.label}) < 2:
        raise CertaintyError("dev has fewer than two labels; macro-F1 needs some of each.")
    return list(train)
