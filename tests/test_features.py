"""What training reads of a labelled sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from certainty import Label
from certainty.finetuning.features import SentenceFeatures
from certainty.labelled import LabelledSentence
from certainty.tokenising import SentenceTokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> SentenceTokenizer:
    return SentenceTokenizer.from_folder(tiny_model)


def sentence(text: str, cue: str) -> LabelledSentence:
    start = text.index(cue)
    return LabelledSentence(text, Label.PROBABLE, cues=((start, start + len(cue)),))


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("La ville au\u00adrait pro\u00adposé un vote.", "au\u00adrait"),
        ("La ville aurait pro-\nposé un vote.", "aurait"),
        ("La <b>ville</b> aurait propos&eacute; un vote.", "aurait"),
    ],
)
def test_training_reads_a_sentence_as_scoring_does(tokenizer: SentenceTokenizer, text: str, cue: str) -> None:
    plain = sentence("La ville aurait proposé un vote.", "aurait")
    clean, given = SentenceFeatures([plain, sentence(text, cue)], tokenizer, 64).rows
    assert given["input_ids"] == clean["input_ids"]
    np.testing.assert_array_equal(given["cue"], clean["cue"])
    assert (clean["cue"] == 1).sum() >= 1


def test_of_a_long_sentence_the_first_window_is_read(
    tokenizer: SentenceTokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    long = LabelledSentence("Le maire dément tout. " * 40, Label.DENIED)
    (row,) = SentenceFeatures([long], tokenizer, 16).rows
    assert len(row["input_ids"]) == len(row["cue"]) == 16
    assert (row["input_ids"][0], row["input_ids"][-1]) == tokenizer.special
    assert "longer than 16 tokens" in caplog.text
