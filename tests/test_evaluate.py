"""Evaluation from labelled files to the report, with a stand-in for the model."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import DATA

import certainty
from certainty import CertaintyError, Cue, Label, SentenceScore, Source
from certainty.calibration import Calibration
from certainty.cli import main
from certainty.evaluation import METRICS, Comparison, Evaluation, compare, evaluate, evaluate_seeds
from certainty.evaluation.intervals import share_interval
from certainty.finetuning.model_card import write_model_card
from certainty.finetuning.settings import FinetuningSettings
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS
from certainty.model_folder import KNOWN_FILE, ModelSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
        score = SentenceScore(text, 0, len(text), label, probabilities, 0.98, bool(gold.attributed), cues)
        if gold.source:
            score = replace(score, source=Source(*gold.source, text[slice(*gold.source)]))
        if gold.second_known or gold.second:
            score = replace(score, second=gold.second, second_probability=0.9 if gold.second else 0.1)
        return score


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
    wrong = {"first": [], "second": [SENTENCES[0].text], "third": [SENTENCES[0].text, SENTENCES[5].text]}
    monkeypatch.setattr(certainty, "load", lambda folder: StandIn(wrong[Path(folder or "first").name]))


def alone(model: Any, data: Any = SENTENCES, **options: Any) -> Evaluation:
    """Evaluate without baselines, which take longest."""
    return evaluate(model, data, baselines=False, **options)


def test_a_perfect_classifier() -> None:
    result = alone(StandIn())
    values = {name: figure["value"] for name, figure in result.metrics.items()}
    perfect = {
        "macro_f1", "accuracy", "accuracy_at_80", "accuracy_at_90", "cue_f1", "cue_exact_f1", "attributed_f1",
        "no_claim_f1", "contrast_accuracy", "contrast_groups",
    }  # fmt: skip
    assert {name for name, value in values.items() if value == 1} == perfect
    assert values["ece"] == pytest.approx(0.03)
    assert values["aurc"] == 0
    assert result.macro_f1 == result.accuracy == 1
    assert result.errors == []
    assert result.data["labels"] == dict.fromkeys(map(str, LABELS), 9)


TWO_CLAIMS = [
    LabelledSentence("Paul dit que oui, mais ce serait faux.", PROBABLE, ASSERTED, True, sources=((0, 4),)),
    LabelledSentence("Selon la mairie, non.", DENIED, None, True, sources=((6, 15),), second_known=True),
    LabelledSentence("Il est parti.", ASSERTED, None, False, second_known=True),
    LabelledSentence("Il serait parti, dit-on.", PROBABLE, None, True, sources=(), second_known=True),
]


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
    for name in ("macro_f1", "accuracy", "accuracy_at_80", "accuracy_at_90", "attributed_f1"):
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


def test_right_rows_of_few_documents_are_no_surer_than_as_many_rows() -> None:
    rows = [LabelledSentence(f"Phrase {n}.", LABELS[n % 4], columns={"document": str(n // 20)}) for n in range(40)]
    alone_, together = (alone(StandIn(sentences=rows), rows, group_by=by).metrics for by in (None, "document"))
    assert alone_["accuracy"]["low"] == pytest.approx(0.912, abs=1e-3)
    assert together["accuracy"]["low"] == pytest.approx(share_interval(np.array([2, 2])).low)
    unseen = share_interval(np.array([0, 2])).high
    for name, worst in (("ece", 1), ("brier", 2), ("aurc", 1)):
        assert together[name]["high"] - together[name]["value"] == pytest.approx(worst * unseen, abs=1e-6), name
    assert together["macro_f1"]["low"] < alone_["macro_f1"]["low"] - 0.3
    wrong = alone(StandIn([rows[0].text, rows[20].text], rows), rows, group_by="document")
    assert wrong.metrics["accuracy"]["high"] - wrong.metrics["accuracy"]["low"] > 0.6, "both documents have one error"


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


class Confused(StandIn):
    """Says that what is `silenced` makes no claim, and that what makes none is asserted."""

    def __init__(self, silenced: Sequence[str], sentences: Sequence[LabelledSentence] = SENTENCES) -> None:
        super().__init__(sentences=sentences)
        self._silenced = silenced

    def _score(self, text: str) -> SentenceScore:
        score = super()._score(text)
        if text in self._silenced:
            return replace(score, label=Label.NO_CLAIM, claim_probability=0.1, attributed=False, cues=())
        if score.is_claim:
            return score
        return replace(score, label=ASSERTED, claim_probability=0.7)


def test_a_claim_taken_for_none_and_the_reverse_are_errors() -> None:
    silenced = SENTENCES[1].text
    result = alone(Confused([silenced]), name="mine")
    assert result.metrics["accuracy"]["value"] == 1 and np.trace(result.confusion) == 36, "of the four labels of claims"
    found = [(e["text"], e["gold"], e["predictions"]["mine"]["label"]) for e in result.errors]
    without = [s.text for s in SENTENCES if not s.claim]
    assert found == [*((text, "no_claim", "asserted") for text in without), (silenced, "probable", "no_claim")]
    assert result.errors[-1]["predictions"]["mine"]["probability"] == pytest.approx(0.9)
    assert result.slices["corpus"]["nord"]["sentences"] == len([s for s in SENTENCES if s.corpus == "nord"])


def test_errors_have_the_columns_of_the_slices(tmp_path: Path) -> None:
    rows = [replace(s, columns={"source": f"journal {n % 2}"}) for n, s in enumerate(SENTENCES)]
    model = Confused([rows[1].text], rows)
    result = alone(model, rows, by=["corpus", "source"])
    assert result.errors[-1]["by"] == {"corpus": rows[1].corpus, "source": "journal 1"}
    page = result.write_report(tmp_path).read_text(encoding="utf-8")
    assert "<th>source</th><th>gold</th>" in page and "<td>journal 1</td><td>probable</td>" in page
    rows_of_csv = list(csv.DictReader(io.StringIO((tmp_path / "errors.csv").read_text(encoding="utf-8-sig"))))
    assert list(rows_of_csv[0]) == [
        "id", "corpus", "text", "gold", "gold_cues", "doubtful", "source", "predicted", "probability", "is_claim",
        "cues",
    ]  # fmt: skip
    assert (rows_of_csv[-1]["source"], rows_of_csv[-1]["predicted"]) == ("journal 1", "no_claim")
    both = compare({"a": model, "b": StandIn(sentences=rows)}, rows, by=["source"], baselines=False)
    assert {error["by"]["source"] for error in both.errors} == {"journal 0", "journal 1"}


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


def test_seeds_are_averaged() -> None:
    first = SENTENCES[0].text
    result = evaluate_seeds({"a": StandIn(), "b": StandIn([first])}, SENTENCES, baselines=False)
    accuracy = result.metrics["accuracy"]
    assert accuracy["values"] == pytest.approx([1, 35 / 36])
    assert accuracy["value"] == pytest.approx(71 / 72)
    assert accuracy["sd"] == pytest.approx(1 / 36 / 2**0.5)
    assert result.confusion[0] == [8.5, 0.5, 0, 0]
    assert [(e["text"], list(e["predictions"])) for e in result.errors] == [(first, ["a", "b"])]


def test_models_side_by_side() -> None:
    wrong = [sentence.text for sentence in SENTENCES[:12]]
    result = compare({"good": StandIn(wrong[:1]), "bad": StandIn(wrong)}, SENTENCES, baselines=False)
    assert [one.name for one in result.evaluations] == ["good", "bad"]
    accuracy = next(d for d in result.differences if d["metric"] == "accuracy")
    assert (accuracy["first"], accuracy["second"], accuracy["differing"]) == ("good", "bad", 11)
    assert accuracy["value"] == pytest.approx(11 / 36)
    assert 0 < accuracy["low"] < accuracy["value"] < accuracy["high"]
    # The 11 sentences are of three groups, which are swapped together.
    assert accuracy["p_value"] == pytest.approx(2 / 2**3, abs=0.02)
    assert [error["text"] for error in result.errors] == wrong
    assert result.errors[1]["predictions"]["good"]["label"] == result.errors[1]["gold"]
    printed = result.summary()
    assert re.search(r"A − B +accuracy +\+0\.306 +\+0\.\d+ to \+0\.\d+ +0\.2\d\d\d +11 +0\.\d+\n", printed)
    assert re.search(r"macro-F1 +0\.\d+ +0\.\d+ to \d\.\d+ +0\.\d+ +0\.\d+ to 0\.\d+\n", printed)


def test_slices_by_any_column() -> None:
    rows = [
        {"text": s.text, "label": s.label, "claim": s.claim, "genre": "press" if n % 2 else "talks"}
        for n, s in enumerate(SENTENCES)
    ]
    result = alone(StandIn([SENTENCES[0].text]), rows, by=["genre", "claim"])
    assert {value: part["claims"] for value, part in result.slices["genre"].items()} == {"press": 18, "talks": 18}
    assert result.slices["genre"]["press"]["accuracy"]["value"] == 1
    assert set(result.slices["claim"]) == {"true", "false"}
    assert result.slices["claim"]["false"]["accuracy"]["value"] is None
    with pytest.raises(CertaintyError, match=r"no column 'gender' to slice by. Allowed: corpus, .*, genre\."):
        alone(StandIn(), rows, by=["gender"])
    rows = [{**row, "text": f"{row['text']} {n}", "genre": n} for n, row in enumerate(rows + rows)]
    with pytest.raises(CertaintyError, match=r"'genre' has 80 values; slice by a column of at most 50"):
        alone(StandIn(), rows, by=["genre"])


def test_rows_of_a_document_are_resampled_together() -> None:
    loose = [replace(s, group=None) for s in SENTENCES if s.label]
    model = StandIn([s.text for s in loose if "Verlac" in s.text or "Sauzet" in s.text], loose)
    by_row, by_document = (alone(model, loose, by=[], group_by=by) for by in (None, "corpus"))
    assert (by_row.data["units"], by_document.data["units"]) == (36, 2)
    assert by_row.accuracy == by_document.accuracy
    assert "units" not in by_row.summary() and "They are 2 units" in by_document.summary()
    widths = [one.metrics["accuracy"]["high"] - one.metrics["accuracy"]["low"] for one in (by_row, by_document)]
    assert widths[1] > widths[0]
    p_values = [
        compare([model, StandIn([], loose)], loose, baselines=False, group_by=by).differences[0]["p_value"]
        for by in (None, "corpus")
    ]
    assert p_values[0] < 0.05 < p_values[1]
    with pytest.raises(CertaintyError, match="no column 'page' to group by"):
        alone(model, loose, group_by="page")


def test_a_sentence_that_two_annotators_labelled_counts_once() -> None:
    loose = [replace(s, group=None, annotator="a") for s in SENTENCES if s.label]
    twice = [*loose, *(replace(s, text=f"« {s.text} »", annotator="b") for s in loose)]
    model = StandIn([s.text for s in twice if "Verlac" in s.text or "Sauzet" in s.text], twice)
    models = {"model": model, "right": StandIn([], twice)}
    once, both = (compare(models, rows, by=[], baselines=False) for rows in (loose, twice))
    assert [one.evaluations[0].data["units"] for one in (once, both)] == [36, 36]
    assert "They are 36 units (documents, groups, repeated sentences)" in both.evaluations[0].summary()
    low, high = ([one.evaluations[0].metrics["accuracy"][end] for one in (once, both)] for end in ("low", "high"))
    assert high[1] - low[1] > 0.9 * (high[0] - low[0])
    assert both.differences[0]["p_value"] == pytest.approx(once.differences[0]["p_value"], abs=2e-3)
    assert both.differences[1]["detectable"] == pytest.approx(once.differences[1]["detectable"], rel=0.2)


def test_a_column_named_group_is_one_of_the_data() -> None:
    rows = [
        {"text": s.text, "label": s.label, "claim": s.claim, "quad": s.group, "group": "ab"[n > 20]}
        for n, s in enumerate(replace(s, group=None) for s in SENTENCES)
    ]
    model = StandIn([SENTENCES[0].text])
    result = alone(model, rows, by=["group"], group_by="group")
    assert result.data["units"] == 2 and set(result.slices["group"]) == {"a", "b"}
    with pytest.raises(CertaintyError, match=r"no column 'group' to group by. Allowed: .*, quad"):
        alone(model, SENTENCES, group_by="group")


def test_a_quad_in_two_documents_makes_one_unit_of_them() -> None:
    documents = [*"aabbccddee", *"f" * 6]
    rows = [
        LabelledSentence(
            f"{label} {place}", label, group=7 if n in (1, 2) else None, columns={"document": documents[n]}
        )
        for n, (place, label) in enumerate((place, label) for place in PLACES[:4] for label in LABELS)
    ]
    assert alone(StandIn([], rows), rows, by=[], group_by="document").data["units"] == 5


def test_groups_of_a_document_are_drawn_together() -> None:
    rows = [replace(s, columns={"document": "ab"[(s.group or 0) > 4]}) for s in SENTENCES if s.label]
    model = StandIn([s.text for s in rows if s.columns["document"] == "a"], rows)
    by_quad, by_document = (alone(model, rows, by=[], group_by=column).metrics for column in (None, "document"))
    for name in ("contrast_accuracy", "contrast_groups"):
        assert by_quad[name]["value"] == by_document[name]["value"] == pytest.approx(4 / 9)
        assert (by_document[name]["low"], by_document[name]["high"]) == (0, 1)
        assert by_quad[name]["low"] > 0


def test_doubtful_rows_are_told_apart(tmp_path: Path) -> None:
    doubtful = [replace(s, doubtful=n == 0) for n, s in enumerate(SENTENCES)]
    result = alone(StandIn([SENTENCES[0].text]), doubtful)
    assert result.data["doubtful"] == 1
    assert result.accuracy == pytest.approx(35 / 36)
    assert result.without_doubtful is not None and result.without_doubtful["accuracy"]["value"] == 1
    assert "without 1 doubtful" in result.summary()
    both = compare({"a": StandIn([SENTENCES[0].text]), "b": StandIn()}, doubtful, baselines=False)
    assert re.search(r"accuracy without doubtful +1\.000 ", both.summary())
    assert 'name="sure"' in result.write_report(tmp_path).read_text(encoding="utf-8")
    assert alone(StandIn()).without_doubtful is None
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "Il pleut.", "label": "asserted", "doubtful": True}))
    assert read_labelled(path)[0].doubtful


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
    result = alone(Calibrated())
    before = result.uncalibrated
    assert before is not None
    assert result.metrics["ece"]["value"] == pytest.approx(0.03)
    # Of 0.97 and three times 0.01, the log-odds are log 97; undone, each is (log 97 + its bias less the other's) * 2.
    bias = np.array(CALIBRATION["bias"])
    own = [
        1 / sum((np.exp(b - other) / 97) ** 2 if j != i else 1 for j, other in enumerate(bias))
        for i, b in enumerate(bias)
    ]
    assert before["ece"]["value"] == pytest.approx(1 - np.mean(own))
    assert before["brier"]["value"] < result.metrics["brier"]["value"]
    assert sum(bin_["count"] for bin_ in before["reliability"]) == before["ece"]["rows"] == 36
    assert "Before → after calibration: calibration error 0.001 → 0.030, Brier score 0.000 → 0.001" in result.summary()
    page = result.write_report(tmp_path).read_text(encoding="utf-8")
    assert "before calibration 0.001" in page
    assert ">before calibration</text>" in page and ">after</text>" in page


def test_without_a_recorded_calibration_there_is_no_before(tmp_path: Path) -> None:
    class Unrecorded(StandIn):
        settings = ModelSettings(max_length=64)

    one_of_two = evaluate_seeds([Calibrated(), StandIn()], SENTENCES, baselines=False)
    for result in (alone(StandIn()), alone(Unrecorded()), one_of_two):
        assert result.uncalibrated is None
        assert "Before → after" not in result.summary()
        assert "before calibration" not in result.write_report(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("temperature", "bias", "told"),
    [
        (1.0, [0.0] * 4, "Its logits are used as trained"),
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
    result = evaluate(StandIn(), SENTENCES, train=SENTENCES[:20])
    assert list(result.baselines) == ["majority", "tfidf", "rules"]
    assert result.baselines_fit == "train"
    assert result.data["in_train"] == 20
    majority = result.baselines["majority"]
    assert majority["difference"]["value"] == pytest.approx(1 - majority["macro_f1"]["value"])
    assert majority["p_value"] == pytest.approx(2 / 2**9, abs=2e-3)  # nine groups
    assert "WARNING: 20 of the sentences" in result.summary()
    loose = [replace(s, group=None) for s in SENTENCES]
    assert "≤ 0.0001" in evaluate(StandIn(), loose, train=SENTENCES[:20]).summary()


def test_sentences_that_a_model_was_trained_on_are_counted(tiny_model: Path, tmp_path: Path) -> None:
    rows = [*read_labelled(DATA / "tiny.jsonl")[:12], *read_labelled(DATA / "tiny_dev.jsonl")]
    bare = Path(shutil.copytree(tiny_model, tmp_path / "bare"))
    (bare / KNOWN_FILE).unlink()
    models = {"bare": bare, "tiny": tiny_model, "other": StandIn(sentences=rows)}
    result = compare(models, rows, baselines=False)
    assert [one.data["trained_on"] for one in result.evaluations] == [{"bare": None}, {"tiny": 12}, {"other": None}]
    told = f"WARNING: tiny was trained on 12 of the {len(rows)} sentences."
    assert told in result.summary() and result.summary().count("WARNING") == 1
    page = result.write_report(tmp_path / "report").read_text(encoding="utf-8")
    assert "tiny was trained on 12 of the sentences, so its figures are optimistic" in page
    again = alone(certainty.load(tiny_model), rows, name="tiny")
    assert told in again.summary() and again.data["in_train"] is None
    del again.data["trained_on"]  # of an earlier version
    assert told not in Evaluation.from_dict(again.to_dict()).summary()
    seeds = evaluate_seeds({"bare": bare, "tiny": tiny_model}, rows, baselines=False)
    assert seeds.data["trained_on"] == {"bare": None, "tiny": 12}
    (bare / KNOWN_FILE).write_bytes(b"x")
    with pytest.raises(CertaintyError, match=f"{KNOWN_FILE}: damaged"):
        alone(bare, rows)


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


def test_models_that_cannot_be_compared() -> None:
    with pytest.raises(CertaintyError, match="nothing to evaluate on"):
        compare([StandIn()])
    with pytest.raises(CertaintyError, match="no model is given"):
        compare([], SENTENCES)
    with pytest.raises(CertaintyError, match="use `evaluate` for one"):
        compare("models/mine", SENTENCES)


BEHAVIOUR = [
    {"text": SENTENCES[0].text, "label": "asserted", "kind": "mft", "construction": "plain", "attributed": True},
    {"text": SENTENCES[1].text, "label": "probable", "kind": "dir", "group": "d", "construction": "conditional"},
    {"text": SENTENCES[4].text, "label": "asserted", "kind": "dir", "group": "d", "construction": "conditional"},
    {"text": SENTENCES[8].text, "label": "asserted", "kind": "inv", "group": "i", "construction": "name"},
    {"text": SENTENCES[12].text, "label": "asserted", "kind": "inv", "group": "i", "construction": "name"},
    {"text": SENTENCES[-1].text, "claim": False, "kind": "mft", "construction": "question"},
]


def test_the_command_compares_and_writes_its_report(
    tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]
) -> None:
    data, output = write(tmp_path / "held_out.jsonl", SENTENCES), tmp_path / "new" / "report"
    assert main(["evaluate", "--model", "first", "second", "--data", data, "--report", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "A  first" in printed and "B  second" in printed
    assert re.search(r"macro-F1 +1\.000 +0\.\d{3} to 1\.000 +0\.972 +", printed)
    assert re.search(r"A − B +macro-F1 +\+0\.028 .* 1\.0000 +1\n", printed)
    assert "by cross-validation" in printed
    assert sorted(path.name for path in output.iterdir()) == ["errors.csv", "index.html", "metrics.json"]
    figures = Comparison.from_json((output / "metrics.json").read_text(encoding="utf-8"))
    assert [one.models for one in figures.evaluations] == [("first",), ("second",)]
    page = (output / "index.html").read_text(encoding="utf-8").replace('href="errors.csv"', "")
    assert not re.search(
        r"""(?:src|href|data)\s*=\s*["']?(?!["']?#)|@import|url\((?!["']?#)|<link|<!DOCTYPE svg""", page
    )
    assert page.count("<svg") == 3


def test_three_models_stand_in_one_report(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data, output = write(tmp_path / "held_out.jsonl", SENTENCES), tmp_path / "report"
    given = ["evaluate", "--model", "first", "second", "third", "--data", data, "--by", "corpus", "--quiet"]
    assert main([*given, "--format", "json", "--report", str(output), "--min-macro-f1", "0.95"]) == 1
    captured = capsys.readouterr()
    assert re.findall(r"^(\w+): macro-F1 0\.94\d+ is below 0\.95", captured.err, re.M) == ["third"]
    found = json.loads(captured.out)
    assert [one["models"] for one in found["evaluations"]] == [["first"], ["second"], ["third"]]
    pairs = [(d["first"], d["second"]) for d in found["differences"] if d["metric"] == "macro_f1"]
    assert pairs == [("first", "second"), ("first", "third"), ("second", "third")]
    assert all(set(one["slices"]["corpus"]) == {"nord", "sud"} for one in found["evaluations"])
    with (output / "errors.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = {
        row["text"]: [row[f"predicted {name}"] != row["gold"] for name in ("first", "second", "third")] for row in rows
    }
    assert wrong == {SENTENCES[0].text: [False, True, True], SENTENCES[5].text: [False, False, True]}
    page = (output / "index.html").read_text(encoding="utf-8")
    assert page.count("Verlac") >= 1 and page.count("Montrieu") >= 1 and "nord" in page and "sud" in page
    assert main([*given, "--min-macro-f1", "0.9"]) == 0
    assert re.search(r"^nord +1\.000 .* 0\.9\d\d .* 0\.9\d\d ", capsys.readouterr().out, re.M)


def test_seeds_of_one(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES)
    assert main(["evaluate", "--model", "first", "second", "--data", data, "--seeds-of-one"]) == 0
    printed = capsys.readouterr().out
    assert "2 seeds of one model: mean ± sd" in printed
    assert re.search(r"macro-F1 +0\.986 ± 0\.020 +0\.\d{3} to 1\.000 +36\n", printed)


def test_a_log_shows_what_is_done(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--model", "first", "--data", write(tmp_path / "data.jsonl", SENTENCES)]
    assert main(arguments) == 0
    assert f"Scoring {len(SENTENCES)} sentences with first.\n" in capsys.readouterr().err
    assert main([*arguments, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_json_for_machines_and_the_wish(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES)
    words = ["evaluate", "--model", "second", "--data", data, "--format", "json", "--by", "annotator"]
    assert main([*words, "--min-macro-f1", "0.9"]) == 0
    captured = capsys.readouterr()
    (one,) = json.loads(captured.out)["evaluations"]
    assert one["metrics"]["macro_f1"]["value"] == pytest.approx(0.972, abs=1e-3)
    assert list(one["slices"]) == ["annotator"]
    assert SENTENCES[0].text not in captured.out
    assert main([*words, "--min-macro-f1", "0.99", "--report", str(tmp_path / "report")]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["evaluations"], "the way of the report does not stand in the JSON"
    assert re.search(r"second: macro-F1 0\.972\d is below 0\.99\.", captured.err)


def test_the_shipped_model_is_the_default(tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES)
    assert main(["evaluate", "--data", data]) == 0
    assert "certainty-fr-small (95 % intervals)" in capsys.readouterr().out


def test_the_errors_open_in_a_french_spreadsheet(
    tmp_path: Path, stand_in: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--model", "second", "--data", write(tmp_path / "held_out.jsonl", SENTENCES), "--excel"]
    assert main(words) == 2
    assert "--excel applies to errors.csv of --report" in capsys.readouterr().err
    assert main([*words, "--report", str(tmp_path)]) == 0
    written = (tmp_path / "errors.csv").read_bytes().decode("utf-8")
    assert written.startswith("\ufeffid;corpus;text;")
    (row,) = csv.DictReader(io.StringIO(written[1:]), delimiter=";")
    assert row["probability"] == "0,970000"


def test_an_interval_and_a_p_value_that_disagree_are_explained() -> None:
    result = alone(StandIn([s.text for s in SENTENCES[:2]]), SENTENCES)
    for low, p_value, told in ((0.1, 0.2, True), (0.1, 0.01, False), (-0.1, 0.2, False), (-0.1, 0.01, True)):
        difference = {"value": 0.3, "low": low, "high": 0.5}
        baseline = {"macro_f1": result.metrics["macro_f1"], "difference": difference, "p_value": p_value}
        shown = replace(result, baselines={"tfidf": baseline}).summary()
        assert ("they can disagree" in shown) == told


def test_faithfulness_by_the_command(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "held_out.jsonl", SENTENCES[:8])
    assert main(["evaluate", "--model", str(tiny_model), "--data", data, "--faithfulness"]) == 0
    assert "| predicted | all |" in capsys.readouterr().out


def test_the_report_shows_errors_escaped_and_the_figures_hold_no_text(tmp_path: Path) -> None:
    nasty = LabelledSentence(
        "<script>alert(1)</script> serait « à moi ».", PROBABLE, cues=((26, 32),), corpus="sud & est"
    )
    sentences = [*SENTENCES, nasty]
    page = alone(StandIn([nasty.text], sentences), sentences).write_report(tmp_path).read_text(encoding="utf-8")
    assert '&lt;script&gt;alert(1)&lt;/script&gt; <span class="gold predicted">serait</span> « à moi ».' in page
    assert page.count("<script") == 1
    assert '\n<p class="muted">1 sentence labelled wrongly' in page and '<span class="interval">0.' in page
    assert "sud &amp; est" in page
    figures = (tmp_path / "metrics.json").read_text(encoding="utf-8")
    assert "alert" not in figures and "sud & est" in figures
    (row,) = csv.DictReader(io.StringIO((tmp_path / "errors.csv").read_text(encoding="utf-8-sig")))
    assert row["text"] == nasty.text
    assert (row["gold"], row["predicted"], row["probability"]) == ("probable", "personal_opinion", "0.97")
    assert (row["gold_cues"], row["cues"], row["is_claim"], row["doubtful"]) == ("serait", "serait", "true", "false")


def test_the_table_of_errors_is_filtered(tmp_path: Path, browser: Browser) -> None:
    wrong = [s.text for s in SENTENCES[:6]]
    result = compare({"a": StandIn(wrong[:2]), "b": StandIn(wrong)}, SENTENCES, behaviour=BEHAVIOUR, baselines=False)
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(result.write_report(tmp_path).as_uri())
    rows = page.locator("#errors tbody tr:visible")
    assert rows.count() == 6 and page.inner_text("#shown") == "6 of 6 shown"
    page.select_option("[name=wrong]", label="a")
    assert rows.count() == 2
    page.select_option("[name=gold]", "probable")
    assert page.inner_text("#shown") == "1 of 6 shown"
    page.select_option("[name=wrong]", "")
    page.select_option("[name=gold]", "")
    page.check("[name=apart]")
    assert rows.count() == 4
    page.fill("[name=text]", "MONTRIEU")
    assert rows.count() == 2
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "the page itself does not scroll sideways"
    )
    assert problems == []
    page.close()


def test_the_table_of_errors_is_filtered_by_no_claim(tmp_path: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(alone(Confused([SENTENCES[1].text])).write_report(tmp_path).as_uri())
    rows = page.locator("#errors tbody tr:visible")
    every = rows.count()
    page.select_option("[name=predicted]", "no_claim")
    assert rows.count() == 1 and SENTENCES[1].text in rows.inner_text()
    page.select_option("[name=predicted]", "")
    page.select_option("[name=gold]", "no_claim")
    assert rows.count() == every - 1 == sum(not s.claim for s in SENTENCES)
    page.close()


def test_a_report_replaces_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old")
    page = alone(StandIn()).write_report(tmp_path)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 3


def test_every_metric_of_the_table_is_in_report_card_and_summary(tmp_path: Path) -> None:
    rows = [*SENTENCES, *TWO_CLAIMS]
    result = alone(StandIn(sentences=rows), rows)
    page, printed = result.write_report(tmp_path).read_text(encoding="utf-8"), result.summary()
    assert list(result.metrics) == list(METRICS)
    for metric in METRICS.values():
        assert metric.title in page and metric.explanation in page and f"\n{metric.title} " in printed


def test_data_that_cannot_be_judged() -> None:
    with pytest.raises(CertaintyError, match="no sentence has a label"):
        alone(StandIn(), SENTENCES[-4:])
    with pytest.raises(CertaintyError, match="every label is asserted"):
        alone(StandIn(), SENTENCES[:36:4])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--data": "missing.jsonl"}, "missing.jsonl: no such file"),
        ({"--data": "questions.jsonl"}, "questions.jsonl: no sentence has a label"),
        ({"--data": "one_label.jsonl"}, "one_label.jsonl: every label is asserted"),
        ({"--train": "questions.jsonl"}, "no sentence to train on has a label"),
        ({"--report": "good.jsonl"}, "good.jsonl: is a file; give a folder"),
        ({"--by": "genre"}, "the data has no column 'genre' to slice by"),
        ({"--behaviour": "good.jsonl"}, "good.jsonl, line 1: kind is None. Allowed: mft, inv, dir"),
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
    write(tmp_path / "one_label.jsonl", SENTENCES[:36:4])
    options = {"--model": "first", "--data": "good.jsonl", "--report": "report"} | change
    assert main(["evaluate", *(word for option in options.items() for word in option)]) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith(f"error: {message}")
    assert captured.out == ""
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to evaluate on; give --data"),
        (["--behaviour", "b.jsonl", "--min-macro-f1", "0.8"], "--min-macro-f1 needs --data"),
        (["--data", "held_out.jsonl", "--model", "same", "same"], "model same is given twice"),
        (["--data", "held_out.jsonl", "--model", "no model"], "no model: no such folder"),
    ],
)
def test_options_that_do_not_go_together(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "held_out.jsonl", SENTENCES)
    assert main(["evaluate", *words]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


@pytest.mark.parametrize("wrong", [["--seed", "-1"], ["--min-macro-f1", "80"]])
def test_options_out_of_range(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--data", "held_out.jsonl", *wrong])
    assert stopped.value.code == 2
    assert f"argument {wrong[0]}: it is" in capsys.readouterr().err


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
