"""The sentence splitters compared by `benchmarks.splitting`; each is only imported when it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from certainty.sentences import split_sentences

Splitter = Callable[[str], Iterable[str]]


def certainty() -> Splitter:
    """Our own splitter."""
    return lambda text: [sentence.text for sentence in split_sentences(text)]


def syntok() -> Splitter:
    """https://github.com/fnl/syntok."""
    from syntok import segmenter

    return lambda text: [
        "".join(token.spacing + token.value for token in sentence)
        for paragraph in segmenter.analyze(text)
        for sentence in paragraph
    ]


def pysbd() -> Splitter:
    """https://github.com/nipunsadvilkar/pySBD."""
    from pysbd import Segmenter

    segment: Splitter = Segmenter(language="fr", clean=False).segment
    return segment


def sentencex() -> Splitter:
    """https://github.com/wikimedia/sentencex."""
    from sentencex import segment

    return lambda text: segment("fr", text)


def moses() -> Splitter:
    """The rules of Moses (https://github.com/mediacloud/sentence-splitter)."""
    from sentence_splitter import SentenceSplitter

    split: Splitter = SentenceSplitter(language="fr").split
    return split


def blingfire() -> Splitter:
    """https://github.com/microsoft/BlingFire."""
    from blingfire import text_to_sentences

    return lambda text: text_to_sentences(text).split("\n")


def edsnlp() -> Splitter:
    """The rules of https://github.com/aphp/edsnlp, designed for French clinical notes."""
    from edsnlp import blank

    nlp = blank("eds")
    nlp.add_pipe("eds.sentences")
    nlp.max_length = 10**9
    return lambda text: [sentence.text for sentence in nlp(text).sents]


def spacy() -> Splitter:
    """The rule-based `sentencizer` of https://spacy.io."""
    from spacy import blank

    nlp = blank("fr")
    nlp.add_pipe("sentencizer")
    nlp.max_length = 10**9
    return lambda text: [sentence.text for sentence in nlp(text).sents]


SPLITTERS: dict[str, Callable[[], Splitter]] = {
    make.__name__: make for make in (certainty, syntok, pysbd, sentencex, moses, blingfire, edsnlp, spacy)
}
