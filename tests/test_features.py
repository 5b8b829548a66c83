"""What training reads of a labelled sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from certainty import Label
from certainty.finetuning.features import IGNORED, SentenceFeatures
from certainty.labelled import LabelledSentence, read_labelled
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


def test_cues_belong_to_the_label(tokenizer: SentenceTokenizer) -> None:
    hedged = sentence("La ville aurait proposé un vote.", "aurait")
    cue = features(tokenizer, hedged)["cue"]
    assert (cue[[0, -1]] == IGNORED).all() and (cue[1:-1, 1:] == 0).all() and 1 in cue[:, 0]
    cue = features(tokenizer, replace(hedged, second=Label.DENIED))["cue"]
    assert (cue[:, 2] == IGNORED).all() and (cue[1:-1, 1] == 0).all(), "those of the second claim are unknown"
    cue = features(tokenizer, replace(hedged, label=Label.ASSERTED, cues=()))["cue"]
    assert (cue[1:-1] == 0).all()
    for unknown in (replace(hedged, cues=None), LabelledSentence(hedged.text, None, claim=False, cues=())):
        assert (features(tokenizer, unknown)["cue"] == IGNORED).all()


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({"second": "denied"}, 4),
        ({"second": None}, 0),
        ({}, IGNORED),
        ({"label": "denied", "second": "denied"}, 0),
        ({"label": "no_claim", "second": None}, IGNORED),
    ],
)
def test_a_second_claim_is_a_label_none_or_unknown(
    tokenizer: SentenceTokenizer, given: dict[str, object], target: int | float
) -> None:
    read = read_labelled([{"text": "Il viendrait, mais pas elle.", "label": "probable", **given}])
    expected = [IGNORED] * 5 if target == IGNORED else np.eye(5)[target].tolist()
    assert features(tokenizer, read[0])["second"].tolist() == expected
    assert features(tokenizer, read_labelled(read)[0])["second"].tolist() == expected, "rows in memory say the same"


def test_a_source_is_its_first_and_last_token(tokenizer: SentenceTokenizer) -> None:
    text = "Selon la maire de Montreval, le pont est fermé."
    named = LabelledSentence(text, Label.ASSERTED, attributed=True, sources=((6, 27), (29, 36)))
    (offsets,) = [encoding.offsets for encoding in tokenizer([text])]
    first, last = (int(token) - 1 for token in features(tokenizer, named)["source"])
    assert text[offsets[first][0] : offsets[last][1]].strip() == "la maire de Montreval"
    for nobody in (replace(named, sources=()), replace(named, attributed=False, sources=None)):
        assert features(tokenizer, nobody)["source"].tolist() == [0, 0]
    assert (features(tokenizer, replace(named, sources=None))["source"] == IGNORED).all()
    (cut,) = SentenceFeatures([named], tokenizer, 5).rows
    assert (cut["source"] == IGNORED).all(), "the model does not read all of it"


def features(tokenizer: SentenceTokenizer, labelled: LabelledSentence) -> dict[str, Any]:
    (row,) = SentenceFeatures([labelled], tokenizer, 64).rows
    return row


def test_of_a_long_sentence_the_first_window_is_read(
    tokenizer: SentenceTokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    long = LabelledSentence("Le maire dément tout. " * 40, Label.DENIED)
    (row,) = SentenceFeatures([long], tokenizer, 16).rows
    assert len(row["input_ids"]) == len(row["cue"]) == 16
    assert (row["input_ids"][0], row["input_ids"][-1]) == tokenizer.special
    assert "longer than 16 tokens" in caplog.text
