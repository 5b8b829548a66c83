"""Evaluation from labelled files to the report, with a stand-in for the model."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import certainty
from certainty import CertaintyError, Cue, Label, SentenceScore
from certainty.calibration import Calibration
from certainty.evaluation.evaluate import evaluate, evaluate_classifier, main, summary, write_report
from certainty.finetuning.model_card import write_model_card
from certainty.finetuning.settings import FinetuningSettings
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS
from certainty.model_folder import ModelSettings

ASSERTED, PROBABLE, OPINION, DENIED = LABELS
PLACES = ["Verlac", "Montrieu", "Sauzet", "Brégille", "Orchamp", "Tarvel", "Lusanger", "Vieuvy", "Corbière"]
FORMS = {
    ASSERTED: ("Selon la mairie, le pont de {} rouvrira lundi.", ""),
    PROBABLE: ("Le pont de {} pourrait rouvrir lundi.", "pourrait"),
    OPINION: ("Rouvrir le pont de {} est une folie.", "une folie"),
    DENIED: ("Le pont de {} ne rouvrira pas lundi.", "ne rouvrira pas"),
}


def sentence(form: Label, place: str, group: int) -> LabelledSentence:
    text, cue = FORMS[form][0].format(place), FORMS[form][1]
    start = text.find(cue)
    cues = ((start, start + len(cue)),) if cue else ()
    return LabelledSentence(
        text, form, None, form is ASSERTED, True, cues, f"{form}-{group}", ("nord", "sud")[group % 2], group
    )


SENTENCES = [sentence(form, place, group) for group, place in enumerate(PLACES) for form in LABELS]
SENTENCES += [LabelledSentence(f"Qui a fermé {place} ?", None, claim=False, corpus="nord") for place in PLACES[:4]]


class StandIn:
    """Knows the gold answers, but for the texts that it is told to get wrong."""

    def __init__(self, wrong: Sequence[str] = (), sentences: Sequence[LabelledSentence] = SENTENCES) -> None:
        self._gold = {s.text: s for s in sentences}
        self._wrong = wrong

    def score_sentences(self, sentences: Sequence[str], /) -> list[SentenceScore]:
        return [self._score(text) for text in sentences]

    def _score(self, text: str) -> SentenceScore:
        gold = self._gold[text]
        label = gold.label or ASSERTED
        if text in self._wrong:
            label = LABELS[(LABELS.index(label) + 1) % 4]
        probabilities = {other: 0.97 if other is label else 0.01 for other in LABELS}
        if not gold.claim:
            return SentenceScore(text, 0, len(text), Label.NO_CLAIM, probabilities, 0.02, False, ())
        cues = tuple(Cue(start, end, text[start:end]) for start, end in gold.cues or ())
        return SentenceScore(text, 0, len(text), label, probabilities, 0.98, bool(gold.attributed), cues)


def write(path: Path, sentences: Sequence[LabelledSentence]) -> str:
    rows = [
        {
            "text": s.text,
            "label": s.label,
            "claim": s.claim,
            "attributed": s.attributed,
            "cues": s.cues or [],
            "id": s.id,
            "corpus": s.corpus,
            "quad": s.group,
        }
        for s in sentences
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `certainty.load` open the stand-in; a second model gets one sentence wrong."""
    wrong = {"first": [], "second": [SENTENCES[0].text]}
    monkeypatch.setattr(certainty, "load", lambda folder: StandIn(wrong[Path(folder).name]))


def test_a_perfect_classifier() -> None:
    result = evaluate_classifier(StandIn(), SENTENCES)
    values = {name: figure["value"] for name, figure in result["metrics"].items()}
    perfect = {
        "macro_f1", "accuracy", "accuracy_at_80", "accuracy_at_90", "cue_f1", "attributed_f1", "no_claim_f1",
        "contrast_accuracy", "contrast_groups",
    }  # fmt: skip
    assert {name for name, value in values.items() if value == 1} == perfect
    assert values["ece"] == pytest.approx(0.03)
    assert values["aurc"] == 0
    assert result["metrics"]["macro_f1"]["low"] == 1
    assert result["errors"] == []
    assert result["data"]["labels"] == dict.fromkeys(map(str, LABELS), 9)


def test_two_wrong_labels() -> None:
    wrong = [SENTENCES[0].text, SENTENCES[5].text]  # asserted taken for probable, probable for opinion
    result = evaluate_classifier(StandIn(wrong), SENTENCES, name="mine")
    assert result["models"] == ["mine"]
    assert result["confusion"] == [[8, 1, 0, 0], [0, 8, 1, 0], [0, 0, 9, 0], [0, 0, 0, 9]]
    assert result["metrics"]["accuracy"]["value"] == pytest.approx(34 / 36)
    assert result["metrics"]["contrast_groups"]["value"] == pytest.approx(7 / 9)
    assert result["metrics"]["contrast_groups"]["rows"] == 9
    assert result["per_class"]["asserted"]["recall"] == pytest.approx(8 / 9)
    assert result["per_corpus"]["nord"]["accuracy"]["value"] == pytest.approx(19 / 20)
    assert [(e["id"], e["gold"], e["predicted"]) for e in result["errors"]] == [
        ("asserted-0", "asserted", "probable"),
        ("probable-1", "probable", "personal_opinion"),
    ]
    figure = result["metrics"]["macro_f1"]
    assert figure["low"] < figure["value"] < figure["high"]


def test_a_sentence_said_to_make_no_claim_counts_by_its_probabilities() -> None:
    class Silent(StandIn):
        def _score(self, text: str) -> SentenceScore:
            return replace(super()._score(text), label=Label.NO_CLAIM, attributed=False, cues=())

    metrics = evaluate_classifier(Silent(), SENTENCES)["metrics"]
    assert metrics["accuracy"]["value"] == 1
    assert metrics["no_claim_f1"]["value"] == pytest.approx(2 * 4 / (2 * 4 + 36))


def test_what_the_data_does_not_have_is_not_measured() -> None:
    bare = [LabelledSentence(s.text, s.label) for s in SENTENCES if s.label]
    metrics = evaluate_classifier(StandIn(sentences=bare), bare)["metrics"]
    unmeasured = {name for name, figure in metrics.items() if figure["value"] is None}
    assert unmeasured == {"cue_f1", "attributed_f1", "no_claim_f1", "contrast_accuracy", "contrast_groups"}
    assert all(metrics[name]["rows"] == 0 for name in unmeasured)


def test_several_models_are_averaged() -> None:
    texts = [s.text for s in SENTENCES]
    scores = {"a": StandIn().score_sentences(texts), "b": StandIn(texts[:1]).score_sentences(texts)}
    result = evaluate(scores, SENTENCES, {})
    accuracy = result["metrics"]["accuracy"]
    assert accuracy["values"] == pytest.approx([1, 35 / 36])
    assert accuracy["value"] == pytest.approx(71 / 72)
    assert accuracy["sd"] == pytest.approx(1 / 36 / 2**0.5)
    assert result["confusion"][0] == [8.5, 0.5, 0, 0]
    assert result["errors"] == []  # those of the first


CALIBRATION = {"temperature": 2.0, "bias": [0.5, -0.5, 0.25, -0.25]}


class Calibrated(StandIn):
    settings = ModelSettings(max_length=64, training={"calibration": CALIBRATION})


def test_calibration_is_undone() -> None:
    calibration = Calibration(2.0, (0.5, -0.5, 0.25, -0.25))
    logits = np.array([[3.0, -1.0, 0.5, 2.0], [0.0, 0.0, 0.0, 0.0]])
    raw, calibrated = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (logits, calibration.apply(logits)))
    np.testing.assert_allclose(calibration.undo(calibrated), raw)
    np.testing.assert_allclose(calibration.undo(np.array([[1.0, 0.0, 0.0, 0.0]])), [[1, 0, 0, 0]])


def test_the_figures_before_calibration(tmp_path: Path) -> None:
    result = evaluate_classifier(Calibrated(), SENTENCES)
    before = result["uncalibrated"]
    assert result["metrics"]["ece"]["value"] == pytest.approx(0.03)
    # Of 0.97 and three times 0.01, the log-odds are log 97; undone, each is (log 97 + its bias less the other's) * 2.
    bias = np.array(CALIBRATION["bias"])
    own = [
        1 / sum((np.exp(b - other) / 97) ** 2 if j != i else 1 for j, other in enumerate(bias))
        for i, b in enumerate(bias)
    ]
    assert before["ece"]["value"] == pytest.approx(1 - np.mean(own))
    assert before["brier"]["value"] < result["metrics"]["brier"]["value"]
    assert sum(bin_["count"] for bin_ in before["reliability"]) == before["ece"]["rows"] == 36
    assert "Before → after calibration: calibration error 0.001 → 0.030, Brier score 0.000 → 0.001" in summary(result)
    page = write_report(result, tmp_path).read_text(encoding="utf-8")
    assert "before calibration 0.001" in page
    assert ">before calibration</text>" in page and ">after</text>" in page


def test_without_a_recorded_calibration_there_is_no_before(tmp_path: Path) -> None:
    class Unrecorded(StandIn):
        settings = ModelSettings(max_length=64)

    texts = [s.text for s in SENTENCES]
    scores = {"a": StandIn().score_sentences(texts), "b": StandIn().score_sentences(texts)}
    one_of_two = evaluate(scores, SENTENCES, {}, [Calibration(1.0, (0.0,) * 4), None])
    for result in (evaluate_classifier(StandIn(), SENTENCES), evaluate_classifier(Unrecorded(), SENTENCES), one_of_two):
        assert result["uncalibrated"] is None
        assert "Before → after" not in summary(result)
        assert "before calibration" not in write_report(result, tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("temperature", "bias", "told"),
    [
        (1.0, [0.0] * 4, "Its logits are as trained"),
        (2.0, [0.0] * 4, "Temperature 2.000, fitted on dev"),
        (2.0, [0.1, -0.1, 0.0, 0.0], "Temperature 2.000 and a bias for each label, fitted on dev"),
    ],
)
def test_the_card_tells_of_the_calibration(
    tiny_model: Path, tmp_path: Path, temperature: float, bias: list[float], told: str
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "copy"))
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    model = ModelSettings.load(folder)
    training = {**(model.training or {}), "calibration": {"temperature": temperature, "bias": bias}}
    write_model_card(folder, "copy", FinetuningSettings(), replace(model, training=training), evaluation)
    card = (folder / "README.md").read_text(encoding="utf-8")
    before, after = (evaluation["dev"][k]["ece"]["value"] for k in ("uncalibrated", "metrics"))
    assert told in card
    assert (f"calibration error {before:.3f} → {after:.3f}, Brier score" in card) == (temperature != 1)


def test_baselines_are_worse_than_the_perfect_classifier() -> None:
    result = evaluate_classifier(StandIn(), SENTENCES, train=SENTENCES[:20])
    assert list(result["baselines"]) == ["majority", "tfidf", "rules"]
    assert result["baselines_fit"] == "train"
    assert result["data"]["in_train"] == 20
    majority = result["baselines"]["majority"]
    assert majority["difference"]["value"] == pytest.approx(1 - majority["macro_f1"]["value"])
    assert majority["p_value"] < 0.001
    assert "WARNING: 20 of the sentences" in summary(result)


def test_the_result_is_repeatable_and_json() -> None:
    first, second = (evaluate_classifier(StandIn([SENTENCES[2].text]), SENTENCES, seed=3) for _ in range(2))
    assert json.dumps(first, allow_nan=False) == json.dumps(second, allow_nan=False)
    assert json.loads(json.dumps(first)) == first


def test_the_program_writes_its_report(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data, output = write(tmp_path / "held_out.jsonl", SENTENCES), tmp_path / "new" / "report"
    assert main(["--model", "first", "second", "--data", data, "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"macro-F1 +0\.986 ± 0\.020 +0\.\d{3} to 1\.000 +36\n", printed)
    assert "by 5-fold cross-validation" in printed
    assert sorted(path.name for path in output.iterdir()) == ["index.html", "metrics.json"]
    assert json.loads((output / "metrics.json").read_text(encoding="utf-8"))["models"] == ["first", "second"]
    page = (output / "index.html").read_text(encoding="utf-8")
    assert not re.search(
        r"""(?:src|href|data)\s*=\s*["']?(?!["']?#)|@import|url\((?!["']?#)|<script|<link|<!DOCTYPE svg""", page
    )
    assert page.count("<svg") == 2


def test_the_report_shows_errors_escaped_and_the_figures_hold_no_text(tmp_path: Path) -> None:
    nasty = LabelledSentence(
        "<script>alert(1)</script> serait « à moi ».", PROBABLE, cues=((26, 32),), corpus="sud & est"
    )
    sentences = [*SENTENCES, nasty]
    result = evaluate_classifier(StandIn([nasty.text], sentences), sentences)
    page = write_report(result, tmp_path).read_text(encoding="utf-8")
    assert '&lt;script&gt;alert(1)&lt;/script&gt; <span class="gold predicted">serait</span> « à moi ».' in page
    assert "<script" not in page
    assert "sud &amp; est" in page
    figures = (tmp_path / "metrics.json").read_text(encoding="utf-8")
    assert "alert" not in figures and "sud & est" in figures


def test_a_report_replaces_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old")
    page = write_report(evaluate_classifier(StandIn(), SENTENCES), tmp_path)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 2


def test_data_that_cannot_be_judged() -> None:
    with pytest.raises(CertaintyError, match="no sentence has a label"):
        evaluate_classifier(StandIn(), SENTENCES[-4:])
    with pytest.raises(CertaintyError, match="every label is asserted"):
        evaluate_classifier(StandIn(), SENTENCES[::4])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--data": "missing.jsonl"}, "missing.jsonl: no such file"),
        ({"--data": "questions.jsonl"}, "questions.jsonl: no sentence has a label"),
        ({"--data": "one_label.jsonl"}, "one_label.jsonl: every label is asserted"),
        ({"--train": "questions.jsonl"}, "no sentence to train on has a label"),
        ({"--output": "good.jsonl"}, "good.jsonl: is a file; give a folder"),
        ({"--seed": "-1"}, "--seed is -1"),
    ],
)
def test_mistakes_are_told_in_one_line(
    change: dict[str, str],
    message: str,
    tmp_path: Path,
    stand_in: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "good.jsonl", SENTENCES)
    write(tmp_path / "questions.jsonl", SENTENCES[-4:])
    write(tmp_path / "one_label.jsonl", SENTENCES[::4])
    options = {"--model": "first", "--data": "good.jsonl", "--output": "report"} | change
    assert main([word for option in options.items() for word in option]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: {message}")
    assert not (tmp_path / "report").exists()


def test_an_unknown_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES)
    folder = str(tmp_path / "no model")
    assert main(["--model", folder, "--data", data, "--output", str(tmp_path / "report")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {folder}: no such folder")
    assert main(["--model", "same", "same", "--data", data, "--output", str(tmp_path / "report")]) == 2
    assert "names a folder twice" in capsys.readouterr().err
