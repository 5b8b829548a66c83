"""Logits → probabilities, cues and flags of one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from certainty.engines import Floats
from certainty.labels import LABELS, Label
from certainty.model_folder import ModelSettings
from certainty.results import Cue, SentenceScore
from certainty.sentences import Sentence


@dataclass(slots=True)
class SentenceLogits:
    """The logits of one sentence, put together from its windows.

    Attributes:
        cue: Shape (tokens,), without special tokens.
        label: Shape (4,), the mean over windows; `claim` and `attributed` likewise.
    """

    cue: Floats
    label: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(LABELS)))
    claim: float = 0.0
    attributed: float = 0.0
    windows: int = 0

    @classmethod
    def empty(cls, tokens: int) -> SentenceLogits:
        """Return the logits of a sentence of so many tokens before any window is added."""
        return cls(cue=np.full(tokens, -np.inf, dtype=np.float32))

    def add(self, start: int, label: Floats, claim: float, attributed: float, cue: Floats) -> None:
        """Add a window whose first token is `start`: means of the sentence's logits, the maximum of a cue's."""
        self.windows += 1
        self.label += (label - self.label) / self.windows
        self.claim += (claim - self.claim) / self.windows
        self.attributed += (attributed - self.attributed) / self.windows
        part = self.cue[start : start + len(cue)]
        np.maximum(part, cue, out=part)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the softmax over the last axis, in float64."""
    shifted = np.exp(np.asarray(logits, dtype=np.float64) - np.max(logits, axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def logit(probability: float) -> float:
    """Return log(p / (1 - p))."""
    return float(np.log(probability) - np.log1p(-probability))


def sentence_score(
    sentence: Sentence,
    logits: SentenceLogits,
    offsets: Sequence[tuple[int, int]],
    word_ids: Sequence[int | None],
    settings: ModelSettings,
) -> SentenceScore:
    """Turn the logits of one sentence into its score.

    Args:
        sentence: The sentence with its place in the given text.
        logits: Its logits.
        offsets: Character span of every token in the sentence.
        word_ids: The word of every token.
        settings: The model's thresholds.
    """
    probabilities = softmax(logits.label)
    label = LABELS[int(probabilities.argmax())]
    is_claim = logits.claim >= logit(settings.claim_threshold)
    cues: tuple[Cue, ...] = ()
    if is_claim and label is not Label.ASSERTED:
        spans = cue_spans(logits.cue, offsets, word_ids, logit(settings.cue_threshold))
        cues = tuple(_cue(sentence, start, end) for start, end in spans)
    return SentenceScore(
        text=sentence.text,
        start=sentence.start,
        end=sentence.end,
        label=label,
        probabilities=dict(zip(LABELS, probabilities.tolist(), strict=True)),
        is_claim=bool(is_claim),
        attributed=bool(logits.attributed >= logit(settings.attributed_threshold)),
        cues=cues,
    )


def cue_spans(
    cue_logits: Floats, offsets: Sequence[tuple[int, int]], word_ids: Sequence[int | None], threshold: float
) -> list[tuple[int, int]]:
    """Return the character spans of the cue words; neighbouring words make one span.

    A word is a cue if one of its tokens reaches the threshold; where none does, the likeliest is the cue, since
    something in the sentence decided.
    """
    if not len(cue_logits):
        return []
    threshold = min(threshold, float(cue_logits.max()))
    chosen = {word for word, value in zip(word_ids, cue_logits, strict=True) if value >= threshold}
    spans: list[tuple[int, int]] = []
    previous = None
    for word, (start, end) in zip(word_ids, offsets, strict=True):
        if word in chosen and end > start:
            if spans and previous is not None and word is not None and previous in (word, word - 1):
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
            previous = word
    return spans


def _cue(sentence: Sentence, start: int, end: int) -> Cue:
    text = sentence.text[start:end]
    # A token's span may include the space before its word.
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return Cue(sentence.start + start, sentence.start + start + len(text), text)
