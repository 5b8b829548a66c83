"""Turn logits into sentence scores: probabilities, labels, attribution and cues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from certainty.batching import Window
from certainty.engines.base import Floats, Logits
from certainty.labels import LABELS, Label
from certainty.model_folder import ModelSettings
from certainty.sentence_score import Cue, SentenceScore
from certainty.sentences import Sentence
from certainty.tokenising import Encoding


class SentenceLogits:
    """The logits of sentences, combined from those of their windows.

    Attributes:
        label: Shape (sentences, 4), the mean over the windows of each sentence.
        claim, attributed: Shape (sentences,), also the mean.

    Args:
        windows: The windows of all sentences; each sentence has at least one.
        sentences: Number of sentences.
    """

    def __init__(self, windows: Sequence[Window], sentences: int) -> None:
        self._windows = windows
        self._share = 1.0 / np.bincount([window.sentence for window in windows], minlength=sentences)
        self.label = np.zeros((sentences, len(LABELS)))
        self.claim = np.zeros(sentences)
        self.attributed = np.zeros(sentences)
        self._cue: list[list[tuple[int, Floats]]] = [[] for _ in range(sentences)]

    def add(self, indices: Sequence[int], logits: Logits) -> None:
        """Add the logits of a batch, which consists of the windows at `indices`."""
        windows = [self._windows[i] for i in indices]
        rows = [window.sentence for window in windows]
        share = self._share[rows]
        np.add.at(self.label, rows, logits.label * share[:, None])
        np.add.at(self.claim, rows, logits.claim * share)
        np.add.at(self.attributed, rows, logits.attributed * share)
        for window, cue in zip(windows, logits.cue, strict=True):
            self._cue[window.sentence].append((window.start, cue[1 : len(window.ids) - 1]))

    def cue(self, sentence: int, tokens: int) -> Floats:
        """Return the cue logits of a sentence, shape (tokens,), without special tokens: the maximum over windows."""
        total = np.full(tokens, -np.inf, dtype=np.float32)
        for start, logits in self._cue[sentence]:
            part = total[start : start + len(logits)]
            np.maximum(part, logits, out=part)
        return total


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the softmax over the last axis, in float64."""
    shifted = np.exp(np.asarray(logits, dtype=np.float64) - np.max(logits, axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the logistic function 1 / (1 + exp(-x)), in float64 and without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.asarray(logits, dtype=np.float64)))


def logit(probability: float) -> float:
    """Return log(p / (1 - p)); this is infinite for 0 and 1."""
    with np.errstate(divide="ignore"):
        return float(np.log(probability) - np.log1p(-probability))


def sentence_scores(
    sentences: Sequence[Sentence], encodings: Sequence[Encoding], logits: SentenceLogits, settings: ModelSettings
) -> Iterator[SentenceScore]:
    """Yield the score of each sentence.

    Args:
        sentences: The sentences, with their offsets in the given text.
        encodings: Their tokens, without special tokens.
        logits: Their logits.
        settings: The settings of the model, with its thresholds.
    """
    probabilities = softmax(logits.label)
    # The output of a head that was not trained is meaningless.
    is_claim = logits.claim >= (logit(settings.claim_threshold) if "claim" in settings.heads else -np.inf)
    claim_probabilities = sigmoid(logits.claim).tolist() if "claim" in settings.heads else [1.0] * len(logits.claim)
    labels = [
        LABELS[best] if claim else Label.NO_CLAIM
        for best, claim in zip(probabilities.argmax(axis=1).tolist(), is_claim.tolist(), strict=True)
    ]
    least_attributed = logit(settings.attributed_threshold) if "attributed" in settings.heads else np.inf
    attributed = (logits.attributed >= least_attributed).tolist()
    threshold = logit(settings.cue_threshold)
    for i, (sentence, row) in enumerate(zip(sentences, probabilities.tolist(), strict=True)):
        cues: tuple[Cue, ...] = ()
        if "cue" in settings.heads and labels[i] not in (Label.ASSERTED, Label.NO_CLAIM):
            offsets = encodings[i].offsets
            spans = cue_spans(logits.cue(i, len(offsets)), offsets, encodings[i].word_ids, threshold)
            cues = tuple(_cue(sentence, start, end) for start, end in spans)
        yield SentenceScore(
            text=sentence.text,
            start=sentence.start,
            end=sentence.end,
            label=labels[i],
            probabilities=dict(zip(LABELS, row, strict=True)),
            claim_probability=claim_probabilities[i],
            attributed=attributed[i] and labels[i] is not Label.NO_CLAIM,
            cues=cues,
        )


def cue_spans(
    cue_logits: Floats, offsets: Sequence[tuple[int, int]], word_ids: Sequence[int | None], threshold: float
) -> list[tuple[int, int]]:
    """Return the character spans of the cues, merging adjacent words into one span.

    A word is a cue if one of its tokens reaches the threshold, which is given as a logit. If no word does, the most
    likely one is the cue, since some word must have decided the label.
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
    # The span of a token may include the space before the word.
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return Cue(sentence.start + start, sentence.start + start + len(text), text)
