"""Turn logits into sentence scores: probabilities, labels, second claims, attribution, sources and cues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from certainty.batching import Window
from certainty.engines.base import Floats, Logits
from certainty.labels import CUED, LABELS, Label
from certainty.model_folder import ModelSettings
from certainty.sentence_score import Cue, SentenceScore, Source
from certainty.sentences import Sentence
from certainty.spans import Span, cue_spans, one_channel_cue_spans, source_span
from certainty.tokenising import Encoding


class SentenceLogits:
    """The logits of sentences, combined from those of their windows.

    Attributes:
        label: Shape (sentences, 4), the mean over the windows of each sentence, in which the first window, where the
            main clause most often is, counts as much as all others together.
        claim, attributed: Shape (sentences,), also the mean.
        second: Shape (sentences, 5), also the mean; zeros if the model has no such head.

    Args:
        windows: The windows of all sentences; each sentence has at least one.
        sentences: Number of sentences.
    """

    def __init__(self, windows: Sequence[Window], sentences: int) -> None:
        self._windows = windows
        self._share = _shares(windows, sentences)
        self.label = np.zeros((sentences, len(LABELS)))
        self.claim = np.zeros(sentences)
        self.attributed = np.zeros(sentences)
        self.second = np.zeros((sentences, 1 + len(LABELS)))
        self._cue: list[list[tuple[int, Floats]]] = [[] for _ in range(sentences)]
        self._source: list[list[tuple[int, Floats]]] = [[] for _ in range(sentences)]

    def add(self, indices: Sequence[int], logits: Logits) -> None:
        """Add the logits of a batch, which consists of the windows at `indices`."""
        windows = [self._windows[i] for i in indices]
        rows = [window.sentence for window in windows]
        share = self._share[list(indices)]
        np.add.at(self.label, rows, logits.label * share[:, None])
        np.add.at(self.claim, rows, logits.claim * share)
        np.add.at(self.attributed, rows, logits.attributed * share)
        for window, cue in zip(windows, logits.cue, strict=True):
            self._cue[window.sentence].append((window.start, cue[1 : len(window.ids) - 1]))
        if logits.second is not None:
            np.add.at(self.second, rows, logits.second * share[:, None])
        if logits.source is not None:
            for window, source in zip(windows, logits.source, strict=True):
                self._source[window.sentence].append((window.start, source[: len(window.ids) - 1]))

    def cue(self, sentence: int, tokens: int) -> Floats:
        """Return the cue logits of a sentence without special tokens: the maximum over windows.

        Args:
            sentence: Its index.
            tokens: Its number of tokens.

        Returns:
            Shape (tokens, 3), or (tokens,) for a model with a single cue channel.
        """
        windows = self._cue[sentence]
        total = np.full((tokens, *windows[0][1].shape[1:]), -np.inf, dtype=np.float32)
        for start, logits in windows:
            part = total[start : start + len(logits)]
            np.maximum(part, logits, out=part)
        return total

    def source(self, sentence: int) -> list[tuple[int, Floats]]:
        """Return the source logits of each window of a sentence, as for `certainty.spans.source_span`."""
        return self._source[sentence]


def _shares(windows: Sequence[Window], sentences: int) -> NDArray[np.float64]:
    """Return the weight of each window in the mean of its sentence."""
    others = np.bincount([window.sentence for window in windows], minlength=sentences) - 1
    return np.array(
        [
            1.0 if not others[window.sentence] else 0.5 if not window.start else 0.5 / others[window.sentence]
            for window in windows
        ]
    )


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
    # The output of a head that was not trained is meaningless; a sentence of which nothing is read makes no claim.
    finds_claims, finds_attribution = (head in settings.heads for head in ("claim", "attributed"))
    is_read = np.array([bool(encoding.ids) for encoding in encodings], dtype=bool)
    is_claim = is_read & (logits.claim >= (logit(settings.claim_threshold) if finds_claims else -np.inf))
    claim_probabilities = (is_read * sigmoid(logits.claim)).tolist()
    labels = [
        LABELS[best] if claim else Label.NO_CLAIM
        for best, claim in zip(probabilities.argmax(axis=1).tolist(), is_claim.tolist(), strict=True)
    ]
    attributed = (is_claim & (logits.attributed >= logit(settings.attributed_threshold))).tolist()
    others, second_probabilities = second_claims(logits.second, probabilities)
    threshold, least_source = logit(settings.cue_threshold), logit(settings.source_threshold)

    def cues(i: int, label: Label | None, at_least_one: bool = True) -> tuple[Cue, ...]:
        if "cue" not in settings.heads or label not in CUED:
            return ()
        encoding, sentence = encodings[i], sentences[i]
        of_tokens = logits.cue(i, len(encoding.offsets))
        if of_tokens.ndim == 1:
            spans = one_channel_cue_spans(of_tokens, encoding.offsets, encoding.word_ids, threshold)
        else:
            channel = of_tokens[:, CUED.index(label)]
            spans = cue_spans(sentence.text, encoding.offsets, channel, threshold, at_least_one)
        return tuple(Cue(*_words(sentence, span)) for span in spans)

    def source(i: int) -> Source | None:
        span = source_span(sentences[i].text, encodings[i].offsets, logits.source(i), least_source)
        return Source(*_words(sentences[i], span)) if span else None

    for i, (sentence, row) in enumerate(zip(sentences, probabilities.tolist(), strict=True)):
        claims = labels[i] is not Label.NO_CLAIM
        second_probability = second_probabilities[i] if claims and "second" in settings.heads else None
        is_shown = second_probability is not None and second_probability >= settings.second_threshold
        second = others[i] if is_shown else None
        yield SentenceScore(
            text=sentence.text,
            start=sentence.start,
            end=sentence.end,
            label=labels[i],
            probabilities=dict(zip(LABELS, row, strict=True)),
            claim_probability=claim_probabilities[i] if finds_claims or not claims else None,
            attributed=attributed[i] if finds_attribution else None,
            cues=cues(i, labels[i]),
            second=second,
            second_probability=second_probability,
            # Labelled rows give no cues of a second claim, so a model is seldom sure of them.
            second_cues=cues(i, second, at_least_one=False),
            source=source(i) if finds_attribution and attributed[i] and "source" in settings.heads else None,
        )


def second_claims(logits: NDArray[np.float64], probabilities: NDArray[np.float64]) -> tuple[list[Label], list[float]]:
    """Return the most likely label of a second claim, and the probability that there is one, for each sentence.

    A second claim has another label than the main claim, so that label is ruled out and the others take its share.

    Args:
        logits: Logits of the head for the second claim, shape (n, 5).
        probabilities: Probabilities of the label of the main claim, shape (n, 4).
    """
    own = np.array(logits)
    own[np.arange(len(own)), 1 + probabilities.argmax(axis=1)] = -np.inf
    own = softmax(own)
    return [LABELS[best] for best in own[:, 1:].argmax(axis=1).tolist()], (1.0 - own[:, 0]).tolist()


def _words(sentence: Sentence, span: Span) -> tuple[int, int, str]:
    """Return a span of a sentence as offsets in the text of the document, with its words."""
    start, end = span
    text = sentence.text[start:end]
    # The span of a token may include the space before the word.
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return sentence.start + start, sentence.start + start + len(text), text
