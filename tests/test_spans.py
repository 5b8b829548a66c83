"""The words that are shown: cues of whole words that say something, and the source of a claim."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from certainty.spans import MOST_CUE_WORDS, cue_spans, source_span
from certainty.words import is_empty_word, word_spans


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in word_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'élu n’a peut-être pas fui.", ["L'", "élu", "n’", "a", "peut-être", "pas", "fui"]),
        ("« Non », a-t-elle dit.", ["Non", "a", "t", "elle", "dit"]),
        ("Dit-on à Aulnay-en-Bray ?", ["Dit", "on", "à", "Aulnay-en-Bray"]),
        ("Quelqu'un viendra-t-il aujourd'hui ?", ["Quelqu'un", "viendra", "t", "il", "aujourd'hui"]),
        ("Il au\u00adrait re&ccedil;u.", ["Il", "au\u00adrait", "re&ccedil;u"]),
        ("… !", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "word", "empty"),
    [
        ("Il est parti.", "est", True),
        ("Il n'est pas parti.", "pas", False),
        ("Selon lui, non.", "Selon", False),
        ("Le ministre Durand doute.", "Durand", True),
        ("D'après M. Durand, non.", "Durand", True),
        ("Durand doute.", "Durand", False),
        ("Il dit : Probablement.", "Probablement", False),
        ("Il serait parti.", "serait", False),
    ],
)
def test_words_that_explain_nothing_by_themselves(text: str, word: str, empty: bool) -> None:
    start = text.index(word)
    assert is_empty_word(text, start, start + len(word)) is empty


def tokens(text: str) -> list[tuple[int, int]]:
    """Pieces of three characters, as if a tokenizer had cut the words."""
    return [(a, min(a + 3, end)) for start, end in word_spans(text) for a in range(start, end, 3)]


def cues(text: str, likely: dict[str, float], threshold: float = 0.0, at_least_one: bool = True) -> list[str]:
    """Return the cues where the first piece of each of some words is likely."""
    offsets = tokens(text)
    logits = np.full(len(offsets), -5.0, dtype=np.float32)
    for word, value in likely.items():
        logits[next(i for i, (start, _) in enumerate(offsets) if start == text.index(word))] = value
    return [text[start:end] for start, end in cue_spans(text, offsets, logits, threshold, at_least_one)]


def test_cues_are_whole_words() -> None:
    assert cues("Il viendra probablement demain.", {"probablement": 1}) == ["probablement"]
    assert cues("Il n'a pas fui, dit-on.", {"n'": 1, "a ": 1, "pas": 2, "dit": 1}) == ["n'a pas", "dit"]
    assert cues("C'est faux, archifaux.", {"faux": 1, "archifaux": 1}) == ["faux", "archifaux"], "not over a comma"


def test_cues_are_a_few_words() -> None:
    text = "Sans doute probablement peut-être vraisemblablement apparemment possiblement faux"
    found = cues(text, {word: i for i, word in enumerate(words(text))})
    assert found == [" ".join(words(text)[-MOST_CUE_WORDS:])]


def test_a_name_or_a_function_word_is_never_a_cue_alone() -> None:
    text = "Le maire que Durand dément est parti."
    assert cues(text, {"que": 3, "Durand": 1, "dément": -1}) == ["dément"]
    assert cues(text, {"que": 3, "dément": 1}) == ["dément"]
    assert cues(text, {"Durand": 3, "dément": 1}) == ["Durand dément"]
    assert cues(text, {"maire": -2}) == ["maire"], "no word reaches the threshold: the most likely one"
    assert cues(text, {"maire": -2}, at_least_one=False) == []
    assert cues("Il y est.", {"est": 1}) == ["est"], "the sentence has no other words"
    assert cues("… !", {}) == []


def window(text: str, start: str, end: str, nobody: float = 0.0, value: float = 2.0) -> NDArray[np.float32]:
    offsets = tokens(text)
    logits = np.full((1 + len(offsets), 2), -3.0, dtype=np.float32)
    logits[0] = nobody
    logits[1 + next(i for i, (a, _) in enumerate(offsets) if a >= text.index(start)), 0] = value
    logits[1 + next(i for i, (a, _) in enumerate(offsets) if a >= text.index(end)), 1] = value
    return logits


def source(text: str, *windows: tuple[int, NDArray[np.float32]], threshold: float = 0.0) -> str | None:
    span = source_span(text, tokens(text), windows, threshold)
    return text[span[0] : span[1]] if span else None


def test_a_source_is_whole_words_without_the_punctuation_around() -> None:
    text = 'Selon "la préfecture", le pont est fermé.'
    assert source(text, (0, window(text, "la", "préfecture"))) == "la préfecture"
    text = "Le pont est fermé, a-t-elle dit à Jean Dupont (PS)."
    assert source(text, (0, window(text, "elle", "elle"))) == "elle"
    assert source(text, (0, window(text, "Jean", "PS"))) == "Jean Dupont (PS)"


def test_nobody_is_named_unless_the_words_are_likelier() -> None:
    text = "Selon elle, non."
    assert source(text, (0, window(text, "elle", "elle", nobody=3.0))) is None
    assert source(text, (0, window(text, "elle", "elle")), threshold=5.0) is None
    assert source(text) is source("…", (0, np.zeros((1, 2), dtype=np.float32))) is None


def test_the_first_word_is_never_after_the_last() -> None:
    text = "Paul parle, dit Anne."
    logits = window(text, "Anne", "Paul", value=4.0)
    logits[1, 0] = 3.0
    assert source(text, (0, logits)) == "Paul"


def test_the_surest_window_of_a_long_sentence_decides() -> None:
    text = "Selon Paul, non, dit Anne."
    all_of_it = window(text, "Paul", "Paul")
    middle = 4
    surer = window(text, "Anne", "Anne", value=3.0)
    later = np.concatenate([surer[:1], surer[1 + middle :]])
    assert source(text, (0, all_of_it[: 1 + middle]), (middle, later)) == "Anne"
    assert source(text, (0, all_of_it), (middle, np.full_like(later, 0.1))) == "Paul"
