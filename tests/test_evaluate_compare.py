"""Models side by side, seeds of one model, baselines, and models that know the rows from their training."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import DATA
from evaluating import SENTENCES, StandIn, alone
from safetensors.numpy import load_file, save_file

import certainty
from certainty import CertaintyError
from certainty.evaluation import Evaluation, compare, evaluate, evaluate_seeds
from certainty.labelled import read_labelled
from certainty.model_folder import KNOWN_FILE


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
    # The 11 sentences are of three groups, which are swapped together, and three show nothing.
    assert accuracy["low"] < 0 < accuracy["value"] < accuracy["high"]
    assert accuracy["p_value"] == pytest.approx(2 / 2**3, abs=0.02)
    assert [d["better"] for d in result.differences] == [None] * 3
    assert "the labels of claims cannot be told apart" in result.summary()
    alone_ = compare({"good": StandIn(), "bad": StandIn(wrong)}, [replace(s, group=None) for s in SENTENCES])
    assert [d["better"] for d in alone_.differences] == ["good"] * 3
    assert "the labels of claims of good are better; the answers to all" in alone_.summary()
    earlier = replace(alone_, differences=[{k: v for k, v in d.items() if k != "better"} for d in alone_.differences])
    assert earlier.summary() == alone_.summary(), "a file of an earlier version"
    assert [error["text"] for error in result.errors] == wrong
    assert result.errors[1]["predictions"]["good"]["label"] == result.errors[1]["gold"]
    printed = result.summary()
    assert re.search(r"A − B +accuracy +\+0\.306 +.0\.\d+ to \+\d\.\d+ +0\.2\d\d\d +11 +0\.\d+\n", printed)
    assert re.search(r"macro-F1 +0\.\d+ +0\.\d+ to \d\.\d+ +0\.\d+ +0\.\d+ to 0\.\d+\n", printed)


def test_baselines_are_worse_than_the_perfect_classifier() -> None:
    result = evaluate(StandIn(), SENTENCES, train=SENTENCES[:20])
    assert list(result.baselines) == ["majority", "tfidf", "rules"]
    assert result.baselines_fit == "train"
    assert result.data["in_train"] == 32, "12 are nearly the same as one there"
    majority = result.baselines["majority"]
    assert majority["difference"]["value"] == pytest.approx(1 - majority["macro_f1"]["value"])
    assert majority["p_value"] == pytest.approx(2 / 2**9, abs=2e-3)  # nine groups
    assert "WARNING: 32 of the sentences" in result.summary()
    loose = [replace(s, group=None) for s in SENTENCES]
    assert "≤ 0.0001" in evaluate(StandIn(), loose, train=SENTENCES[:20]).summary()


def test_sentences_that_a_model_was_trained_on_are_counted(tiny_model: Path, tmp_path: Path) -> None:
    rows = [*read_labelled(DATA / "tiny.jsonl")[:12], *read_labelled(DATA / "tiny_dev.jsonl")]
    bare = Path(shutil.copytree(tiny_model, tmp_path / "bare"))
    (bare / KNOWN_FILE).unlink()
    models = {"bare": bare, "tiny": tiny_model, "other": StandIn(sentences=rows)}
    result = compare(models, rows, baselines=False)
    assert [one.data["trained_on"] for one in result.evaluations] == [{"bare": None}, {"tiny": 12}, {"other": None}]
    told = f"WARNING: tiny was trained on 12 of the {len(rows)} sentences, or nearly the same ones."
    chosen = f"WARNING: tiny was chosen and calibrated on {len(rows) - 12} of the {len(rows)} sentences."
    assert told in result.summary() and chosen in result.summary() and result.summary().count("WARNING") == 2
    page = result.write_report(tmp_path / "report").read_text(encoding="utf-8")
    assert "tiny was trained on 12 of the sentences, so its figures are optimistic" in page
    again = alone(certainty.load(tiny_model), rows, name="tiny")
    assert told in again.summary() and again.data["in_train"] is None
    del again.data["trained_on"]  # of an earlier version
    assert told not in Evaluation.from_dict(again.to_dict()).summary()
    seeds = evaluate_seeds({"bare": bare, "tiny": tiny_model}, rows, baselines=False)
    assert seeds.data["trained_on"] == {"bare": None, "tiny": 12}
    save_file({"sha256_32": load_file(tiny_model / KNOWN_FILE)["sha256_32"]}, bare / KNOWN_FILE)
    earlier = alone(bare, rows, name="bare").data  # of a model whose folder does not yet record what it was chosen on
    assert (earlier["trained_on"], earlier["chosen_on"]) == ({"bare": 12}, {"bare": None})
    (bare / KNOWN_FILE).write_bytes(b"x")
    with pytest.raises(CertaintyError, match=f"{KNOWN_FILE}: damaged"):
        alone(bare, rows)


def test_sentences_that_are_nearly_those_of_train_do_not_show_that_a_model_is_better(tiny_model: Path) -> None:
    train = read_labelled(DATA / "tiny.jsonl")
    rows = [replace(s, text=f"{s.text[:-1]}, dit-on.") for s in train]
    wrong = StandIn([s.text for s in rows], sentences=rows)
    right = StandIn(sentences=rows)
    right.folder = tiny_model  # type: ignore[attr-defined]
    unaware, aware = (
        compare({"tiny": right, "bad": wrong}, rows, train=given, baselines=False) for given in (None, train)
    )
    trained_on = [one.evaluations[0].data["trained_on"]["tiny"] for one in (unaware, aware)]
    assert trained_on[0] == 0 and trained_on[1] > 0.9 * len(rows)
    assert [one.differences[0]["better"] for one in (unaware, aware)] == ["tiny", None]
    told = "the labels of claims of tiny seem better, but it was trained on some of these sentences"
    assert told in aware.summary() and told not in unaware.summary()
