"""The fine-tuning command: what it writes, resuming after a kill, and errors."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pytest
from checkpoints import write_checkpoint
from conftest import DATA
from huggingface_hub import ModelCard
from numpy.typing import NDArray
from rich.progress import Progress
from safetensors.numpy import load_file

import certainty
from certainty import CertaintyError, Label
from certainty.calibration import NONE
from certainty.cli import main
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning import data as finetuning_data
from certainty.finetuning.calibration import choose_calibration, fit_calibration
from certainty.finetuning.export.int8_check import int8_comparison
from certainty.finetuning.features import LengthGroupedSampler
from certainty.finetuning.resume import last_complete_checkpoint
from certainty.finetuning.splits import check_data, split_held_out_groups
from certainty.finetuning.start import find_start
from certainty.finetuning.verdict import missed_claims
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS
from certainty.model_folder import HEADS, ModelSettings
from certainty.settings_file import load_settings, save_settings


def test_the_folder_is_whole(tiny_model: Path) -> None:
    names = {path.name for path in tiny_model.iterdir()}
    wanted = {"config.json", "model.safetensors", "tokenizer.json", "certainty.json", "model.onnx", "README.md"}
    assert wanted | {"evaluation.json", "settings.yaml"} <= names
    assert [path.name for path in tiny_model.parent.iterdir() if path.is_dir()] == ["tiny"]
    assert not [path for path in tiny_model.rglob("*") if path.suffix in (".bin", ".pt", ".pkl", ".tmp")]
    card = (tiny_model / "README.md").read_text()
    assert "macro-F1" in card and "## Limits" in card
    evaluation = json.loads((tiny_model / "evaluation.json").read_text())
    assert evaluation["dev"]["data"]["sentences"] == len(read_labelled(DATA / "tiny_dev.jsonl"))
    settings = json.loads((tiny_model / "certainty.json").read_text())
    assert settings["training"]["train"]["sentences"] == len(read_labelled(DATA / "tiny.jsonl"))


def arguments(output: Path, *more: object, train: object = DATA / "tiny.jsonl") -> list[str]:
    given = ["train", "--train", train, "--dev", DATA / "tiny_dev.jsonl", "--output", output, *more]
    return [str(argument) for argument in given]


def test_resumed_after_a_kill_it_ends_like_an_unbroken_run(
    tiny_model: Path, tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, checkpoints = tmp_path / "tiny", tmp_path / "tiny.checkpoints"
    settings = ["--encoder", tiny_encoder, "--config", tiny_model.with_suffix(".yaml")]
    process = subprocess.Popen(
        [sys.executable, "-m", "certainty", *arguments(folder, *settings)],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    while not last_complete_checkpoint(checkpoints) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not folder.exists()
    assert main(arguments(folder, *settings)) == 2, "an unfinished run is not overwritten"
    for change, told in (
        (arguments(folder, *settings, "--seed", 7, "--resume"), "seed was 1, now 7"),
        (
            arguments(folder, *settings, "--resume", train=DATA / "tiny_dev.jsonl"),
            "every sentence of train is also in dev",
        ),
        (arguments(folder, *settings, "--resume", train=_shorter(tmp_path)), "train has changed"),
    ):
        capsys.readouterr()
        assert main(change) == 2
        assert told in capsys.readouterr().err
    assert main(arguments(folder, *settings, "--resume")) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shorter.jsonl", "tiny"]
    unbroken, resumed = (json.loads((f / "evaluation.json").read_text()) for f in (tiny_model, folder))
    assert resumed["dev"]["metrics"]["macro_f1"]["value"] == unbroken["dev"]["metrics"]["macro_f1"]["value"]
    texts = [sentence.text for sentence in read_labelled(DATA / "tiny_dev.jsonl")]
    np.testing.assert_allclose(
        certainty.load(folder).predict_proba(texts), certainty.load(tiny_model).predict_proba(texts), atol=1e-4
    )


def _shorter(folder: Path) -> Path:
    path = folder / "shorter.jsonl"
    path.write_text("".join((DATA / "tiny.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    return path


def test_an_output_is_never_half_a_model_nor_lost(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, settings = tmp_path / "mine", ["--initial", tiny_model, "--config", _quick(tmp_path)]
    shutil.copytree(tiny_model, folder)
    before = (folder / "model.safetensors").read_bytes()
    assert main(arguments(folder, *settings)) == 2
    assert f"{folder}: already contains a model. Give another folder, or --overwrite" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    assert main(arguments(tmp_path / "other", *settings, "--overwrite")) == 2
    assert "contains files but no model" in capsys.readouterr().err
    assert main(arguments(folder / "model.safetensors" / "x", *settings)) == 2
    assert "cannot be created" in capsys.readouterr().err
    assert main(arguments(tmp_path / "new", *settings, "--resume")) == 2
    assert "there is no run to resume" in capsys.readouterr().err

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("certainty.finetuning.pipeline.judge", broken)
        assert main(arguments(folder, *settings, "--overwrite")) == 130
    assert (folder / "model.safetensors").read_bytes() == before
    assert main(arguments(folder, *settings, "--overwrite", "--resume")) == 0
    assert (folder / "model.safetensors").read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "mine", "other"]


def test_the_run_the_card_and_an_evaluation_of_the_same_file_say_the_same(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, test = tmp_path / "mine", tmp_path / "test.jsonl"
    test.write_text("".join((DATA / "tiny_dev.jsonl").read_text("utf-8").splitlines(keepends=True)[::2]), "utf-8")
    given = arguments(folder, "--initial", tiny_model, "--config", _quick(tmp_path), "--test", test)
    assert main(given) == 0
    trained = capsys.readouterr().out.partition("── test ──\n")[2]
    own = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["test"]
    evaluate = ["evaluate", "--model", str(folder), "--data", str(test), "--train", str(DATA / "tiny.jsonl"), "--quiet"]
    assert main([*evaluate, "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert found["metrics"] == own["metrics"] and found["per_class"] == own["per_class"]
    assert main(evaluate) == 0
    table = re.compile(r"^metric .*?\n\n", re.M | re.S)
    again = capsys.readouterr().out
    assert table.search(trained) and table.findall(trained)[0] == table.findall(again)[0]
    value = own["metrics"]["macro_f1"]["value"]
    card = (folder / "README.md").read_text(encoding="utf-8").partition("## Evaluation: test")[2]
    assert f"| macro-F1 | {value:.3f} |" in card
    assert f"macro-F1 is {value:.3f}, and " in trained, "the comparison with the initial model, too"
    indexed = ModelCard.load(folder / "README.md").data.to_dict()["model-index"][0]["results"]
    assert [(one["dataset"]["name"], len(one["metrics"])) for one in indexed] == [("dev", 3), ("test", 3)]


def _quick(folder: Path, more: str = "") -> Path:
    path = folder / "config.yaml"
    path.write_text(f"epochs: 1\nevaluations_per_epoch: 1\nbatch_size: 16\nbf16: false\n{more}")
    return path


def test_half_written_checkpoints_are_passed_over(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "checkpoint-4")
    for name, content in {"checkpoint-8": '{"epo', "checkpoint-12": None}.items():
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
    assert "because they are also in dev: 1 (1 in dev)" in caplog.text
    with pytest.raises(CertaintyError, match="every sentence of train is also in dev"):
        check_data(train, train)


def test_whole_groups_are_held_out() -> None:
    train, held_out = split_held_out_groups(read_labelled(DATA / "tiny.jsonl") + read_labelled(DATA / "tiny_dev.jsonl"))
    assert {s.group for s in train}.isdisjoint({s.group for s in held_out} - {None})
    assert held_out and all(s.group is not None and s.group % 5 == 0 for s in held_out)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("learnig_rate: 0.1", "unknown setting 'learnig_rate'. Did you mean 'learning_rate'"),
        ("class_weights: sometimes", "class_weights is 'sometimes'; it must be 'none' or 'balanced'"),
        ("dropout: 1.5", "dropout is 1.5; it must be less than 1"),
        ("batch_size: true", "batch_size is True; true and false are not allowed"),
        ("encoder: a\ninitial: b", "give one of them"),
        ("pooling_layer: true", "pooling_layer is added to an encoder"),
        ("- 1", "expected `name: value` lines"),
        ("a: [", "cannot read the settings"),
        ("a: " + "[" * 3000, "too deeply nested"),
        ("seed: 1\nepochs: 2\nseed: 3", "'seed' is given twice"),
        ("epochs: 1.0e+300", "epochs is 1e[+]300; it must be less than or equal to 10000"),
    ],
)
def test_wrong_settings(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(content)
    with pytest.raises(CertaintyError, match=message) as caught:
        load_settings(FinetuningSettings, path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_wrong_option_is_not_blamed_on_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("epochs: 2\n")
    assert main(arguments(tmp_path / "out", "--config", config, "--seed", -1)) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: seed is -1; it must be greater than or equal")


def test_settings_round_trip(tmp_path: Path) -> None:
    settings = FinetuningSettings(epochs=2, class_weights="balanced")
    save_settings(settings, tmp_path / "s.yaml")
    assert load_settings(FinetuningSettings, tmp_path / "s.yaml") == settings


def test_the_command_reports_errors_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path / "out", train=tmp_path / "none.jsonl")) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'none.jsonl'}: no such file")


@pytest.mark.parametrize(("option", "kind"), [("--initial", "model"), ("--encoder", "encoder")])
def test_a_start_that_does_not_exist_is_told_before_the_libraries_are_loaded(
    option: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--train", DATA / "tiny.jsonl", "--dev", DATA / "tiny_dev.jsonl", "--output", tmp_path / "out"]
    assert main(["train", *map(str, given), option, str(tmp_path / "none")]) == 2
    told = capsys.readouterr().err
    assert told.endswith(
        f"error: {tmp_path / 'none'}: no such folder. Give the folder of the {kind}, or `owner/name` on the hub.\n"
    )
    assert "Loading" not in told


def test_settings_may_be_a_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[FinetuningSettings] = []
    monkeypatch.setattr(
        "certainty.finetuning.pipeline.train_and_write", lambda data, output, settings, resume: found.append(settings)
    )
    data = DATA / "tiny.jsonl", DATA / "tiny_dev.jsonl", tmp_path / "out"
    finetune(*data, {"epochs": 1})
    assert found == [FinetuningSettings(epochs=1)] and found[0].model_fields_set == {"epochs"}
    with pytest.raises(CertaintyError, match=r"^unknown setting 'epoch'\. Did you mean 'epochs'"):
        finetune(*data, {"epoch": 1})
    with pytest.raises(CertaintyError, match=r"^settings is 'a\.yaml'; give FinetuningSettings, or a mapping such as"):
        finetune(*data, "a.yaml")  # type: ignore[arg-type]


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

    def read_data(*args: object) -> object:
        data = finetuning_data.read_data(*args)
        given.extend((data.train, data.dev, data.test))
        raise CertaintyError("enough")

    monkeypatch.setattr("certainty.finetuning.run.read_data", read_data)
    monkeypatch.setattr("certainty.finetuning.data.check_counts", lambda *_: None)
    rows: list[dict[str, object]] = [
        {"id": name, "text": f"Phrase {name}.", "label": "denied"} for name in ("a", "b", "c")
    ]
    other: dict[str, object] = {"id": "e", "text": "Phrase e.", "label": "asserted"}
    reason = {"old": "denied", "reason": "a hedge beats a negation"}
    arguments = ["train", "--train", _written(tmp_path / "train.jsonl", *rows[:2])]
    arguments += ["--dev", _written(tmp_path / "dev.jsonl", rows[2])]
    arguments += ["--test", _written(tmp_path / "test.jsonl", *rows, other), "--output", str(tmp_path / "out")]
    first = _written(tmp_path / "first.jsonl", {"id": "b", "new": "no_claim", **reason})
    second = _written(tmp_path / "second.jsonl", {"id": "c", "new": "Rumeur", **reason})
    with caplog.at_level(logging.INFO):
        assert main([*arguments, "--corrections", first, second, "--map", "rumeur=probable"]) == 2
    assert "Corrected the labels of 2 sentences." in caplog.text
    train, dev, test = given
    assert [s.label for s in train] == [Label.DENIED, None]
    assert [s.label for s in dev] == [Label.PROBABLE]
    assert [s.label for s in test] == [Label.DENIED] * 3 + [Label.ASSERTED]

    unknown = _written(tmp_path / "unknown.jsonl", {"id": "d", "new": "probable", **reason})
    assert main([*arguments, "--corrections", unknown]) == 2
    assert f"{unknown}, line 1: no row has the id 'd'" in capsys.readouterr().err
    arguments[4] = _written(tmp_path / "clash.jsonl", {**rows[2], "id": "a"})
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
    assert choose_calibration(logits[:100] * 3, gold[:100]) != NONE
    assert choose_calibration(logits[:99] * 3, gold[:99]) == NONE, "too few to tell"


def test_training_goes_on_from_a_model_and_its_log_shows_life(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("certainty.finetuning.progress.SECONDS", 0.0)
    config = _quick(tmp_path, "learning_rate: 1.0e-12\n")
    output = tmp_path / "more"
    assert main(arguments(output, "--config", config, "--initial", tiny_model)) == 0
    made, earlier = (certainty.load(folder).settings.training for folder in (output, tiny_model))
    assert (made["initial"], made["encoder"]) == (tiny_model.name, earlier["encoder"])
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_model, output))
    for tensor in ("roberta.encoder.layer.0.output.dense.weight", "certainty_heads.cue.weight"):
        np.testing.assert_allclose(after[tensor], before[tensor], atol=1e-6)
    captured = capsys.readouterr()
    assert re.search(r"^Step 2 of \d+, [\d.]+ steps per second, \d+ s left\.$", captured.err, flags=re.MULTILINE)
    assert re.search(r"^Step \d+ of \d+: on dev, negative log-likelihood", captured.err, flags=re.MULTILINE)
    assert not re.search("UNEXPECTED|LOAD REPORT|it/s|Warning|transformers", captured.err + captured.out)
    assert captured.out.startswith("── dev ──\n32 sentences")
    assert captured.out.endswith(f"certainty.load({str(output)!r}).\n")


def test_it_starts_from_the_shipped_model_wherever_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start = find_start(FinetuningSettings())
    assert (start.name, start.heads) == ("certainty-fr-small", HEADS)
    assert start.origin == {"encoder": "runs/six/encoder", "initial": "certainty-fr-small"}
    assert start.license == "apache-2.0"
    assert find_start(FinetuningSettings(initial="certainty-fr-small")) == start
    encoder = find_start(FinetuningSettings(encoder="certainty-fr-small"))
    assert (encoder.name, encoder.folder, encoder.model) == (start.name, start.folder, None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("models/none", "models/none: no such folder"),
        ("./none/none", "no such folder"),
        ("camembert", "no such folder. Give the folder of the encoder, or `owner/name` on the hub"),
        ("owner/none", "owner/none: no such folder, not in the download cache, and HF_HUB_OFFLINE is set"),
        ("file", "file: is a file; give the folder"),
    ],
)
def test_the_hub_is_not_asked_for_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(CertaintyError) as caught:
        find_start(FinetuningSettings(encoder=name))
    assert message in str(caught.value)


def _plain(rows: list[LabelledSentence]) -> list[dict[str, str]]:
    return [{"text": s.text, "label": s.label.value} for s in rows if s.label]


def test_heads_without_data_are_kept_or_left_out(tiny_model: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    train, dev = (_plain(read_labelled(DATA / name)) for name in ("tiny.jsonl", "tiny_dev.jsonl"))
    quick = FinetuningSettings(epochs=1, evaluations_per_epoch=1, batch_size=16, bf16=False, learning_rate=0.003)
    finetune(train, pd.DataFrame(dev), tmp_path / "kept", quick.replace(initial=str(tiny_model)))
    before, after = (ModelSettings.load(folder) for folder in (tiny_model, tmp_path / "kept"))
    assert list(after.heads) == list(before.heads) == list(HEADS) and after.training and after.training["heads"] == []
    for name in (f"{head}_threshold" for head in HEADS):
        assert getattr(before, name) == getattr(after, name)
    weights = [load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "kept")]
    same = {name for name in weights[0] if np.array_equal(weights[0][name], weights[1][name])}
    assert {name for name in weights[0] if name.startswith("certainty_heads.")} <= same
    assert "classifier.out_proj.weight" not in same
    assert "kept from `tiny`" in (tmp_path / "kept" / "README.md").read_text(encoding="utf-8")

    finetune(datasets.Dataset.from_list(train), dev, tmp_path / "bare", quick.replace(encoder=str(tiny_encoder)))
    classifier = certainty.load(tmp_path / "bare")
    assert list(classifier.settings.heads) == []
    scores = classifier.score_sentences([row["text"] for row in dev] + ["Qui paiera ?"])
    assert {(s.is_claim, s.attributed, s.cues, s.second, s.source) for s in scores} == {(None, None, (), None, None)}
    assert not any(s.label is certainty.Label.NO_CLAIM for s in scores) and classifier.model.heads == ()
    figures = json.loads((tmp_path / "bare" / "evaluation.json").read_text())["dev"]["metrics"]
    assert [figures[name]["value"] for name in ("attributed_f1", "no_claim_f1", "cue_f1", "source_f1")] == [None] * 4
    cards = [(folder / "README.md").read_text(encoding="utf-8") for folder in (tiny_model, tmp_path / "bare")]
    found = (
        "It also finds the words that decide the label, attribution to a source, sentences that make no claim, second "
    )
    found += "claims and the words that name the source.\n"
    assert [found in card for card in cards] == [True, False]
    assert "It also finds" not in cards[1]
    assert "attribution, cues, second claims, the words that name the source, so it does not find them" in cards[1]


def test_a_head_with_a_handful_of_examples_is_not_trained(
    tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def few(name: str, kept: int) -> str:
        rows = [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
        claims = [row for row in rows if row.get("claim", True)]
        return _written(tmp_path / name, *claims, *[row for row in rows if row not in claims][:kept])

    data = ["--train", few("tiny.jsonl", 3), "--dev", few("tiny_dev.jsonl", 1)]
    more = ["--encoder", str(tiny_encoder), "--config", str(_quick(tmp_path, "learning_rate: 1.0e-12\n"))]
    assert main(["train", *data, *more, "--output", str(tmp_path / "few")]) == 0
    captured = capsys.readouterr()
    assert "train has too few sentences without a claim (3) to train the claim head" in captured.err
    assert "train has 70 claims, too few to train from an encoder" in captured.err
    assert re.search(r"on dev, the model is no better than the baseline '\w+': its macro-F1 is 0\.\d+", captured.err)
    assert "\nDone, but the model is poor; see the warnings. certainty score" in captured.out
    assert "claim" not in ModelSettings.load(tmp_path / "few").heads

    assert (
        main(["train", "--train", str(DATA / "tiny.jsonl"), *data[2:], *more, "--output", str(tmp_path / "one")]) == 0
    )
    made, told = ModelSettings.load(tmp_path / "one"), capsys.readouterr().err
    assert "claim" in made.heads and made.claim_threshold == 0.5
    assert "dev has too few sentences without a claim (1) to choose claim_threshold, which stays at 0.5" in told


def test_a_model_that_finds_no_claims_is_reported() -> None:
    claims = [True] * 9 + [False]
    told = missed_claims(np.array([False] * 9 + [True]), claims)
    assert told and "labels 90% of the sentences of dev no_claim, but only 10% of them make no claim" in told
    assert missed_claims(np.array([False] * 2 + [True] * 8), claims) is None


def test_the_progress_bar_goes_when_training_is_interrupted(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bars: list[Progress] = []

    class Recorded(Progress):
        def start(self) -> None:
            bars.append(self)
            super().start()

    def interrupted(*_: object, **__: object) -> None:
        assert bars[0].live.is_started
        raise KeyboardInterrupt

    monkeypatch.setattr("certainty.finetuning.progress.Progress", Recorded)
    monkeypatch.setattr("certainty.finetuning.progress.TrainingProgress.on_step_end", interrupted)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(arguments(tmp_path / "x", "--initial", tiny_model, "--config", _quick(tmp_path))) == 130
    assert [bar.live.is_started for bar in bars] == [False]


def test_rows_are_checked(tmp_path: Path) -> None:
    dev = read_labelled(DATA / "tiny_dev.jsonl")
    with pytest.raises(CertaintyError, match="row 1: label: unknown label 'maybe'"):
        finetune([{"text": "Un.", "label": "asserted"}, {"text": "Deux.", "label": "maybe"}], dev, tmp_path / "x")
    with pytest.raises(CertaintyError, match="row 0: expected a mapping"):
        finetune([1], dev, tmp_path / "x")  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []


def test_what_is_calibrated_stands_in_the_file(tiny_model: Path) -> None:
    """The ONNX file, the torch model that is read back and the pipeline of transformers say the same."""
    texts = [sentence.text for sentence in read_labelled(DATA / "tiny_dev.jsonl")]
    exact, read_back = (certainty.load(tiny_model, engine=engine).predict_proba(texts) for engine in ("onnx", "torch"))
    np.testing.assert_allclose(exact, read_back, atol=1e-5)
    dev = json.loads((tiny_model / "evaluation.json").read_text())["dev"]
    gold = [LABELS.index(s.label) for s in read_labelled(DATA / "tiny_dev.jsonl") if s.label]
    labelled = [i for i, s in enumerate(read_labelled(DATA / "tiny_dev.jsonl")) if s.label]
    accuracy = float(np.mean(read_back[labelled].argmax(axis=1) == gold))
    assert dev["metrics"]["accuracy"]["value"] == pytest.approx(accuracy)


def test_the_card_opens_its_own_model(tiny_model: Path) -> None:
    card = ModelCard.load(tiny_model / "README.md")
    (snippet,) = re.findall(r"```python\n(.*?)```", card.text, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(snippet.replace("certainty.load", "document = certainty.load"), names)
    assert len(names["document"]) == 2  # type: ignore[arg-type]
    data = card.data
    assert (data.language, data.library_name, data.pipeline_tag) == ("fr", "certainty", "text-classification")
    assert data.license is None, "that of the encoder is not known"
    assert (data.base_model, data.datasets) == ("someone/encoder", ["tiny.jsonl", "tiny_dev.jsonl"])
    assert "`someone/encoder` (Doe 2020, arXiv:2001.00001; licence MIT): all weights." in card.text
    macro_f1 = json.loads((tiny_model / "evaluation.json").read_text())["dev"]["metrics"]["macro_f1"]["value"]
    assert (data.eval_results[0].dataset_name, data.eval_results[0].metric_value) == ("dev", round(macro_f1, 4))


@pytest.mark.parametrize(("sentences", "as_good"), [(499, False), (500, True)])
def test_integers_need_five_hundred_sentences_to_be_the_default(sentences: int, as_good: bool) -> None:
    logits = np.random.default_rng(0).normal(size=(sentences, 4))
    assert int8_comparison(logits, logits, logits.argmax(axis=1))["as_good"] == as_good


def test_integers_that_change_labels_or_calibration_are_not_the_default() -> None:
    logits = np.random.default_rng(0).normal(size=(1000, 4))
    gold = logits.argmax(axis=1)
    assert int8_comparison(logits, logits * 1.001, gold)["as_good"]
    surer = int8_comparison(logits, logits * 1.3, gold)
    assert surer["agreement"] == 1 and surer["macro_f1_difference"] == 0 and not surer["as_good"]
    changed = logits.copy()
    changed[:6] = np.roll(changed[:6], 1, axis=1)
    assert int8_comparison(logits, changed, gold)["agreement"] == 0.994
    assert not int8_comparison(logits, changed, gold)["as_good"]


def test_integers_are_compared_by_what_a_user_gets() -> None:
    model = certainty.load(threads=1)
    exact = model.score_sentences(["Il serait parti.", "Il est parti."] * 300)
    logits, gold = np.zeros((600, 4)), np.zeros(600, dtype=int)
    same = int8_comparison(logits, logits, gold, (exact, exact))
    assert same["as_good"] and same["answers"] == dict.fromkeys(("attributed", "cues", "second", "source"), 1)
    no_claims = model.with_thresholds(claim=1).score_sentences(["Il est parti."] * 4)
    changed = int8_comparison(logits, logits, gold, (exact, [*no_claims, *exact[4:]]))
    assert changed["agreement"] == 0.9933 and not changed["as_good"]
    assert changed["answers"]["cues"] == 0.9967, "two of the four had one"


def test_few_right_claims_do_not_make_certainties() -> None:
    logits = np.eye(4)[np.arange(120) % 4] * 3.0
    assert choose_calibration(logits, logits.argmax(axis=1)) == NONE
    assert fit_calibration(logits, logits.argmax(axis=1)).temperature > 0.3


def test_without_the_extra_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'torch': raise ModuleNotFoundError('No module named torch')\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from certainty.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments(tmp_path / "x")], capture_output=True, text=True)
    assert done.returncode == 2
    told = done.stderr.splitlines()
    assert told[-2].startswith("Loading") and told[-1].startswith("error: fine-tuning needs torch (")
    assert done.stderr.endswith("): pip install 'certainty-fr[train]'.\n")


def test_a_foreign_origin_is_told_before_the_first_step(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    (folder / "origin.json").write_text('{"sources": [{"name": "x"}]}')
    settings = FinetuningSettings(encoder=str(folder), epochs=1)
    with pytest.raises(CertaintyError, match=r"origin\.json: not the record of what an encoder is built on"):
        finetune(DATA / "tiny.jsonl", DATA / "tiny_dev.jsonl", tmp_path / "model", settings)
    assert not (tmp_path / "model").exists()
