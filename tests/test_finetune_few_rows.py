"""Training on a few rows of one's own: automatic settings, replay, cross-validation, averages."""

from __future__ import annotations

import csv
import json
import logging
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import DATA
from few_rows import TOWNS, rows_of_documents, sentences_of_documents

import certainty
from certainty import CertaintyError
from certainty.cli import main
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning.automatic import suited, warn_if_unlikely
from certainty.finetuning.averaging import SHARES, Averages, best_average, choose_share
from certainty.finetuning.calibration import cross_calibrated
from certainty.finetuning.data import read_data
from certainty.finetuning.dev_logits import DevSentences, runner
from certainty.finetuning.fast_tokenizer import backend
from certainty.finetuning.features import IGNORED
from certainty.finetuning.precision import round_weights
from certainty.finetuning.replay import read_replay, replayed
from certainty.finetuning.setup import set_up
from certainty.finetuning.start import find_start
from certainty.labelled import read_labelled
from certainty.labels import LABELS
from certainty.messages import naming_options
from certainty.model_folder import ModelSettings
from certainty.tokenising import SentenceTokenizer

ROOT = Path(__file__).parent.parent


def test_train_dev_and_test_have_columns_of_any_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"phrase": row["text"], "classe": row["label"], "document": row["document"]} for row in rows_of_documents()]
    names = {"rumeur": "probable"}
    columns = {"text_column": "phrase", "label_column": "classe"}
    data = read_data(rows[:24], rows[24:32], rows[32:], label_names=names, **columns)  # type: ignore[arg-type]
    assert [*data.train, *data.dev, *(data.test or ())] == sentences_of_documents()
    assert data.train[0].columns == {"document": "Sète"}
    with pytest.raises(
        CertaintyError, match=r"the rows: no column 'text'\. Found: classe, document, phrase\. Give text"
    ):
        finetune(rows, None, tmp_path / "mine", label_names=names, label_column="classe")
    train = tmp_path / "train.csv"
    with train.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(row for row in rows if row["classe"] != "denied" or row["document"] in TOWNS[:2])
    given = ["train", "--train", str(train), "--map", "rumeur=probable", "--output", str(tmp_path / "mine")]
    assert main([*given, "--text-column", "phrase"]) == 2
    told = "train.csv: no column 'label'. Found: classe, document, phrase. Give --label-column, or rename the column"
    assert told in capsys.readouterr().err
    assert main([*given, "--text-column", "phrase", "--label-column", "classe"]) == 2
    assert "2 rows labelled denied" in capsys.readouterr().err


def test_settings_suit_the_number_of_rows_unless_they_are_given(
    tiny_encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = find_start(FinetuningSettings())
    with caplog.at_level(logging.INFO):
        few = suited(FinetuningSettings(epochs=9), shipped, 200)
    assert (few.epochs, few.learning_rate, few.batch_size) == (9, 1e-4, 16)
    assert "Chosen for 200 sentences: learning_rate 0.0001, batch_size 16, evaluations_per_epoch 1" in caplog.text
    assert suited(few.replace(learning_rate=1e-5), shipped, 9000).learning_rate == 1e-5
    assert suited(FinetuningSettings(), shipped, 9000) == FinetuningSettings()
    from_encoder = FinetuningSettings(encoder=str(tiny_encoder))
    assert suited(from_encoder, find_start(from_encoder), 200) == from_encoder
    warn_if_unlikely(FinetuningSettings(learning_rate=0.1, epochs=1), 200)
    assert "learning_rate is 0.1, with which training is unlikely to work" in caplog.text
    assert "Training has only 7 steps; for at least 10, give more epochs or a smaller batch_size." in caplog.text
    with naming_options():
        warn_if_unlikely(FinetuningSettings(epochs=0.1), 200)
    told = "Training has only 1 step; for at least 10, give more --epochs or a smaller --batch-size."
    assert caplog.messages[-1] == told


def test_replayed_sentences_are_ours_and_never_held_out() -> None:
    pool = read_replay()
    assert {s.label for s in pool} >= set(LABELS) and any(s.cues for s in pool) and len(pool) > 1000
    sample = replayed(20, pool[:1000], seed=1)
    assert len(sample) == 20 and not {s.text for s in sample} & {s.text for s in pool[:1000]}
    assert sample == replayed(20, pool[:1000], seed=1) and replayed(0, [], seed=1) == []


def test_the_file_of_replayed_sentences_is_made_from_the_authored_ones() -> None:
    if not (ROOT / "training" / "data" / "contrast.jsonl").is_file():
        pytest.skip("the authored sentences are not here")
    from training.data.replay import chosen

    sentences = chosen(ROOT / "training" / "data")
    assert [(s.text, s.label, s.cues) for s in sentences] == [(s.text, s.label, s.cues) for s in read_replay()]
    assert not [s for s in sentences if s.group is None or s.group % 5 == 0]


def test_cross_validation_judges_every_row_and_says_if_the_model_is_better(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, config, output = tmp_path / "mine.csv", tmp_path / "config.yaml", tmp_path / "mine"
    with train.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label", "document"])
        writer.writeheader()
        writer.writerows(rows_of_documents())
    config.write_text("epochs: 12\nlearning_rate: 0.003\nreplay: 8\nfrozen_layers: 1\nbf16: false\n", encoding="utf-8")
    arguments = ["--train", train, "--folds", 2, "--group-by", "document", "--map", "RUMEUR=probable"]
    arguments += ["--initial", tiny_model, "--config", config, "--output", output]
    assert main(["train", *map(str, arguments)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("── cross-validation ──\n40 sentences")
    assert "Fold 2 of 2." in captured.err and "Chosen for 40 sentences: batch_size 16" in captured.err
    told = re.search(
        r"On 40 claims of cross-validation \(optimistic: [^)]+\), macro-F1 is (\S+), and \S+ for tiny: .*\.$",
        captured.out,
        re.M,
    )
    evaluation = json.loads((output / "evaluation.json").read_text(encoding="utf-8"))
    assert told and list(evaluation) == ["cross-validation"]
    made = ModelSettings.load(output)
    assert made.training and made.engine == "onnx" and (made.training["folds"], made.training["replay"]) == (2, 8)
    result = made.training["against_initial"]
    assert f"{result['macro_f1']:.3f}" == told[1]
    assert result["macro_f1"] == pytest.approx(evaluation["cross-validation"]["metrics"]["macro_f1"]["value"])
    initial = certainty.load(tiny_model)
    gold = [s.label for s in sentences_of_documents()]
    predicted = initial.classes_[initial.predict_proba([row["text"] for row in rows_of_documents()]).argmax(axis=1)]
    own = np.mean(
        [
            2
            * sum(g == p == label for g, p in zip(gold, predicted, strict=True))
            / max(1, gold.count(label) + predicted.tolist().count(label))
            for label in LABELS
        ]
    )
    assert result["macro_f1_initial"] == pytest.approx(own)
    card = (output / "README.md").read_text(encoding="utf-8")
    assert told[0] in card and "cross-validated in 2 folds" in card and "| dev |" not in card
    settings = (output / "settings.yaml").read_text(encoding="utf-8")
    assert "batch_size: 16" in settings and "folds: 2" in settings
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "mine", "mine.csv"]


def test_replay_does_not_teach_a_head_that_the_rows_do_not(tiny_model: Path) -> None:
    """The heads stay as they are, but their loss on the replayed sentences guides the layers below."""
    settings = FinetuningSettings(initial=str(tiny_model), replay=8, frozen_layers=3, bf16=False)
    setup = set_up(settings, find_start(settings), sentences_of_documents(), None, None)
    assert setup.heads == () and len(setup.trainer.train_dataset) == 48
    assert setup.trainer.head_weights.cue == settings.cue_weight
    claims = [float(row["claim"]) for row in setup.trainer.train_dataset.rows]
    assert set(claims[:40]) == {IGNORED} and IGNORED not in claims[40:], "one-sided answers pull on nothing"
    moving = {name for name, p in setup.trainer.model.named_parameters() if p.requires_grad}
    assert moving and all(name.startswith("classifier.classifier.") for name in moving)
    with pytest.raises(CertaintyError, match="frozen_layers is 4, but the encoder has 3 layers"):
        set_up(settings.replace(frozen_layers=4), find_start(settings), sentences_of_documents(), None, None)


def test_evaluation_in_training_does_not_round_to_16_bits(tiny_model: Path, tmp_path: Path) -> None:
    settings = FinetuningSettings(initial=str(tiny_model), epochs=1, evaluations_per_epoch=1, bf16=True)
    dev = read_labelled(DATA / "tiny_dev.jsonl")
    setup = set_up(settings, find_start(settings), sentences_of_documents(), dev, tmp_path)
    setup.trainer.train()
    seen = setup.trainer.predict(setup.trainer.eval_dataset).predictions
    batch = setup.trainer.data_collator(setup.trainer.eval_dataset.rows)
    exact = setup.trainer.trained_model().logits(batch["input_ids"], batch["attention_mask"]).label
    np.testing.assert_allclose(seen, exact, atol=1e-5)


def test_the_result_is_an_average_with_the_initial_model(tiny_model: Path, tmp_path: Path) -> None:
    settings = FinetuningSettings(initial=str(tiny_model), initial_share=0.25, epochs=1, bf16=False)
    start = find_start(settings)
    model, initial = start.weights(settings), start.weights(settings)
    with torch.no_grad():
        for weights in model.parameters():
            weights += 1
    moved = {name: value.clone() for name, value in model.named_parameters()}
    averages = Averages(model, settings, start)
    assert averages.shares == (0.25,)
    averages.at(0.5)  # does not change what the next one starts from
    averages.at(0.25)
    kept = {name for name, value in model.named_parameters() if torch.equal(value, moved[name])}
    assert kept == {name for name in moved if name.startswith("heads.") and name.split(".")[1] not in start.heads}
    before = initial.state_dict()
    for name, value in model.named_parameters():
        if name not in kept:
            torch.testing.assert_close(value, before[name] + 0.75)
    rows = sentences_of_documents()
    finetune(rows, [replace(s, text=f"Dit-on, {s.text}") for s in rows[::3]], tmp_path / "mine", settings)
    assert "25 % those of `tiny`" in (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="initial_share is of a model to continue from"):
        FinetuningSettings(encoder="x", initial_share=0.5)


def test_held_out_sentences_choose_how_much_of_the_initial_model_is_kept(tiny_model: Path, tmp_path: Path) -> None:
    gold = np.array([0, 3, -1])
    sure, wrong = 4 * np.eye(4)[[0, 3, 0]], 4 * np.eye(4)[[1, 2, 0]]
    assert choose_share({0.0: sure / 2, 0.5: sure, 0.75: wrong}, gold) == 0.5
    assert choose_share({0.0: sure, 0.5: sure}, gold) == 0, "equally good: as it was trained"
    start = find_start(FinetuningSettings(initial=str(tiny_model)))
    model = start.weights(FinetuningSettings()).eval()
    with torch.no_grad():
        for weights in model.classifier.classifier.parameters():
            weights *= -9  # a training that has gone wrong
    averages = Averages(model, FinetuningSettings(initial=str(tiny_model)), start)
    assert averages.shares == SHARES
    tokenizer = SentenceTokenizer(backend(start.tokenizer()))
    dev = DevSentences(read_labelled(DATA / "tiny_dev.jsonl"), tokenizer, 64, 1)
    share, logits = best_average(averages, dev)
    assert share == max(SHARES)
    np.testing.assert_allclose(logits.label, dev.logits(runner(round_weights(averages.at(share)))).label)
    for settings in (FinetuningSettings(epochs=1, learning_rate=1e-5), FinetuningSettings(epochs=1, folds=2)):
        rows = sentences_of_documents()
        dev_rows = None if settings.folds else [replace(s, text=f"Dit-on, {s.text}") for s in rows[::3]]
        output = tmp_path / f"folds-{settings.folds}"
        finetune(rows, dev_rows, output, settings.replace(initial=str(tiny_model), bf16=False))
        training = json.loads((output / "certainty.json").read_text(encoding="utf-8"))["training"]
        assert training["initial_share"] in SHARES and training["initial_share_chosen"]
        assert yaml.safe_load((output / "settings.yaml").read_text(encoding="utf-8"))["initial_share"] is None


def test_each_fold_is_calibrated_by_the_others() -> None:
    logits = np.random.default_rng(0).normal(size=(400, 4)) * 6
    gold = (logits / 6 + np.random.default_rng(1).gumbel(size=logits.shape)).argmax(axis=1)
    folds = np.arange(400) % 2
    calibrated = cross_calibrated(logits, gold, folds)
    gold[folds == 0] = -1
    np.testing.assert_array_equal(cross_calibrated(logits, gold, folds)[folds == 0], calibrated[folds == 0])
    assert np.abs(calibrated).mean() < np.abs(logits).mean() / 2


def test_a_name_of_a_label_that_no_row_has_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = {"rumeur": "probable", "Rumeurs": "probable"}
    read_data(rows_of_documents(), rows_of_documents()[:3], label_names={"rumeur": "probable"})
    assert "for which a name was given" not in caplog.text
    read_data(rows_of_documents(), None, label_names=names)
    assert "No row has the label Rumeurs, for which a name was given; check the spelling." in caplog.text


def test_few_steps_are_counted_with_the_pseudo_labelled_sentences(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certainty.finetuning.automatic.pseudo_label_metadata", lambda path: {"sentences": 9000})
    warn_if_unlikely(FinetuningSettings(epochs=1, pseudo_labels="pseudo.safetensors"), 200)
    assert "steps" not in caplog.text


def test_names_of_labels_are_translated_in_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "held_out.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows_of_documents()[:8]), encoding="utf-8")
    given = ["evaluate", "--data", str(data), "--format", "json", "--quiet"]
    assert main([*given, "--map", "rumeur=Probable", "--map", "avis=personal_opinion"]) == 0
    assert json.loads(capsys.readouterr().out)["evaluations"][0]["data"]["labels"]["probable"] == 2
    assert main(given) == 2
    told = capsys.readouterr().err
    assert "line 2: label: unknown label 'rumeur'" in told and "held_out.jsonl: 1 unknown label: 'rumeur' (2)." in told
    assert "--map 'rumeur=LABEL'" in told
    assert main([*given, "--map", "rumeur=probable", "rumeur=denied"]) == 2
    assert "'rumeur' stands for probable and denied; choose one" in capsys.readouterr().err
    assert main([*given, "--map", "rumeurs=Probable"]) == 2
    assert "Of your own names, 'rumeurs' is the nearest." in capsys.readouterr().err
    for wrong, told in (("rumeur", "write NAME=LABEL"), ("a=maybe", "unknown label 'maybe'")):
        with pytest.raises(SystemExit):
            main([*given, "--map", wrong])
        assert told in capsys.readouterr().err


def test_folds_need_a_single_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(CertaintyError, match="folds cannot be used with several processes; start one, or give dev "):
        finetune(rows_of_documents(), None, tmp_path / "x", FinetuningSettings(folds=2))
    with naming_options(), pytest.raises(CertaintyError, match=r"^--folds cannot be .*, or give --dev instead"):
        finetune(rows_of_documents(), None, tmp_path / "x", FinetuningSettings(folds=2))


def test_a_cross_validation_that_was_interrupted_is_resumed(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    train, config = tmp_path / "mine.jsonl", tmp_path / "config.yaml"
    train.write_text("".join(json.dumps(row) + "\n" for row in rows_of_documents()), encoding="utf-8")
    config.write_text("epochs: 1\nreplay: 0\nbf16: false\n", encoding="utf-8")
    arguments = ["train", "--train", train, "--folds", 2, "--map", "rumeur=probable", "--initial", tmp_path / "old"]
    given = [str(argument) for argument in [*arguments, "--config", config, "--output", tmp_path / "mine"]]
    weights = shutil.copytree(tiny_model, tmp_path / "old") / "model.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr("certainty.finetuning.pipeline.out_of_fold_logits", interrupted)
        assert main(given) == 130
    assert "--resume continues from step 3" in capsys.readouterr().err
    assert main([*given, "--folds", "3", "--resume"]) == 2
    assert "folds was 2, now 3" in capsys.readouterr().err
    saved = weights.read_bytes()
    weights.write_bytes(saved[:-1] + bytes([saved[-1] ^ 1]))
    assert main([*given, "--resume"]) == 2
    assert "start has changed" in capsys.readouterr().err
    weights.write_bytes(saved)
    assert main([*given, "--resume"]) == 0
    assert "Fold 2 of 2." in capsys.readouterr().err
    made = ModelSettings.load(tmp_path / "mine").training or {}
    assert made["label_names"] == {"rumeur": "probable"} and "columns" not in made
    card = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert "The data has other names of labels: `rumeur` is `probable`.\n" in card
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "mine", "mine.jsonl", "old"]
