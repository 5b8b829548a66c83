"""What an evaluation measures, on rows in any form, with a stand-in for the model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluating import BEHAVIOUR, OPINION, SENTENCES, TWO_CLAIMS, Confused, StandIn, alone

import certainty
from certainty import CertaintyError, Label, SentenceScore, Source
from certainty.evaluation import METRICS, Comparison, Evaluation, compare, evaluate
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS


def test_a_perfect_classifier() -> None:
    result = alone(StandIn())
    values = {name: figure["value"] for name, figure in result.metrics.items()}
    perfect = {
        "macro_f1", "accuracy", "answer_accuracy",
        "accuracy_at_80", "accuracy_at_90", "cue_f1", "cue_exact_f1", "attributed_f1",
        "no_claim_f1", "contrast_accuracy", "contrast_groups",
    }  # fmt: skip
    assert {name for name, value in values.items() if value == 1} == perfect
    assert values["ece"] == pytest.approx(0.03)
    assert values["aurc"] == 0
    assert result.macro_f1 == result.accuracy == 1
    assert result.errors == []
    assert result.data["labels"] == dict.fromkeys(map(str, LABELS), 9)


def test_second_claims_and_sources() -> None:
    names = ("second_f1", "source_f1", "source_exact_f1")
    result = alone(StandIn(sentences=TWO_CLAIMS), TWO_CLAIMS)
    assert [result.metrics[name]["value"] for name in names] == [1, 1, 1]
    assert all(METRICS[name].title in result.summary() for name in names)

    class Wrong(StandIn):
        def _score(self, text: str) -> SentenceScore:
            score = super()._score(text)
            if text.startswith("Paul"):
                return replace(score, second=OPINION)
            return replace(score, source=Source(9, 15, "mairie")) if score.source else score

    result = alone(Wrong(sentences=TWO_CLAIMS), TWO_CLAIMS)
    assert result.metrics["second_f1"]["value"] == 0
    assert result.metrics["source_f1"]["value"] == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert result.metrics["source_exact_f1"]["value"] == pytest.approx(2 * 1 / (2 * 1 + 2))

    class Earlier(StandIn):
        def _score(self, text: str) -> SentenceScore:
            return replace(super()._score(text), second=None, second_probability=None, source=None)

    result = alone(Earlier(sentences=TWO_CLAIMS), TWO_CLAIMS)
    assert [result.metrics[name]["rows"] for name in names] == [0, 0, 0], "the model cannot tell"
    models = {"earlier": Earlier(sentences=TWO_CLAIMS), "new": StandIn(sentences=TWO_CLAIMS)}
    assert METRICS["source_f1"].title in compare(models, TWO_CLAIMS, baselines=False).summary()


def test_few_rows_that_are_all_right_are_not_certain() -> None:
    result = evaluate(StandIn(), SENTENCES[:8])
    for name in ("macro_f1", "accuracy", "answer_accuracy", "accuracy_at_80", "accuracy_at_90", "attributed_f1"):
        assert result.metrics[name]["value"] == result.metrics[name]["high"] == 1
        assert 0.2 < result.metrics[name]["low"] < 0.81, name  # two groups: no more than two rows
    for name in ("aurc", "ece", "brier"):
        assert result.metrics[name]["high"] > result.metrics[name]["value"] + 0.3
    assert result.data["detectable"] == pytest.approx(0.564, abs=1e-3)
    assert min(baseline["p_value"] for baseline in result.baselines.values()) > 0.001
    printed = result.summary()
    assert "8 rows: differences in accuracy under 0.564 cannot be detected (if the other" in printed
    assert "1.000 to 1.000" not in printed
    assert "≤ 0.0001" not in printed


def test_two_rows_that_are_both_wrong_are_not_certain() -> None:
    two = [replace(sentence, group=None) for sentence in SENTENCES[:2]]
    result = evaluate(StandIn([s.text for s in two]), two, baselines=False)
    assert result.metrics["aurc"]["value"] == result.metrics["aurc"]["high"] == 1
    assert all(0 <= f["low"] < f["high"] for name in ("aurc", "ece", "accuracy") if (f := result.metrics[name]))
    assert result.metrics["ece"]["high"] <= 1


def test_two_wrong_labels() -> None:
    wrong = [SENTENCES[0].text, SENTENCES[5].text]  # asserted taken for probable, probable for opinion
    result = alone(StandIn(wrong), name="mine")
    assert result.models == ("mine",)
    assert result.confusion == [[8, 1, 0, 0], [0, 8, 1, 0], [0, 0, 9, 0], [0, 0, 0, 9]]
    assert result.metrics["accuracy"]["value"] == pytest.approx(34 / 36)
    assert result.metrics["contrast_groups"]["value"] == pytest.approx(7 / 9)
    assert result.metrics["contrast_groups"]["rows"] == 9
    assert result.per_class["asserted"]["recall"] == pytest.approx(8 / 9)
    assert result.slices["corpus"]["nord"]["accuracy"]["value"] == pytest.approx(19 / 20)
    assert [(e["id"], e["gold"], e["predictions"]["mine"]["label"]) for e in result.errors] == [
        ("asserted-0", "asserted", "probable"),
        ("probable-1", "probable", "personal_opinion"),
    ]
    figure = result.metrics["macro_f1"]
    assert figure["low"] < figure["value"] < figure["high"]


def test_a_sentence_said_to_make_no_claim_counts_by_its_probabilities() -> None:
    class Silent(StandIn):
        def _score(self, text: str) -> SentenceScore:
            return replace(super()._score(text), label=Label.NO_CLAIM, attributed=False, cues=())

    metrics = alone(Silent()).metrics
    assert metrics["accuracy"]["value"] == 1
    assert metrics["no_claim_f1"]["value"] == pytest.approx(2 * 4 / (2 * 4 + 36))


def test_what_a_model_cannot_tell_is_not_measured() -> None:
    class Untaught(StandIn):
        def _score(self, text: str) -> SentenceScore:
            score = super()._score(text)
            label = max(LABELS, key=score.probabilities.__getitem__)
            return replace(score, label=label, claim_probability=None, attributed=None, cues=(), source=None)

    unmeasured = ("cue_f1", "cue_exact_f1", "attributed_f1", "no_claim_f1")
    result = compare({"mine": Untaught(), "other": StandIn()}, SENTENCES, baselines=False)
    mine, other = (one.metrics for one in result.evaluations)
    assert [(mine[name]["value"], mine[name]["rows"]) for name in unmeasured] == [(None, 0)] * 4
    assert [other[name]["value"] for name in unmeasured] == [1] * 4
    assert mine["accuracy"]["value"] == 1
    row = next(line for line in result.summary().splitlines() if line.startswith("attribution F1"))
    assert row.split()[2:4] == ["–", "–"], row


def test_a_claim_taken_for_none_and_the_reverse_are_errors() -> None:
    silenced = SENTENCES[1].text
    result = alone(Confused([silenced]), name="mine")
    assert result.metrics["accuracy"]["value"] == 1 and np.trace(result.confusion) == 36, "of the four labels of claims"
    found = [(e["text"], e["gold"], e["predictions"]["mine"]["label"]) for e in result.errors]
    without = [s.text for s in SENTENCES if not s.claim]
    assert found == [*((text, "no_claim", "asserted") for text in without), (silenced, "probable", "no_claim")]
    assert result.errors[-1]["predictions"]["mine"]["probability"] == pytest.approx(0.9)
    assert result.slices["corpus"]["nord"]["sentences"] == len([s for s in SENTENCES if s.corpus == "nord"])


def test_what_the_data_does_not_have_is_not_measured() -> None:
    bare = [LabelledSentence(s.text, s.label) for s in SENTENCES if s.label]
    result = alone(StandIn(sentences=bare), bare)
    unmeasured = {name for name, figure in result.metrics.items() if figure["value"] is None}
    assert unmeasured == {
        "cue_f1", "cue_exact_f1", "attributed_f1", "no_claim_f1", "contrast_accuracy", "contrast_groups",
        "second_f1", "source_f1", "source_exact_f1",
    }  # fmt: skip
    assert all(result.metrics[name]["rows"] == 0 for name in unmeasured)
    assert "corpus" not in result.summary(), "no row names one"


def test_the_result_is_repeatable_and_json() -> None:
    first, second = (alone(StandIn([SENTENCES[2].text]), seed=3) for _ in range(2))
    assert first == second
    assert first.to_dict()["errors"][0]["text"] == SENTENCES[2].text
    assert Evaluation.from_json(first.to_json()) == first
    assert SENTENCES[2].text not in first.to_json(text=False)
    both = compare({"a": StandIn(), "b": StandIn([SENTENCES[2].text])}, SENTENCES, behaviour=BEHAVIOUR, baselines=False)
    assert Comparison.from_json(both.to_json()) == both
    with pytest.raises(CertaintyError, match="not the JSON of an evaluation"):
        Evaluation.from_json("{")
    with pytest.raises(CertaintyError, match=r"of this version \(missing or unknown: .*macro"):
        Evaluation.from_json(json.dumps({**first.to_dict(), "macro": 1}))


def test_data_in_any_form(tmp_path: Path, tiny_model: Path) -> None:
    import datasets
    import pandas as pd

    rows = [{"text": s.text, "label": s.label and s.label.value, "claim": s.claim} for s in SENTENCES]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    forms = [path, str(path), [path], rows, pd.DataFrame(rows), datasets.Dataset.from_list(rows)]
    accuracies = {alone(StandIn(), data).data["claims"] for data in forms}
    assert accuracies == {36}
    assert alone(tiny_model, rows).models == (str(tiny_model),)
    for wrong, message in (
        ([1], "row 0: expected a mapping with `text` and `label`, found int"),
        ({"text": ["a"]}, "expected rows, found a dict"),
        (3, "expected paths or rows, found int"),
        ([{"text": "Il pleut.", "label": "sure"}], "row 0: label: unknown label 'sure'"),
    ):
        with pytest.raises(CertaintyError, match=message):
            alone(StandIn(), wrong)


def test_an_interval_and_a_p_value_that_disagree_are_explained() -> None:
    result = alone(StandIn([s.text for s in SENTENCES[:2]]), SENTENCES)
    for low, p_value, told in ((0.1, 0.2, True), (0.1, 0.01, False), (-0.1, 0.2, False), (-0.1, 0.01, True)):
        difference = {"value": 0.3, "low": low, "high": 0.5}
        baseline = {"macro_f1": result.metrics["macro_f1"], "difference": difference, "p_value": p_value}
        shown = replace(result, baselines={"tfidf": baseline}).summary()
        assert ("they can disagree" in shown) == told


def test_cross_validation_and_reports_of_scikit_learn(tiny_model: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import classification_report
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    classifier = certainty.load(tiny_model)
    texts = [s.text for s in SENTENCES]
    gold = [s.label.value if s.label else "no_claim" for s in SENTENCES]
    report = classification_report(gold, classifier.predict(texts), output_dict=True, zero_division=0)
    assert report["no_claim"]["f1-score"] == pytest.approx(alone(classifier).metrics["no_claim_f1"]["value"])
    texts, gold = zip(*[(s.text, s.label.value) for s in SENTENCES if s.label], strict=True)
    likeliest = classifier.classes_[classifier.predict_proba(texts).argmax(axis=1)]
    report = classification_report(gold, likeliest, output_dict=True, zero_division=0)
    assert report["macro avg"]["f1-score"] == pytest.approx(alone(classifier).macro_f1)
    recalibrated = make_pipeline(FunctionTransformer(classifier.predict_proba), LogisticRegression())
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(recalibrated, list(texts), list(gold), cv=folds, scoring="f1_macro")
    assert scores.shape == (3,) and ((scores >= 0) & (scores <= 1)).all()
