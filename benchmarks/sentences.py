"""Sentences for benchmarks: read from a file, or composed of authored clauses, with the lengths of real text."""

from __future__ import annotations

import random
from pathlib import Path

from certainty.json_lines import read_json_lines

CLAUSES = Path("training/data/contrast.jsonl")
MEAN_WORDS, SD_WORDS = 3.0, 0.62
"""Mean and standard deviation of the logarithm of the number of words in a sentence, as in 1,400 sentences of French
press, parliament and encyclopaedia: half of them have 20 words or fewer, and one in twenty more than 55."""


def sentences_like_text(count: int, seed: int = 0, longest: int = 90) -> list[str]:
    """Return sentences composed of authored clauses, with the (log-normal) length distribution of real text."""
    rng = random.Random(seed)
    clauses = [row["text"].rstrip(" .!?") for _, row in read_json_lines(CLAUSES)]
    made = []
    for _ in range(count):
        words = min(longest, max(2, round(rng.lognormvariate(MEAN_WORDS, SD_WORDS))))
        text: list[str] = []
        while len(text) < words:
            text += rng.choice(clauses).split()
        made.append(" ".join(text[:words]) + ".")
    return made


def read_sentences(data: str | None, count: int) -> list[str]:
    """Return the first sentences of a labelled file, or synthetic ones if no file is given."""
    from certainty.labelled import read_labelled

    return [s.text for s in read_labelled(data)][:count] if data else sentences_like_text(count)
