"""What may be trained on: whole groups held out, nothing that also stands in dev, every label present."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from certainty import CertaintyError
from certainty.evaluation.leakage import leaked
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

logger = logging.getLogger(__name__)

FEW, FEW_CLAIMS = 10, 100
"""Sentences of a label in train, and claims in dev, below which there is a warning."""
HELD_OUT_GROUPS = 5  # one group in five (`group % 5 == 0`) is never trained on


def split_held_out_groups(
    sentences: Sequence[LabelledSentence],
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Split off every fifth group (contrast quadruple); sentences without a group stay in train."""
    held_out = [s for s in sentences if s.group is not None and s.group % HELD_OUT_GROUPS == 0]
    return [s for s in sentences if s.group is None or s.group % HELD_OUT_GROUPS], held_out


def check_data(train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> list[LabelledSentence]:
    """Return train without what also stands in dev, with a warning, and warn where there are few sentences.

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
    counts = {label.value: sum(s.label is label for s in train) for label in LABELS}
    few = {label: count for label, count in counts.items() if count < FEW}
    if few:
        told = ", ".join(f"{count} {label}" for label, count in few.items())
        logger.warning("train has few sentences of a label (%s); take some hundred.", told)
    claims = sum(s.label is not None for s in dev)
    if claims < FEW_CLAIMS:
        logger.warning("dev has %d claims: calibration, thresholds and figures are rough; take some hundred.", claims)
    return list(train)
