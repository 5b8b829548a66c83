"""Figures by a column of the data, and rows of a document or a group, which are drawn together."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluating import PLACES, SENTENCES, Confused, StandIn, alone

from certainty import CertaintyError
from certainty.evaluation import compare
from certainty.evaluation.intervals import share_interval
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS


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
