"""Decode the words that a score shows: the cues of a label, and the source of the claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from certainty.engines.base import Floats
from certainty.words import is_empty_word, word_spans

MOST_CUE_WORDS = 5
"""As in the guideline of the labels."""

Span = tuple[int, int]
"""The offsets of the first character and after the last."""


def cue_spans(
    text: str, offsets: Sequence[Span], cue_logits: Floats, threshold: float, at_least_one: bool
) -> list[Span]:
    """Return the cues of a label: the most likely words, at most `MOST_CUE_WORDS`, in spans of neighbours.

    A word is a cue if one of its tokens reaches the threshold. A span of nothing but names and function words is left
    out.

    Args:
        text: The sentence.
        offsets: Character span of each token.
        cue_logits: Logit of each token for the label, shape (tokens,).
        threshold: Minimum logit.
        at_least_one: Whether the most likely other word is the cue if nothing remains, since some word must have
            decided the label.
    """
    words = word_spans(text)
    values = _word_values(words, offsets, cue_logits.tolist())
    likely = sorted((i for i in range(len(words)) if values[i] >= threshold), key=lambda i: -values[i])
    spans: list[list[int]] = []
    for i in sorted(likely[:MOST_CUE_WORDS]):
        if spans and spans[-1][-1] == i - 1 and text[words[i - 1][1] : words[i][0]].strip() in ("", "-"):
            spans[-1].append(i)
        else:
            spans.append([i])
    telling = [span for span in spans if not all(is_empty_word(text, *words[i]) for i in span)]
    if not telling and at_least_one:
        scored = [i for i in range(len(words)) if values[i] > -np.inf]
        others = [i for i in scored if not is_empty_word(text, *words[i])]
        telling = [[max(others or scored, key=values.__getitem__)]] if scored else []
    return [(words[span[0]][0], words[span[-1]][1]) for span in telling]


def source_span(
    text: str, offsets: Sequence[Span], windows: Iterable[tuple[int, Floats]], threshold: float
) -> Span | None:
    """Return the words that name the source, from the window that is surest of them; None if nobody is named.

    They are whole words without the punctuation around them.

    Args:
        text: The sentence.
        offsets: Character span of each token.
        windows: For each window, the index of its first token and the logits of first and last token, shape
            (1 + tokens, 2); their first row stands for "nobody".
        threshold: Minimum of the logits of a span minus those of "nobody".
    """
    best, place = threshold, None
    for offset, logits in windows:
        if len(logits) < 2:
            continue
        starts, ends = logits[1:].T
        totals = np.maximum.accumulate(starts) + ends  # the best first token up to each last one
        last = int(totals.argmax())
        margin = float(totals[last] - logits[0].sum())
        if margin >= best:
            best, place = margin, (offset + int(starts[: last + 1].argmax()), offset + last)
    if place is None:
        return None
    start, end = offsets[place[0]][0], offsets[place[1]][1]
    words = [word for word in word_spans(text) if word[0] < end and start < word[1]]
    if not words:
        return None
    start, end = words[0][0], words[-1][1]
    # A closing bracket belongs to the words if the opening one does: "Jean Dupont (PS)".
    return start, end + (text[end : end + 1] == ")" and "(" in text[start:end])


def _word_values(words: Sequence[Span], offsets: Sequence[Span], logits: Sequence[float]) -> list[float]:
    """Return the largest logit of the tokens that overlap each word; -inf without any."""
    values = [-np.inf] * len(words)
    first = 0
    for (start, end), logit in zip(offsets, logits, strict=True):
        while first < len(words) and words[first][1] <= start:
            first += 1
        i = first
        while i < len(words) and words[i][0] < end:
            values[i] = max(values[i], logit)
            i += 1
    return values


def one_channel_cue_spans(
    cue_logits: Floats, offsets: Sequence[Span], word_ids: Sequence[int | None], threshold: float
) -> list[Span]:
    """Return the cues of a model made before release 0.5, whose cue channel is the same for all labels.

    A word is a cue if one of its tokens reaches the threshold, which is given as a logit. If no word does, the most
    likely one is the cue, since some word must have decided the label.
    """
    if not len(cue_logits):
        return []
    threshold = min(threshold, float(cue_logits.max()))
    chosen = {word for word, value in zip(word_ids, cue_logits, strict=True) if value >= threshold}
    spans: list[Span] = []
    previous = None
    for word, (start, end) in zip(word_ids, offsets, strict=True):
        if word in chosen and end > start:
            if spans and previous is not None and word is not None and previous in (word, word - 1):
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
            previous = word
    return spans
