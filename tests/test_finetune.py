"""The fine-tuning command: what it writes, resuming after a kill, and errors."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA
from numpy.typing import NDArray
from safetensors.numpy import load_file

import certainty
from certainty import CertaintyError, Label
from certainty.calibration import NONE
from certainty.finetuning.calibration import choose_calibration, fit_calibration
from certainty.finetuning.features import LengthGroupedSampler
from certainty.finetuning.finetune import main
from certainty.finetuning.settings import FinetuningSettings, load_settings, save_settings
from certainty.finetuning.splits import check_data, split_held_out_groups
from certainty.finetuning.trainer import last_complete_checkpoint
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS


def test_the_folder_is_whole(tiny_model: Path) -> None:
    names = {path.name for path in tiny_model.iterdir()}
    wanted = {"config.json", "model.safetensors", "tokenizer.json", "certainty.json", "model.onnx", "README.md"}
    assert wanted | {"evaluation.json", "settings.yaml"} <= names
    assert "checkpoints" not in names
    assert not [path for path in tiny_model.rglob("*") if path.suffix in (".bin", ".pt", ".pkl", ".tmp")]
    card = (tiny_model / "README.md").read_text()
    assert "macro-F1" in card and "## Limits" in card
    evaluation = json.loads((tiny_model / "evaluation.json").read_text())
    assert evaluation["dev"]["data"]["sentences"] == len(read_labelled(DATA / "tiny_dev.jsonl"))
    settings = json.loads((tiny_model / "certainty.json").read_text())
    assert settings["training"]["train"]["sentences"] == len(read_labelled(DATA / "tiny.jsonl"))


def test_resumed_after_a_kill_it_ends_like_an_unbroken_run(
    tiny_model: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    arguments = ["--train", DATA / "tiny.jsonl", "--dev", DATA / "tiny_dev.jsonl", "--encoder", tiny_encoder]
    arguments += ["--config", tiny_model.with_suffix(".yaml"), "--output", folder]
    command = [str(argument) for argument in arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", "certainty.finetuning.finetune", *command],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    while not last_complete_checkpoint(folder / "checkpoints") and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "certainty.json").exists()
    with pytest.raises(CertaintyError, match=r"no certainty\.json"):
        certainty.load(folder)
    assert main(command) == 2, "an unfinished run is not overwritten"
    assert main([*command, "--resume"]) == 0
    unbroken, resumed = (json.loads((f / "evaluation.json").read_text()) for f in (tiny_model, folder))
    assert resumed["dev"]["metrics"]["macro_f1"]["value"] == unbroken["dev"]["metrics"]["macro_f1"]["value"]
    texts = [sentence.text for sentence in read_labelled(DATA / "tiny_dev.jsonl")]
    np.testing.assert_allclose(
        certainty.load(folder).predict_proba(texts), certainty.load(tiny_model).predict_proba(texts), atol=1e-4
    )


def test_half_written_checkpoints_are_passed_over(tmp_path: Path) -> None:
    for name, content in {"checkpoint-4": "{}", "checkpoint-8": '{"epo', "checkpoint-12": None}.items():
        (tmp_path / name).mkdir()
        if content is not None:
            (tmp_path / name / "trainer_state.json").write_text(content)
    assert last_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
    shutil.rmtree(tmp_path / "checkpoint-4")
    assert last_complete_checkpoint(tmp_path) is None


def _sentences(word: str, *labels: str) -> list[LabelledSentence]:
    return [LabelledSentence(f"{word} {label}.", Label(label)) for label in labels]


def test_missing_class_and_leakage(caplog: pytest.LogCaptureFixture) -> None:
    train, dev = (_sentences(word, *[label.value for label in LABELS]) for word in ("Train", "Dev"))
    with pytest.raises(CertaintyError, match="train has no sentence labelled denied"):
        check_data(train[:3], dev)
    with pytest.raises(CertaintyError, match="fewer than two labels"):
        check_data(train, dev[:1])
    with caplog.at_level(logging.WARNING):
        kept = check_data([*train, LabelledSentence("DEV denied !", Label.DENIED)], dev)
    assert kept == train
    assert "1 sentences of train also stand in dev" in caplog.text


def test_whole_groups_are_held_out() -> None:
    train, held_out = split_held_out_groups(read_labelled(DATA / "tiny.jsonl") + read_labelled(DATA / "tiny_dev.jsonl"))
    assert {s.group for s in train}.isdisjoint({s.group for s in held_out} - {None})
    assert held_out and all(s.group is not None and s.group % 5 == 0 for s in held_out)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("learnig_rate: 0.1", "unknown setting 'learnig_rate'. Did you mean 'learning_rate'"),
        ("class_weights: sometimes", "class_weights is 'sometimes'. Allowed: 'none', 'balanced'"),
        ("dropout: 1.5", "dropout is 1.5; it must lie in"),
        ("- 1", "expected `name: value` lines"),
        ("a: [", "cannot read the settings"),
    ],
)
def test_wrong_settings(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(content)
    with pytest.raises(CertaintyError, match=message):
        load_settings(FinetuningSettings, path)


def test_settings_round_trip(tmp_path: Path) -> None:
    settings = FinetuningSettings(epochs=2, class_weights="balanced")
    save_settings(settings, tmp_path / "s.yaml")
    assert load_settings(FinetuningSettings, tmp_path / "s.yaml") == settings


def test_the_command_reports_errors_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--train", str(tmp_path / "none.jsonl"), "--dev", "x.jsonl", "--output", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'none.jsonl'}: no such file")


def _written(path: Path, *rows: dict[str, object]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_corrections_reach_train_and_dev_but_never_test(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    given: list[list[LabelledSentence]] = []

    def finetune(
        _: object, train: list[LabelledSentence], dev: list[LabelledSentence], *rest: object
    ) -> dict[str, str]:
        test = rest[1]
        assert isinstance(test, list)
        given.extend((train, dev, test))
        return {}

    monkeypatch.setattr("certainty.finetuning.finetune.finetune", finetune)
    rows: list[dict[str, object]] = [
        {"id": name, "text": f"Phrase {name}.", "label": "denied"} for name in ("a", "b", "c")
    ]
    reason = {"old": "denied", "reason": "a hedge beats a negation"}
    arguments = ["--train", _written(tmp_path / "train.jsonl", *rows[:2])]
    arguments += ["--dev", _written(tmp_path / "dev.jsonl", rows[2])]
    arguments += ["--test", _written(tmp_path / "test.jsonl", *rows), "--output", str(tmp_path / "out")]
    first = _written(tmp_path / "first.jsonl", {"id": "b", "new": "no_claim", **reason})
    second = _written(tmp_path / "second.jsonl", {"id": "c", "new": "probable", **reason})
    with caplog.at_level(logging.INFO):
        assert main([*arguments, "--corrections", first, second]) == 0
    assert "Labels of 2 sentences are corrected." in caplog.text
    train, dev, test = given
    assert [s.label for s in train] == [Label.DENIED, None]
    assert [s.label for s in dev] == [Label.PROBABLE]
    assert [s.label for s in test] == [Label.DENIED] * 3

    unknown = _written(tmp_path / "unknown.jsonl", {"id": "d", "new": "probable", **reason})
    assert main([*arguments, "--corrections", unknown]) == 2
    assert f"{unknown}, line 1: no row has the id 'd'" in capsys.readouterr().err
    arguments[3] = _written(tmp_path / "clash.jsonl", {**rows[2], "id": "a"})
    assert main([*arguments, "--corrections", first]) == 2
    assert "id 'a' is one sentence in train and another in dev" in capsys.readouterr().err
    assert len(given) == 3, "nothing is trained on wrong corrections"


def test_the_order_of_an_epoch_is_fixed_and_groups_lengths() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, 1000).tolist()
    sampler = LengthGroupedSampler(lengths, batch_size=10, seed=1)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    sampler.set_epoch(0)
    assert list(sampler) == first != second
    assert sorted(first) == sorted(second) == list(range(1000))
    spreads = [np.ptp([lengths[i] for i in first[k : k + 10]]) for k in range(0, 1000, 10)]
    assert np.mean(spreads) < 10


def test_calibration_recovers_temperature_and_prior() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 4)) * 2
    gold = (logits + np.array([1.0, 0, 0, -1]) + rng.gumbel(size=logits.shape)).argmax(axis=1)
    calibration = fit_calibration(logits * 3, gold)
    assert calibration.temperature == pytest.approx(3, rel=0.05)
    np.testing.assert_allclose(calibration.bias, [1, 0, 0, -1], atol=0.1)


def _claims(n: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return logits of calibrated probabilities, and labels drawn from these."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, 4)) * 2
    return logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


def test_calibration_is_as_simple_as_the_claims_allow() -> None:
    logits, gold = _claims(2000)
    assert choose_calibration(logits, gold) == NONE
    overconfident = choose_calibration(logits * 3, gold)
    assert overconfident.temperature == pytest.approx(3, rel=0.1) and overconfident.bias == NONE.bias
    enriched = choose_calibration(logits + np.array([0, 2, 0, 0]), gold)
    assert enriched.bias[1] == pytest.approx(-1.5, abs=0.3), "of mean 0"
    assert choose_calibration(logits[:9] * 3, gold[:9]) == NONE, "too few to tell"


def test_training_goes_on_from_a_model(tiny_model: Path, tmp_path: Path) -> None:
    files = ["--train", str(DATA / "tiny.jsonl"), "--dev", str(DATA / "tiny_dev.jsonl")]
    config = tmp_path / "config.yaml"
    config.write_text("learning_rate: 1.0e-12\nepochs: 1\nevaluations_per_epoch: 1\n")
    output = tmp_path / "more"
    assert main([*files, "--config", str(config), "--initial", str(tiny_model), "--output", str(output)]) == 0
    made, earlier = (certainty.load(folder).settings.training for folder in (output, tiny_model))
    assert (made["initial"], made["encoder"]) == (tiny_model.name, earlier["encoder"])
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_model, output))
    for tensor in ("roberta.encoder.layer.0.output.dense.weight", "certainty_heads.cue.weight"):
        np.testing.assert_allclose(after[tensor], before[tensor], atol=1e-6)
