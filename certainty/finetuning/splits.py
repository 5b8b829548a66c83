"""Split off held-out groups and check the training data: no overlap with dev, and every label present."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from certainty import CertaintyError
from certainty.evaluation.leakage import leaked
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS
from certainty.messages import argument

logger = logging.getLogger(__name__)

FEW, FEW_CLAIMS = 10, 100
"""Warn below this many sentences of a label in train, and claims in dev."""
FEW_TO_START, FEW_TO_CONTINUE = 1000, 100
"""Warn below this many claims in train, if training starts from an encoder or continues from a model."""
HELD_OUT_GROUPS = 5  # one group in five (`group % 5 == 0`) is never trained on


def split_held_out_groups(
    sentences: Sequence[LabelledSentence],
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """Return train and the held-out sentences: every fifth group (contrast quadruple).

    Sentences without a group stay in train.
    """
    held_out = [s for s in sentences if s.group is not None and s.group % HELD_OUT_GROUPS == 0]
    return [s for s in sentences if s.group is None or s.group % HELD_OUT_GROUPS], held_out


def check_data(train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> list[LabelledSentence]:
    """Return the result of `check_overlap`, after `check_counts`."""
    kept = check_overlap(train, dev)
    check_counts(kept, dev)
    return kept


def check_overlap(train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> list[LabelledSentence]:
    """Return train without the sentences that are also in dev; warn if there are any.

    Raises:
        CertaintyError: all sentences of train are also in dev.
    """
    both = {s.text for s in leaked(train, dev)}
    overlap = leaked(dev, train)
    if train and len(overlap) == len(train):
        raise CertaintyError("every sentence of train is also in dev; give different sentences for the two.")
    if overlap:
        logger.warning(
            "Sentences left out of train because they are also in dev: %d (%d in dev).", len(overlap), len(both)
        )
        dropped = {id(s) for s in overlap}
        train = [s for s in train if id(s) not in dropped]
    return list(train)


def check_counts(train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence], name: str = "dev") -> None:
    """Warn about small data sets.

    Args:
        train: The training sentences.
        dev: The sentences that the model is calibrated on.
        name: What messages call them.

    Raises:
        CertaintyError: a label has no sentence in train, or dev has fewer than two labels.
    """
    missing = [label.value for label in LABELS if not any(s.label is label for s in train)]
    if missing:
        raise CertaintyError(f"train has no sentence labelled {', '.join(missing)}. Add some, at least ten of each.")
    if len({s.label for s in dev if s.label}) < 2:
        raise CertaintyError(f"{name} has fewer than two labels; add sentences of each label.")
    counts = {label.value: sum(s.label is label for s in train) for label in LABELS}
    few = {label: count for label, count in counts.items() if count < FEW}
    if few:
        told = ", ".join(f"{count} {label}" for label, count in few.items())
        logger.warning("train has few sentences of some labels (%s); use a few hundred of each.", told)
    claims = sum(s.label is not None for s in dev)
    if claims < FEW_CLAIMS:
        logger.warning(
            "%s has %d claims: calibration, thresholds and metrics are imprecise; use a few hundred.", name, claims
        )


def warn_if_few(claims: int, from_encoder: bool) -> None:
    """Log a warning if train has too few claims to learn from.

    Args:
        claims: Number of claims in train.
        from_encoder: Whether training starts from an encoder, rather than from a fine-tuned model.
    """
    if from_encoder and claims < FEW_TO_START:
        logger.warning(
            "train has %d claims, too few to train from an encoder; use a few thousand, or continue from the shipped "
            "model (leave out %s).",
            claims,
            argument("encoder"),
        )
    elif not from_encoder and claims < FEW_TO_CONTINUE:
        logger.warning("train has %d claims: the model will learn little from them; use a few hundred.", claims)
