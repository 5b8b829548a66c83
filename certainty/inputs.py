"""Check the texts and sentences that a user passes in, with errors that name the position."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import Any

from certainty.errors import CertaintyError
from certainty.sentences import Sentence

logger = logging.getLogger(__name__)


def checked_text(text: object, where: str) -> str:
    """Return the text if it is a string.

    Raises:
        CertaintyError: If it is not a string. The message refers to it as `where`.
    """
    if isinstance(text, str):
        return text
    mend = "Give a str, and leave missing values out."
    if isinstance(text, os.PathLike):
        mend = "Read the file first: certainty.read_files yields the texts of files."
    if isinstance(text, (bytes, bytearray)):
        mend = "Decode it first: text.decode('utf-8')."
    raise CertaintyError(f"{where} is {type(text).__name__} ({str(text)[:40]!r}). {mend}")


def checked_pair(pair: object, where: str) -> tuple[str, Any]:
    """Return a text and its context.

    Raises:
        CertaintyError: If `pair` is not a tuple of length 2, or its first item is not a string.
    """
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise CertaintyError(f"{where} is {type(pair).__name__} ({str(pair)[:40]!r}). Give a tuple (text, context).")
    return checked_text(pair[0], f"{where}[0]"), pair[1]


def checked_sequence(texts: object, name: str) -> Iterable[Any]:
    """Return `texts` if it is a one-dimensional iterable, other than bytes or a dict.

    Raises:
        CertaintyError: If it is anything else.
    """
    if isinstance(texts, (bytes, bytearray, os.PathLike)):
        checked_text(texts, name)
    if isinstance(texts, dict) or not isinstance(texts, Iterable):
        raise CertaintyError(f"{name} is {type(texts).__name__} ({str(texts)[:40]!r}). Give a str or a list of str.")
    if (dimensions := getattr(texts, "ndim", 1)) != 1:
        raise CertaintyError(f"{name} is {type(texts).__name__} with {dimensions} dimensions. Give one column of it.")
    return texts


def given_sentences(sentences: object) -> list[Sentence]:
    """Return the given strings as sentences, each with offsets from 0 to its length; warn of wrongly decoded accents.

    Raises:
        CertaintyError: If `sentences` is a single string, or one of them is not a string or has only white space.
    """
    from certainty.documents.damage import mojibake  # takes a while to compile

    if isinstance(sentences, str):
        raise CertaintyError("sentences is a single str; give a list of sentences, or use score() for a text.")
    given = []
    for i, sentence in enumerate(checked_sequence(sentences, "sentences")):
        text = checked_text(sentence, f"sentences[{i}]")
        if not text.strip():
            raise CertaintyError(f"sentences[{i}] is empty ({text[:20]!r}). Leave it out.")
        given.append(Sentence(text, 0, len(text)))
    if garbled := [i for i, sentence in enumerate(given) if mojibake(sentence.text)]:
        logger.warning(
            "sentences[%d] and %d more look as if UTF-8 had been read as Windows-1252 (« Ã© » for « é »), and are "
            "scored as they are; read the file as UTF-8.",
            *(garbled[0], len(garbled) - 1),
        )
    return given
