"""Cut sentences into token windows and group these into batches, sorted by length, within a token budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a sentence that fits into the encoder. Most sentences are a single window.

    Attributes:
        sentence: Index of the sentence.
        start: Index of the window's first token among the sentence's tokens.
        ids: Token ids, including special tokens.
    """

    sentence: int
    start: int
    ids: list[int]


def cut_windows(token_ids: Sequence[list[int]], special: tuple[int, int], max_length: int) -> list[Window]:
    """Add the special tokens to each sentence; cut longer ones into windows that overlap by half.

    Args:
        token_ids: Token ids of each sentence, without special tokens.
        special: Ids of the special tokens before and after each window.
        max_length: Maximum length of a window, including special tokens.
    """
    body = max_length - 2
    first, last = special
    windows: list[Window] = []
    for i, ids in enumerate(token_ids):
        starts = [0]
        while starts[-1] + body < len(ids):
            starts.append(min(starts[-1] + body // 2, len(ids) - body))
        windows.extend(Window(i, start, [first, *ids[start : start + body], last]) for start in starts)
    return windows


def batches(lengths: Sequence[int], token_budget: int, workers: int = 1) -> list[list[int]]:
    """Return the row indices of each batch. Rows are sorted by length, longest first, to keep padding low.

    Args:
        lengths: Length of each row in tokens.
        token_budget: Maximum number of tokens per batch, including padding. A longer row gets a batch of its own.
        workers: Number of batches that run at the same time. A small number of rows is divided among them.
    """
    token_budget = min(token_budget, math.ceil(sum(lengths) / workers))
    order = np.argsort(-np.asarray(lengths, dtype=np.intp), kind="stable").tolist()
    made: list[list[int]] = []
    start = 0
    while start < len(order):
        size = max(1, token_budget // lengths[order[start]])
        made.append(order[start : start + size])
        start += size
    return made


def pad(rows: Sequence[list[int]], pad_token_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pad rows to the same length; return token ids and attention mask, both of shape (rows, longest row)."""
    width = max(map(len, rows))
    ids = np.full((len(rows), width), pad_token_id, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask
