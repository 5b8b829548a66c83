"""Fine-tuning on data in which labels are missing or texts are odd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import DATA
from test_finetune import arguments

import certainty
from certainty import CertaintyError
from certainty.cli import main
from certainty.finetuning import FinetuningSettings, finetune
from certainty.finetuning.data import read_data


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def test_a_run_ends_whichever_labels_dev_and_test_lack(tiny_model: Path, tmp_path: Path) -> None:
    train = [*_rows("tiny.jsonl"), {"text": "\ud800 Il viendrait.", "label": "probable"}]
    dev = [row for row in _rows("tiny_dev.jsonl") if row["label"] in ("denied", "asserted")]
    questions = [
        {"text": f"Qui vient {day} ?", "label": "no_claim", "corpus": "questions"} for day in ("lundi", "jeudi")
    ]
    settings = FinetuningSettings(initial=str(tiny_model), epochs=1, evaluations_per_epoch=1, batch_size=16, bf16=False)
    evaluation = finetune(train, dev, tmp_path / "mine", settings, test=[*dev, *questions])
    assert list(evaluation) == ["dev", "test"]
    card = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert "| probable | – | – | – | 0 |" in card and "| questions | 0 | – | – |" in card
    assert certainty.load(tmp_path / "mine").predict(["Il pleut."])
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_test_set_with_one_label_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "test.csv"
    test.write_text("text,label\nIl ne vient pas.,denied\n", encoding="utf-8")
    assert main(arguments(tmp_path / "mine", "--test", test)) == 2
    assert f"error: {test}: every label is denied; at least two" in (printed := capsys.readouterr().err)
    assert "Training:" not in printed
    assert list(tmp_path.iterdir()) == [test]


def test_held_out_groups_with_one_label_are_neither_trained_on_nor_evaluated(caplog: pytest.LogCaptureFixture) -> None:
    train = [*_rows("tiny.jsonl"), {"text": "Il ne vient pas.", "label": "denied", "quad": 5}]
    data = read_data(train, _rows("tiny_dev.jsonl"))
    assert data.contrast == [] and all(sentence.group != 5 for sentence in data.train)
    assert "1 sentences of groups whose `quad` is a multiple of 5 are held out" in caplog.text


@pytest.mark.parametrize(("name", "told"), [("none", "no such file"), (".", "is a directory")])
def test_pseudo_labels_that_are_no_file_are_told(tmp_path: Path, name: str, told: str) -> None:
    settings = FinetuningSettings(pseudo_labels=str(tmp_path / name))
    with pytest.raises(CertaintyError, match=f"{told}; give the file of pseudo-labels"):
        finetune(_rows("tiny.jsonl"), _rows("tiny_dev.jsonl"), tmp_path / "mine", settings)
