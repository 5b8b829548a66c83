"""Labelled sentences that are replayed in training, so that a model does not forget what the user's data does not show.

They were invented for this project and are distributed with it under CC BY 4.0 (`training/data/replay.py` chooses
them). Mixing in earlier data is the simplest remedy against forgetting (Robins 1995, "Catastrophic forgetting,
rehearsal and pseudorehearsal").
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from certainty.evaluation.leakage import leaked
from certainty.labelled import LabelledSentence, read_labelled

__all__ = ["REPLAY_FILE", "read_replay", "replayed"]

REPLAY_FILE = Path(__file__).with_name("replay.jsonl")


def read_replay() -> list[LabelledSentence]:
    """Return all sentences that there are for replay."""
    return read_labelled(REPLAY_FILE)


def replayed(count: int, held_out: Sequence[LabelledSentence], seed: int) -> list[LabelledSentence]:
    """Return a random sample of the sentences.

    Args:
        count: Number of sentences; all if there are not as many.
        held_out: Sentences that must not be in it.
        seed: Seed of the sample.
    """
    if not count:
        return []
    pool = read_replay()
    known = {id(sentence) for sentence in leaked(held_out, pool)}
    pool = [sentence for sentence in pool if id(sentence) not in known]
    order = np.random.default_rng(seed).permutation(len(pool))
    return [pool[i] for i in order[:count]]
