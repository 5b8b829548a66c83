"""Faithfulness of cues, with a stand-in whose label rests on one word, and with a real model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import certainty
from certainty import CertaintyError, Cue, Label, SentenceScore
from certainty.evaluation.faithfulness import faithfulness, faithfulness_of_seeds, table
from certainty.evaluation.perturbations import cue_tokens, kept, random_spans
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

MASK = 0
SURE = {Label.PROBABLE: 0.91, Label.ASSERTED: 0.85}


class Tokens(NamedTuple):
    ids: list[int]
    offsets: list[tuple[int, int]]


class OneWord:
    """Says probable where it reads "peut-être", else asserted; marks another word if told so."""

    mask_token_id = MASK

    def __init__(self, marked: str = "peut-être") -> None:
        self._marked = marked
        self._ids = {"peut-être": 1}

    def tokenize(self, sentences: Sequence[str], /) -> list[Tokens]:
        return [self._tokens(sentence) for sentence in sentences]

    def predict_proba_of_tokens(self, token_ids: Sequence[list[int]], /) -> NDArray[np.float64]:
        return np.array([self._row(ids) for ids in token_ids])

    def score_sentences(self, sentences: Sequence[str], /) -> list[SentenceScore]:
        return [self._score(sentence) for sentence in sentences]

    def _tokens(self, sentence: str) -> Tokens:
        ids, offsets, start = [], [], 0
        for word in sentence.split():
            start = sentence.index(word, start)
            ids.append(self._ids.setdefault(word, len(self._ids) + 1))
            offsets.append((start, start + len(word)))
            start += len(word)
        return Tokens(ids, offsets)

    def _row(self, ids: Sequence[int]) -> list[float]:
        label = Label.PROBABLE if 1 in ids else Label.ASSERTED
        return [SURE[label] if other is label else (1 - SURE[label]) / 3 for other in LABELS]

    def _score(self, text: str) -> SentenceScore:
        row = self._row(self._tokens(text).ids)
        label = LABELS[int(np.argmax(row))]
        cues: tuple[Cue, ...] = ()
        if label is Label.PROBABLE:
            start = text.index(self._marked)
            cues = (Cue(start, start + len(self._marked), self._marked),)
        return SentenceScore(text, 0, len(text), label, dict(zip(LABELS, row, strict=True)), 0.9, False, cues)


def sentence(place: str) -> LabelledSentence:
    text = f"Le pont de {place} rouvrira peut-être dès lundi matin ."
    start = text.index("peut-être")
    return LabelledSentence(text, Label.PROBABLE, cues=((start, start + 9),))


SENTENCES = [sentence(place) for place in ("Verlac", "Montrieu", "Sauzet", "Brégille", "Orchamp", "Tarvel")]
SENTENCES += [LabelledSentence("Le pont de Vieuvy est ouvert .", Label.ASSERTED, cues=())]


def values(group: dict[str, Any]) -> dict[str, float]:
    return {name: figure["value"] for name, figure in group.items()}


@pytest.mark.parametrize("kind", ["predicted", "gold"])
def test_a_label_that_rests_on_its_cue(kind: str) -> None:
    result = faithfulness(OneWord(), SENTENCES)[kind]
    drop = 0.91 - 0.05  # of p(probable)
    assert values(result["all"]) == pytest.approx(
        {
            "cue_share": 0.1, "comprehensiveness": drop, "comprehensiveness_deleted": drop,
            "comprehensiveness_random": 0, "sufficiency": 0, "sufficiency_deleted": 0, "flips": 1, "flips_deleted": 1,
            "flips_random": 0, "flips_difference": 1,
        }
    )  # fmt: skip
    assert result["probable"] == result["all"]
    assert result["all"]["flips"]["rows"] == len(SENTENCES) - 1
    assert result["all"]["flips_difference"]["p_value"] == pytest.approx(2 / 2**6, abs=0.01)  # six rows, all as far
    assert result["denied"]["flips"]["rows"] == result["denied"]["flips_difference"]["rows"] == 0


def test_a_label_that_rests_on_another_word() -> None:
    result = faithfulness(OneWord(marked="lundi"), SENTENCES, draws=40)
    found = values(result["predicted"]["all"])
    assert found["flips"] == found["comprehensiveness"] == 0
    assert found["sufficiency"] == pytest.approx(0.91 - 0.05)
    assert found["flips_random"] == pytest.approx(1 / 9, abs=0.08)  # the word is one of nine others
    assert found["flips_difference"] == -found["flips_random"]
    assert found["comprehensiveness_random"] == pytest.approx(found["flips_random"] * 0.86)
    assert result["gold"] == faithfulness(OneWord(), SENTENCES, draws=40)["gold"], "the marks do not matter there"


def test_a_cue_that_leaves_no_room_is_not_compared() -> None:
    long = LabelledSentence("peut-être bien", Label.PROBABLE, cues=((0, 14),))
    whole = faithfulness(OneWord(marked="peut-être bien"), [long])["predicted"]["all"]
    assert whole["flips"]["value"] == whole["cue_share"]["value"] == 1  # nothing is left of it when it is deleted
    assert whole["flips_deleted"]["value"] == 1
    assert whole["flips_random"]["value"] is whole["flips_difference"]["value"] is None
    both = faithfulness(OneWord(), [long, *SENTENCES])["gold"]["all"]
    assert (both["flips"]["rows"], both["flips_difference"]["rows"]) == (7, 6)


def test_gold_cues_count_where_the_label_is_right() -> None:
    wrong = [LabelledSentence(s.text, Label.DENIED, cues=s.cues) for s in SENTENCES[:2]]
    result = faithfulness(OneWord(), [*wrong, *SENTENCES[2:]])
    assert result["predicted"]["all"]["flips"]["rows"] == 6
    assert result["gold"]["all"]["flips"]["rows"] == 4


def test_seeds_are_averaged_and_the_result_is_repeatable() -> None:
    models = {"a": OneWord(), "b": OneWord(marked="lundi")}
    result = faithfulness_of_seeds(models, SENTENCES, seed=3)
    flips = result["predicted"]["all"]["flips"]
    assert flips["values"] == [1, 0] and flips["value"] == 0.5
    assert flips["sd"] == pytest.approx(0.5**0.5)
    assert "0.500 ± 0.707 [0.188, 0.812]" in table(result)
    again = faithfulness_of_seeds({name: models[name] for name in models}, SENTENCES, seed=3)
    assert json.dumps(again, allow_nan=False) == json.dumps(result, allow_nan=False)


def test_sentences_of_a_document_are_drawn_and_swapped_together() -> None:
    documents = [replace(s, columns={"document": "ab"[n > 2]}) for n, s in enumerate(SENTENCES)]
    by_row, by_document = (
        faithfulness_of_seeds({"a": OneWord()}, documents, group_by=column)["gold"]["all"]
        for column in (None, "document")
    )
    assert by_row["flips_difference"]["p_value"] < 0.05 < 0.4 < by_document["flips_difference"]["p_value"]
    one = [replace(s, group=3) for s in SENTENCES]
    assert faithfulness(OneWord(), one)["gold"]["all"]["flips"]["low"] is None, "one unit says nothing about others"


def test_nothing_to_measure() -> None:
    result = faithfulness(OneWord(), SENTENCES[-1:])
    assert {figure["rows"] for figure in result["predicted"]["all"].values()} == {0}
    assert "| predicted | all | 0 | – |" in table(result)


def test_random_spans_are_like_the_cues() -> None:
    cue = np.array([0, 1, 1, 0, 0, 0, 1, 0, 0, 0], dtype=bool)
    drawn = [random_spans(cue, np.random.default_rng(seed)) for seed in range(50)]
    assert all(chosen.sum() == 3 and not (chosen & cue).any() for chosen in drawn)
    assert all((chosen[1:] & chosen[:-1]).any() for chosen in drawn), "two of them side by side"
    assert len({chosen.tobytes() for chosen in drawn}) > 5
    broken = random_spans(np.array([0, 1, 1, 0], dtype=bool), np.random.default_rng(0))
    assert broken.tolist() == [True, False, False, True]


def test_words_inside_and_outside_of_spans() -> None:
    text = "Il n'a  pas plu."
    assert kept(text, [(3, 5), (8, 11)], inside=True) == "n' pas"
    assert kept(text, [(3, 5), (8, 11)], inside=False) == "Il a plu."
    assert cue_tokens([(0, 2), (2, 5), (5, 6), (7, 11), (11, 16)], [(3, 5), (8, 11)]).tolist() == [0, 1, 0, 1, 0]


def test_tokens_of_a_model(tiny_model: Path) -> None:
    classifier = certainty.load(tiny_model)
    texts = ["La Russie aurait livré des armes.", "Lone \ud800 surrogate 🔥", "Un mot" + " de plus" * 100]
    tokens = classifier.tokenize(texts)
    assert [token.offsets[-1][1] for token in tokens] == [len(text) for text in texts]
    probabilities = classifier.predict_proba_of_tokens([token.ids for token in tokens])
    np.testing.assert_allclose(probabilities, classifier.predict_proba(texts), atol=1e-6)
    assert classifier.predict_proba_of_tokens([]).shape == (0, 4)
    assert classifier.predict_proba_of_tokens([[]]).sum() == pytest.approx(1)
    masked = [[classifier.mask_token_id] * len(tokens[0].ids)]
    assert np.abs(classifier.predict_proba_of_tokens(masked) - probabilities[0]).max() > 1e-4


def test_a_tokenizer_without_a_mask(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = certainty.load(tiny_model)
    monkeypatch.setattr("certainty.tokenising._MASKS", ("<hidden>",))
    with pytest.raises(CertaintyError, match=r"tokenizer\.json: has no mask token"):
        faithfulness(classifier, SENTENCES)


def test_the_card_tells_of_it(tiny_model: Path, tmp_path: Path) -> None:
    from certainty.finetuning.model_card import write_model_card
    from certainty.finetuning.settings import FinetuningSettings
    from certainty.model_folder import ModelSettings

    evaluation = json.loads((tiny_model / "evaluation.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text((tiny_model / "config.json").read_text())
    settings, model = FinetuningSettings(), ModelSettings.load(tiny_model)
    evaluation["dev"].pop("faithfulness", None)
    assert "rest on the cues" not in write_model_card(tmp_path, "tiny", settings, model, evaluation).read_text("utf-8")
    evaluation["dev"]["faithfulness"] = faithfulness(OneWord(), SENTENCES)
    card = write_model_card(tmp_path, "tiny", settings, model, evaluation).read_text("utf-8")
    assert "| probable | 6 | 0.860 | 0.000 | 1.000 | 0.000 | 1.000 (0.610 – 1.000) |" in card
    assert "| denied | 0 |" not in card
