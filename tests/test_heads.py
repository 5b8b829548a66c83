"""The heads for cues of each label, the second claim and the source: taught, saved, exported; models without them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import DATA

import certainty
from certainty import CertaintyError, Label
from certainty.engines import open_engine
from certainty.engines.modeling import CertaintyModel
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning.export.onnx import export_int8, export_onnx
from certainty.finetuning.start import find_start
from certainty.labelled import read_labelled
from certainty.model_folder import HEADS, SETTINGS_FILE, ModelSettings

TEXTS = [sentence.text for sentence in read_labelled(DATA / "tiny_dev.jsonl")]
IDS = np.array([[0, 7, 9, 11, 2], [0, 8, 2, 1, 1]])
MASK = (IDS != 1).astype(np.int64)

PEOPLE = ("la maire", "le patron du club", "un voisin", "une chercheuse", "Paul", "elle")
THINGS = ("le pont", "la route", "le stade", "la gare", "le musée", "la halle")

HEDGE = "il se pourrait bien"


def toy(held_out: bool) -> list[dict[str, Any]]:
    """Sentences in which `dit` stands before the source, and `mais` before a second claim; or unseen ones like them."""
    rows: list[dict[str, Any]] = []

    def add(text: str, label: str | None, second: str | None = None, cue: str = "", source: str = "") -> None:
        places = [[text.index(words), text.index(words) + len(words)] for words in (cue, source) if words]
        cues, sources = places[: bool(cue)], places[bool(cue) :]
        rows.append(
            {"text": text, "label": label, "claim": label is not None, "second": second, "attributed": bool(source)}
            | {"cues": cues, "sources": sources}
        )

    for i, person in enumerate(PEOPLE):
        for j, thing in enumerate(THINGS):
            if (i == j) is not held_out:
                continue
            add(f"{thing} est ouvert avec {person}.", "asserted")
            add(f"il se pourrait bien que {thing} rouvre, dit {person}.", "probable", None, HEDGE, person)
            add(f"{thing} n'est pas ouvert, mais {HEDGE} que {person} vienne.", "denied", "probable", "n'est pas")
            add(f"{thing} est une honte pour {person}.", "personal_opinion", cue="honte")
            add(f"{thing} avec {person} ?", None)
    return rows


@pytest.fixture(scope="module")
def taught(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned the toy."""
    folder = tmp_path_factory.mktemp("heads") / "taught"
    settings = FinetuningSettings(
        encoder=str(tiny_encoder), epochs=8, labelled_repeats=4, evaluations_per_epoch=1, patience=20, batch_size=16,
        learning_rate=0.006, layer_decay=1.0, dropout=0.0, second_head_weight=1.0, source_weight=1.0, bf16=False,
    )  # fmt: skip
    finetune(toy(held_out=False), toy(held_out=True), folder, settings)
    return folder


def test_a_pattern_is_learned(taught: Path) -> None:
    model = certainty.load(taught)
    assert list(model.settings.heads) == list(HEADS)
    figures = json.loads((taught / "evaluation.json").read_text())["dev"]["metrics"]
    for name in ("second_f1", "source_f1", "source_exact_f1", "cue_f1", "cue_exact_f1"):
        assert figures[name]["value"] > 0.8, (name, figures[name])
    card = (taught / "README.md").read_text(encoding="utf-8")
    assert "second-claim F1" in card and "source exact F1" in card and "did not teach" not in card

    said, denied = texts = [row["text"] for row in toy(held_out=True)][1:3]
    first, other = model.score_sentences(texts)
    assert first.source is not None
    assert said[first.source.start : first.source.end] == first.source.text == PEOPLE[0]
    assert (first.label, other.label, other.second, other.source) == (
        Label.PROBABLE,
        Label.DENIED,
        Label.PROBABLE,
        None,
    )
    assert "pourrait" in first.cues[0].text and "pas" in other.cues[0].text
    assert all(denied[cue.start : cue.end] == cue.text for cue in (*other.cues, *other.second_cues))
    assert first.second is None and first.second_probability is not None


def test_a_high_threshold_shows_less(taught: Path) -> None:
    model = certainty.load(taught)
    texts = [row["text"] for row in toy(held_out=True)]
    none = model.with_thresholds(second=1, source=1).score_sentences(texts)
    assert not any(s.second or s.second_cues or s.source for s in none)
    every = model.with_thresholds(second=0).score_sentences(texts)
    assert all(s.second not in (None, s.label) for s in every if s.is_claim)
    with pytest.raises(CertaintyError, match="source is 2; give a number between 0 and 1"):
        model.with_thresholds(source=2)


def test_engines_give_the_same(taught: Path) -> None:
    texts = [row["text"] for row in toy(held_out=True)] + [" ".join(TEXTS)]
    exact, torch_ = (certainty.load(taught, engine=engine).score_sentences(texts) for engine in ("onnx", "torch"))
    for ours, theirs in zip(exact, torch_, strict=True):
        assert (ours.second, ours.second_cues, ours.source) == (theirs.second, theirs.second_cues, theirs.source)
        assert ours.second_probability == pytest.approx(theirs.second_probability, abs=1e-4)
    engines = [open_engine(name, taught, 1, "cpu") for name in ("torch", "onnx", "onnx-int8")]
    expected, exact, integer = (engine.run(IDS, MASK)._asdict() for engine in engines)
    for name, logits in expected.items():
        assert integer[name].shape == logits.shape
        of_tokens = name in ("cue", "source")
        real = MASK.astype(bool) if of_tokens else np.s_[:]
        np.testing.assert_allclose(exact[name][real], logits[real], atol=1e-4, err_msg=name)


def test_what_is_saved_is_opened(taught: Path, tmp_path: Path) -> None:
    certainty.load(taught).save_pretrained(tmp_path / "copy")
    assert ModelSettings.load(tmp_path / "copy") == ModelSettings.load(taught)
    model = CertaintyModel.from_pretrained(taught)
    model.save_pretrained(tmp_path / "weights")
    before, after = (CertaintyModel.from_pretrained(folder) for folder in (taught, tmp_path / "weights"))
    for one, other in zip(before.state_dict().values(), after.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other)


def earlier(model: Path, folder: Path) -> Path:
    """Write the model as release 0.4 would have: one cue channel, no other new head, format version 1."""
    shutil.copytree(model, folder)
    complete = CertaintyModel.from_pretrained(model)
    old = CertaintyModel(complete.classifier, heads=("claim", "attributed", "cue"), cue_channels=1)
    for name in ("claim", "attributed"):
        old.heads[name].load_state_dict(complete.heads[name].state_dict())
    old.heads["cue"].load_state_dict({key: v[:1] for key, v in complete.heads["cue"].state_dict().items()})
    old.save_pretrained(folder)
    export_onnx(old, folder)
    export_int8(old, folder, [[0, 5, 6, 2]], pad_token_id=1)
    settings = json.loads((folder / SETTINGS_FILE).read_text())
    new = ("heads", "second_threshold", "source_threshold")
    kept = {name: value for name, value in settings.items() if name not in new}
    (folder / SETTINGS_FILE).write_text(json.dumps(kept | {"format_version": 1}))
    return folder


def test_an_earlier_model_gives_what_it_did(tiny_model: Path, tmp_path: Path) -> None:
    folder = earlier(tiny_model, tmp_path / "old")
    assert list(ModelSettings.load(folder).heads) == ["claim", "attributed", "cue"]
    by_engine = [certainty.load(folder, engine=e).score_sentences(TEXTS) for e in ("onnx", "onnx-int8", "torch")]
    for scores in by_engine:
        shown = {(s.second, s.second_probability, s.second_cues, s.source) for s in scores}
        assert shown == {(None, None, (), None)}
        assert all(bool(s.cues) == (s.label in (Label.PROBABLE, Label.PERSONAL_OPINION, Label.DENIED)) for s in scores)
    logits = open_engine("onnx", folder, 1, None).run(IDS, MASK)
    assert logits.cue.shape == IDS.shape and logits.second is None and logits.source is None


def test_a_model_says_only_what_it_was_taught(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "cut")
    settings = json.loads((folder / SETTINGS_FILE).read_text())
    for heads in ([], ["claim"], ["attributed"]):
        (folder / SETTINGS_FILE).write_text(json.dumps(settings | {"heads": heads}))
        model = certainty.load(folder)
        assert model.model.heads == tuple(heads)
        every = model.with_thresholds(claim=0.0, attributed=0.0).score_sentences(TEXTS)
        none = model.with_thresholds(claim=1.0, attributed=1.0).score_sentences(TEXTS)
        knows_claims, knows_attribution = ("claim" in heads), ("attributed" in heads)
        for found, is_claim, attributed in ((every, True, True), (none, False, False)):
            assert {s.is_claim for s in found} == {is_claim if knows_claims else None}
            assert {s.claim_probability is None for s in found} == {not knows_claims}
            assert {s.attributed for s in found} == {attributed if knows_attribution else None}
        assert knows_claims == any(s.label is Label.NO_CLAIM for s in none)


def test_training_goes_on_from_an_earlier_model(tiny_model: Path, tmp_path: Path) -> None:
    folder = earlier(tiny_model, tmp_path / "old")
    old, model = (
        CertaintyModel.from_pretrained(folder),
        find_start(FinetuningSettings(initial=str(folder))).weights(
            FinetuningSettings(initial=str(folder), dropout=0.0)
        ),
    )
    assert sorted(model.heads) == sorted(HEADS)
    before, after = (
        old.logits(*map(torch.from_numpy, (IDS, MASK))),
        model.eval().logits(*map(torch.from_numpy, (IDS, MASK))),
    )
    for channel in range(3):
        np.testing.assert_allclose(after.cue[..., channel], before.cue, atol=1e-6)
    np.testing.assert_allclose(after.claim, before.claim, atol=1e-6)

    quick = FinetuningSettings(initial=str(folder), epochs=1, evaluations_per_epoch=1, bf16=False)
    finetune(toy(held_out=False), toy(held_out=True), tmp_path / "new", quick)
    assert list(ModelSettings.load(tmp_path / "new").heads) == list(HEADS)


def test_a_format_of_the_future_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    settings = json.loads((tiny_model / SETTINGS_FILE).read_text())
    assert settings["format_version"] == 2
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(settings | {"format_version": 3}))
    with pytest.raises(CertaintyError, match="version 3, but this release reads up to 2"):
        ModelSettings.load(tmp_path)
