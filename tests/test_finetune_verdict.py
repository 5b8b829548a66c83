"""Whether a new model is better than the one it continues from, and which rows judge it."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import DATA
from few_rows import TOWNS, sentences_of_documents

from certainty import CertaintyError, Label, SentenceScore
from certainty.evaluation.known import known
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning.start import find_start
from certainty.finetuning.verdict import against_initial, compared_with_initial
from certainty.labelled import read_labelled
from certainty.labels import LABELS
from certainty.model_folder import KNOWN_FILE, ModelSettings


def _scores(labels: list[Label]) -> list[SentenceScore]:
    texts = [s.text for s in sentences_of_documents()]
    sure = [{label: 0.97 if label is own else 0.01 for label in LABELS} for own in labels]
    return [
        SentenceScore(text, 0, len(text), own, probabilities, 1.0, False, ())
        for text, own, probabilities in zip(texts, labels, sure, strict=True)
    ]


def test_the_verdict_is_plain() -> None:
    gold = [s.label for s in sentences_of_documents() if s.label]
    right, wrong, nearly = _scores(gold), _scores([Label.DENIED] * 40), _scores([*gold[:-1], Label.ASSERTED])
    better, worse, same = (
        against_initial("dev", new, initial, "old", sentences_of_documents())
        for new, initial in ((right, wrong), (wrong, right), (right, nearly))
    )
    assert [one["verdict"] for one in (better, worse, same)] == ["better", "worse", "undecided"]
    assert compared_with_initial(better).endswith("p ≤ 0.0001. The new model is better than old.")
    assert compared_with_initial(worse).endswith("The new model is worse than old; keep that one.")
    told = compared_with_initial(same)
    assert "cannot be told apart with so many rows; differences in accuracy under 0." in told
    wanted = re.search(r"about ([\d,]+) claims show a difference in accuracy of 0\.03\.", told)
    assert wanted and 300 < int(wanted[1].replace(",", "")) == same["claims_wanted"]
    assert compared_with_initial({**same, "split": "test"}).startswith("On 40 claims of test, macro-F1 is 1.000")
    kept = "its share of the initial weights chosen on these rows"
    assert kept not in compared_with_initial({**same, "split": "cross-validation"}), "it was given"
    for split in ("dev", "cross-validation"):
        assert kept in compared_with_initial({**same, "split": split, "share_is_chosen": True})


def test_rows_that_a_model_was_trained_on_give_no_verdict() -> None:
    sentences = sentences_of_documents()
    gold = [s.label for s in sentences if s.label]
    right, wrong, texts = _scores(gold), _scores([Label.DENIED] * 40), [s.text for s in sentences]
    few, many = (
        against_initial("test", right, wrong, "old", sentences, in_train=texts[:known], known_to_initial=texts[:1])
        for known in (2, 3)
    )
    counts = [[one[name] for name in ("in_train", "known_to_initial", "trained_on")] for one in (few, many)]
    assert counts == [[2, 1, 2], [3, 1, 3]]
    assert [(one["verdict"], one["reason"]) for one in (few, many)] == [("better", None), ("undecided", "trained_on")]
    assert compared_with_initial(few).startswith(
        "On 40 claims of test (2 of these rows, or nearly the same ones, were trained on), macro-F1"
    )
    told = compared_with_initial(many)
    assert (
        "These rows cannot show which model is better: 3 of them are in train, or nearly, and old was trained" in told
    )
    assert "better than" not in told and "cannot be told apart" not in told
    assert [
        against_initial("test", new, old, "old", sentences, **{trained: texts})["verdict"]
        for new, old, trained in (
            (right, wrong, "in_train"),
            (wrong, right, "known_to_initial"),
            (right, right, "in_train"),
            (right, wrong, "known_to_initial"),
            (wrong, right, "in_train"),
        )
    ] == ["undecided"] * 3 + ["better", "worse"], "the rows that a model was trained on speak for it alone"
    worse = against_initial("dev", wrong, right, "old", sentences, in_train=texts)
    told = compared_with_initial(worse)
    assert "dev (40 of these rows, or nearly the same ones, were trained on; optimistic: its checkpoint" in told
    assert "p ≤ 0.0001" in told and told.endswith("The new model is worse than old; keep that one.")


def test_test_rows_that_are_in_dev_are_told() -> None:
    sentences = sentences_of_documents()
    right, wrong = _scores([s.label for s in sentences if s.label]), _scores([Label.DENIED] * 40)
    result = against_initial("test", right, wrong, "old", sentences, in_dev=[s.text for s in sentences[:7]])
    assert (result["in_dev"], result["verdict"]) == (7, "better")
    told = "optimistic: its checkpoint, its calibration chosen on 7 of these rows, which are in dev)"
    assert told in compared_with_initial(result)


def test_a_model_that_misses_more_claims_is_not_called_better() -> None:
    sentences = sentences_of_documents()
    right, wrong = _scores([s.label for s in sentences if s.label]), _scores([Label.DENIED] * 40)

    def missing(scores: list[SentenceScore], count: int) -> list[SentenceScore]:
        return [replace(s, label=Label.NO_CLAIM, claim_probability=0.1) for s in scores[:count]] + scores[count:]

    little, much, alike, worse = (
        against_initial("test", missing(new, missed), missing(old, before), "old", sentences)
        for new, missed, old, before in (
            (right, 3, wrong, 1),
            (right, 30, wrong, 1),
            (right, 9, wrong, 9),
            (wrong, 9, right, 0),
        )
    )
    assert [(one["no_claim"], one["no_claim_initial"]) for one in (little, much, worse)] == [(3, 1), (30, 1), (9, 0)]
    assert [one["verdict"] for one in (little, much, alike, worse)] == ["better", "undecided", "better", "worse"]
    assert much["reason"] == "no_claim" and "of these claims" not in compared_with_initial(little)
    told = compared_with_initial(much)
    assert "The new model calls 30 of these claims no_claim, and old 1. Its labels are better than those of old" in told
    assert "The new model calls 9 of these claims no_claim, and old 0. The new model is worse" in compared_with_initial(
        worse
    )


def test_a_model_that_cannot_tell_claims_misses_none() -> None:
    sentences = sentences_of_documents()
    right, wrong = _scores([s.label for s in sentences if s.label]), _scores([Label.DENIED] * 40)
    bare = [replace(score, claim_probability=None) for score in right]
    result = against_initial("test", bare, wrong, "old", sentences)
    assert (result["no_claim"], result["no_claim_initial"], result["verdict"]) == (None, 0, "better")
    assert "of these claims" not in compared_with_initial(result)


def test_the_answers_are_compared_as_well_as_the_labels() -> None:
    sentences = sentences_of_documents()
    right, wrong = _scores([s.label for s in sentences if s.label]), _scores([Label.DENIED] * 40)
    missing = [replace(s, label=Label.NO_CLAIM, claim_probability=0.1) for s in right[:20]] + right[20:]
    better, worse, mixed = (
        against_initial("test", new, initial, "old", sentences)
        for new, initial in ((right, missing), (missing, right), (wrong, missing[:20] + missing[:20]))
    )
    assert [(one["verdict"], one["reason"]) for one in (better, worse)] == [("better", "answers"), ("worse", "answers")]
    assert (better["answers"]["accuracy"], better["answers"]["accuracy_initial"]) == (1.0, 0.5)
    told = compared_with_initial(better)
    assert "Of the answers to all 40 rows, no_claim included, 1.000 are right, and 0.500 of those of old: diff" in told
    assert (
        "The new model calls 0 of these claims no_claim, and old 20. Its labels of claims cannot be told apart" in told
    )
    assert told.endswith("from those of old, but the new model is better in its answers.")
    assert compared_with_initial(worse).endswith("but the new model is worse in its answers; keep that one.")
    assert (mixed["verdict"], mixed["reason"]) == ("undecided", "mixed")
    assert compared_with_initial(mixed).endswith(
        "are worse than those of old, and its answers better; decide by what you need."
    )


def test_the_verdict_swaps_whole_documents() -> None:
    sentences = sentences_of_documents()
    right = [s.label for s in sentences if s.label]
    wrong = [Label.DENIED if s.columns["document"] in TOWNS[:3] else s.label for s in sentences]
    assert all(wrong)
    by_row, by_document = (
        against_initial("dev", _scores(right), _scores([one for one in wrong if one]), "old", sentences, group_by)
        for group_by in (None, "document")
    )
    assert (by_row["verdict"], by_document["verdict"]) == ("better", "undecided")
    assert by_row["difference"] == by_document["difference"] and by_document["p_value"] > 0.2


def test_a_model_from_an_encoder_is_compared_with_the_shipped_one(
    tiny_encoder: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    start = find_start(FinetuningSettings(encoder=str(tiny_encoder)))
    monkeypatch.setattr("certainty.finetuning.start.default_model", lambda: tiny_model)
    rival = start.rival()
    assert rival and (rival.folder, rival.name) == (tiny_model, "certainty-fr-small")
    initial = find_start(FinetuningSettings(initial=str(tiny_model)))
    assert initial.rival() is initial
    monkeypatch.setattr("certainty.finetuning.start.default_model", lambda: tmp_path / "none")
    assert start.rival() is None
    settings = FinetuningSettings(encoder=str(tiny_encoder), epochs=1, bf16=False)
    with caplog.at_level(logging.INFO):
        finetune(sentences_of_documents(), None, tmp_path / "mine", settings)
    assert "There is no shipped model to compare with" in caplog.text


def test_sentences_that_the_initial_model_knows_are_told(
    tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows, settings = sentences_of_documents(), FinetuningSettings(initial=str(tiny_model), epochs=1, bf16=False)
    dev = [replace(s, text=f"Dit-on, {s.text}") for s in rows[::3]]
    finetune(rows[:30], dev, tmp_path / "first", settings)
    assert "was trained on" not in caplog.text
    again = settings.replace(initial=str(tmp_path / "first"))
    finetune([replace(s, text=f"{s.text} Oui.") for s in rows], rows[20:], tmp_path / "second", again, test=dev)
    assert "first was trained on 10 of the 20 sentences of dev: figures on them" in caplog.text
    assert (tmp_path / "first" / KNOWN_FILE).stat().st_mode == (tmp_path / "first" / "config.json").stat().st_mode
    assert len(known([*rows, *dev], tmp_path / "second")) == 30, (
        "those of the first are handed on, dev was not trained on"
    )
    (tmp_path / "first" / KNOWN_FILE).write_bytes(b"x")
    with pytest.raises(CertaintyError, match=f"{KNOWN_FILE}: damaged"):
        finetune(rows[:30], dev, tmp_path / "third", again)


def test_the_verdict_and_the_card_say_which_rows_were_trained_on(tiny_model: Path, tmp_path: Path) -> None:
    rows, settings = sentences_of_documents(), FinetuningSettings(initial=str(tiny_model), epochs=1, bf16=False)
    old = [s for s in read_labelled(DATA / "tiny.jsonl") if s.label and (s.group or 1) % 5][:12]
    near = [replace(s, text=s.text.upper()) for s in rows[:4]]
    new = read_labelled(DATA / "tiny_dev.jsonl")
    made = finetune(rows, new, tmp_path / "mine", settings, test=[*old, *near, *(s for s in new if s.label)])
    training = ModelSettings.load(tmp_path / "mine").training or {}
    result = training["against_initial"]
    assert [result[name] for name in ("in_train", "known_to_initial", "trained_on")] == [4, 12, 16]
    assert (result["verdict"], result["reason"]) == ("undecided", "trained_on")
    card = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert compared_with_initial(result) in card
    assert "claims of test (16 of these rows, or nearly the same ones, were trained on; optimistic: " in card
    assert f"its calibration chosen on {result['in_dev']} of these rows, which are in dev), macro-F1" in card
    assert made["test"].data["trained_on"] == {"mine": 16} and made["dev"].data["trained_on"] == {"mine": 0}
    in_dev = made["test"].data["chosen_on"]["mine"]
    assert in_dev and card.count(f"with this many. {in_dev} of these rows are in dev, on which the model was") == 1
    assert card.count("16 of these rows were trained on, so the figures are too good.\n\n| metric") == 1
