"""Distillation: pseudo-labels of an ensemble, their file, and fine-tuning on them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import DATA
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

import certainty
from certainty import CertaintyError
from certainty.cli import main as certainty_main
from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.features import IGNORED, Collator
from certainty.finetuning.objective import HeadWeights, joint_loss
from certainty.finetuning.pseudo_labels import pseudo_label_metadata, read_pseudo_labels, tokenizer_digest
from certainty.finetuning.settings import FinetuningSettings
from training.distillation import standoff
from training.distillation.pseudo_labels import keep_hard, main
from training.distillation.teachers import sure_spans
from training.pretraining.tokenizer import for_transformers, train_tokenizer

NAMES = ("Le maire", "La ministre", "Un voisin", "Cette chercheuse", "Le patron du club")
ENDS = ("aurait vendu sa maison", "ne viendra pas demain", "a peut-être raison", "dort bien", "a signé l'accord")
SENTENCES = [f"{name} {end}." for name in NAMES for end in ENDS]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    (folder / "a.txt").write_text("\n".join(" ".join(SENTENCES[i : i + 5]) for i in range(0, 15, 5)), "utf-8")
    (folder / "b.txt").write_text("\n\n".join([*SENTENCES[10:], "", "O", "mot " * 500]), "utf-8")
    return folder


@pytest.fixture(scope="module")
def teachers(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two: the tiny model, and it with other label and claim biases."""
    other = tmp_path_factory.mktemp("teachers") / "other"
    shutil.copytree(tiny_model, other)
    model = CertaintyModel.from_pretrained(other)
    with torch.no_grad():
        model.classifier.classifier.out_proj.bias += torch.tensor([1.0, 0.0, -1.0, 0.5])
        model.heads["claim"][2].bias -= 1.0
    model.save_pretrained(other)
    return [tiny_model, other]


def _made(output: Path, teachers: list[Path], text: Path, *options: object) -> dict[str, np.ndarray]:
    arguments = ["--teacher", *teachers, "--text", text, "--output", output, "--asserted-share", 0.9, *options]
    assert main([str(argument) for argument in arguments]) == 0
    return load_file(output)


def _texts(folder: Path, made: dict[str, np.ndarray]) -> list[str]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = np.split(made["ids"], np.cumsum(made["lengths"])[:-1])
    return [tokenizer.decode(row.tolist()) for row in rows]


def test_the_file_is_deterministic_and_holds_each_sentence_once(
    teachers: list[Path], text: Path, tmp_path: Path
) -> None:
    made = _made(tmp_path / "1.safetensors", teachers, text)
    _made(tmp_path / "2.safetensors", teachers, text)
    assert (tmp_path / "1.safetensors").read_bytes() == (tmp_path / "2.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.safetensors", "2.safetensors"]
    texts = _texts(teachers[0], made)
    assert len(texts) == len(set(texts)) and set(texts) <= set(SENTENCES) and len(texts) > 20
    assert made["ids"].dtype == np.uint16 and made["labels"].shape == (len(texts), 4)
    metadata = pseudo_label_metadata(tmp_path / "1.safetensors")
    assert metadata["teachers"] == ["tiny", "other"] and metadata["sentences"] == len(texts)
    few = _made(tmp_path / "3.safetensors", teachers, text, "--per-file", 3, "--seed", 2)
    assert len(few["lengths"]) <= 6


def test_probabilities_are_the_mean_over_the_teachers(teachers: list[Path], text: Path, tmp_path: Path) -> None:
    both = _made(tmp_path / "both.safetensors", teachers, text, "--batch-tokens", 64)
    texts = _texts(teachers[0], both)
    alone = [certainty.load(folder, engine="torch").predict_proba(texts) for folder in teachers]
    assert np.abs(alone[0] - alone[1]).max() > 0.05
    np.testing.assert_allclose(both["labels"], np.mean(alone, axis=0), atol=0.02)  # bfloat16 where that is fast
    one, other = (_made(tmp_path / f"{i}.safetensors", [teacher], text) for i, teacher in enumerate(teachers))
    model, start = CertaintyModel.from_pretrained(teachers[0]), 0
    for length in one["lengths"].tolist():
        ids = torch.from_numpy(one["ids"][start : start + length].astype(np.int64))[None]
        cue = torch.from_numpy(model.logits(ids, torch.ones_like(ids)).cue)[0].sigmoid().numpy()
        np.testing.assert_allclose(one["cue"][start + 1 : start + length - 1] / 255, cue[1:-1], atol=0.02)
        assert not one["cue"][[start, start + length - 1]].any()
        start += length
    claims = [dict(zip(_texts(teachers[0], made), made["claim"], strict=True)) for made in (one, other)]
    for sentence, claim in zip(texts, both["claim"], strict=True):
        if sentence in claims[0] and sentence in claims[1]:
            assert claim == pytest.approx((claims[0][sentence] + claims[1][sentence]) / 2, abs=0.02)


def test_excluded_sentences_are_absent(teachers: list[Path], text: Path, tmp_path: Path) -> None:
    labelled = tmp_path / "dev.jsonl"
    rows = [{"text": sentence.upper().rstrip(".") + " !", "label": "asserted"} for sentence in SENTENCES[:12]]
    labelled.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    made = _made(tmp_path / "out.safetensors", teachers, text, "--exclude", labelled)
    assert set(_texts(teachers[0], made)) <= set(SENTENCES[12:])


def test_easy_sentences_make_the_asserted_share() -> None:
    labels = np.full((100, 4), 0.25, dtype=np.float16)
    labels[:60] = [0.97, 0.01, 0.01, 0.01]
    claim = np.full(100, 0.9, dtype=np.float16)
    claim[60:70] = 0.01
    kept = keep_hard(labels, claim, 0.4, seed=1)
    assert set(range(70, 100)) <= set(kept.tolist())
    assert len(kept) == 50 and (np.diff(kept) > 0).all()
    assert len(keep_hard(labels, claim, 0.0, seed=1)) == 30
    assert len(keep_hard(labels, claim, 0.99, seed=1)) == 100, "there are no more"


def test_rows_are_targets_of_the_heads(teachers: list[Path], text: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.safetensors"
    made = _made(path, teachers, text)
    made["claim"][0] = 0.25
    made["claim"][1] = 0.75
    with_metadata = {**pseudo_label_metadata(path)}
    save_file(made, path, metadata={"pseudo_labels": json.dumps(with_metadata)})
    tokenizer = Tokenizer.from_file(str(teachers[0] / "tokenizer.json"))
    unsure, sure = read_pseudo_labels(path, tokenizer)[:2]
    assert unsure["labels"].sum() == pytest.approx(0.25) and sure["labels"].sum() == pytest.approx(0.75)
    assert unsure["attributed"] == IGNORED and (unsure["cue"] == IGNORED).all()
    assert 0 <= sure["attributed"] <= 1
    assert (sure["cue"][[0, -1]] == IGNORED).all() and (sure["cue"][1:-1] >= 0).all() and sure["cue"].max() <= 1
    batch = Collator(1)([unsure, {**sure, "input_ids": sure["input_ids"].tolist()}])
    assert batch["attention_mask"].sum(dim=1).tolist() == [len(unsure["cue"]), len(sure["cue"])]
    assert batch["input_ids"].dtype == torch.int64 and batch["cue"].dtype == torch.float32
    assert batch["second"].shape == (2, 5) and (batch["second"][0] == IGNORED).all()
    assert batch["source"][0].tolist() == [IGNORED] * 2
    cues = made["cue"][made["lengths"][0] :][1 : len(sure["cue"]) - 1] / 255
    np.testing.assert_allclose(sure["cue"][1:-1], cues, atol=0.01)


def test_second_claims_and_sources_are_those_of_the_teachers_that_learned_them(
    teachers: list[Path], text: Path, tmp_path: Path
) -> None:
    """The source is the teachers' where they are sure of it, and nobody where the claim is not attributed."""
    folder = tmp_path / "sure"
    shutil.copytree(teachers[0], folder)
    model = CertaintyModel.from_pretrained(folder).with_all_heads()
    with torch.no_grad():
        for name, bias in (("second", [0.0, 0.0, 0.0, 0.0, 9.0]), ("attributed", [9.0])):
            model.heads[name][2].weight.zero_()
            model.heads[name][2].bias.copy_(torch.tensor(bias))
    model.save_pretrained(folder)
    settings = json.loads((folder / "certainty.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    path = tmp_path / "out.safetensors"
    for heads in (["claim", "attributed", "cue"], ["claim", "attributed", "cue", "second", "source"]):
        (folder / "certainty.json").write_text(json.dumps({**settings, "heads": heads}))
        made = _made(path, [folder], text)
        rows = [row for row in read_pseudo_labels(path, tokenizer) if row["claim"] >= 0.5]
        assert rows
        if "second" not in heads:
            assert np.isnan(made["second"]).all() and (made["source"] == -1).all()
            assert all((row["second"] == IGNORED).all() and (row["source"] == IGNORED).all() for row in rows)
        else:
            assert all(
                row["second"].argmax() == 4 and row["second"].sum() == pytest.approx(1, abs=0.01) for row in rows
            )
            named = np.stack([row["source"] for row in rows])
            assert ((named == IGNORED).all(axis=1) | (named >= 0).all(axis=1)).all()


def test_a_teacher_has_the_first_heads(
    teachers: list[Path], text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "labels only"
    shutil.copytree(teachers[0], folder)
    settings = json.loads((folder / "certainty.json").read_text())
    (folder / "certainty.json").write_text(json.dumps({**settings, "heads": ["cue"]}))
    arguments = ["--text", str(text), "--output", str(tmp_path / "new.safetensors"), "--teacher", str(folder)]
    assert main(arguments) == 2
    assert "it was not taught claim, attributed; a teacher needs these heads" in capsys.readouterr().err


def test_a_source_is_one_that_the_teachers_are_sure_of() -> None:
    probabilities = torch.zeros(4, 5, 2)
    for row, (first, last, sure) in enumerate([(1, 3, 0.9), (0, 0, 0.9), (3, 1, 0.9), (1, 3, 0.4)]):
        probabilities[row, first, 0] = probabilities[row, last, 1] = sure
    assert sure_spans(probabilities).tolist() == [[1, 3], [0, 0], [-1, -1], [-1, -1]]


def test_what_cannot_be_used_is_refused(
    teachers: list[Path], text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = train_tokenizer(SENTENCES * 20, 55)
    path = tmp_path / "out.safetensors"
    _made(path, teachers, text)
    with pytest.raises(CertaintyError, match=r"out\.safetensors: made with another tokenizer"):
        read_pseudo_labels(path, foreign)
    stranger = tmp_path / "stranger"
    shutil.copytree(teachers[0], stranger)
    for_transformers(foreign, max_length=64).save_pretrained(stranger)
    arguments = ["--text", str(text), "--output", str(tmp_path / "new.safetensors"), "--teacher", str(teachers[0])]
    assert main([*arguments, str(stranger)]) == 2
    assert f"{stranger}: its tokenizer differs from that of" in capsys.readouterr().err
    for option, value in (("--asserted-share", "1"), ("--sentences", "0"), ("--output", str(tmp_path / "no" / "x"))):
        assert main([*arguments, option, value]) == 2
        assert capsys.readouterr().err.startswith("error: ")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00 abc")
    assert main([*arguments, "--text", str(tmp_path / "binary.txt")]) == 2
    assert "binary.txt: cannot be read as UTF-8" in capsys.readouterr().err
    assert not (tmp_path / "new.safetensors").exists()

    tokenizer = Tokenizer.from_file(str(teachers[0] / "tokenizer.json"))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CertaintyError, match=r"out\.safetensors: not a pseudo-label file, or damaged"):
        read_pseudo_labels(path, tokenizer)
    metadata = {"pseudo_labels": json.dumps({"tokenizer": tokenizer_digest(tokenizer)})}
    save_file({"ids": np.zeros(3, np.uint16)}, path, metadata=metadata)
    with pytest.raises(CertaintyError, match="or damaged"):
        read_pseudo_labels(path, tokenizer)


def test_a_student_is_fine_tuned_on_them(teachers: list[Path], tiny_encoder: Path, text: Path, tmp_path: Path) -> None:
    made = _made(tmp_path / "out.safetensors", teachers, text)
    config = tmp_path / "config.yaml"
    config.write_text("epochs: 1\nbatch_size: 32\nevaluations_per_epoch: 1\nbf16: false\nlabelled_repeats: 2\n")
    arguments = ["--train", DATA / "tiny.jsonl", "--dev", DATA / "tiny_dev.jsonl", "--encoder", tiny_encoder]
    arguments += ["--config", config, "--pseudo-labels", tmp_path / "out.safetensors", "--output", tmp_path / "student"]
    assert certainty_main(["train", *map(str, arguments)]) == 0
    training = json.loads((tmp_path / "student" / "certainty.json").read_text())["training"]
    n = len(made["lengths"])
    assert training["pseudo_labels"]["teachers"] == ["tiny", "other"]
    assert training["pseudo_labels"]["sentences"] == n
    assert training["steps"] == -(-(2 * training["train"]["sentences"] + n) // 32)
    card = (tmp_path / "student" / "README.md").read_text()
    assert f"Distilled from 2 teachers over {n} unlabelled sentences." in card


def test_no_repeat_is_refused() -> None:
    with pytest.raises(CertaintyError, match="labelled_repeats is 0"):
        FinetuningSettings(labelled_repeats=0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_soft_claim_weighs_a_row_of_the_label_loss(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(0)
    label = torch.randn(2, 4, generator=generator)
    hard = torch.tensor([[1.0, 0, 0, 0], [0, 0.85, 0.15, 0]])
    weights = HeadWeights(cue=0, claim=0, attributed=0, second=0, source=0)

    def loss(targets: torch.Tensor) -> float:
        n = len(targets)
        ignored = torch.full((n,), IGNORED)
        batch = {"labels": targets, "claim": ignored, "attributed": ignored}
        batch |= {"second": torch.full((n, 5), IGNORED)}
        batch |= {"cue": torch.full((n, 1, 3), IGNORED), "source": torch.full((n, 2), IGNORED)}
        batch["attention_mask"] = torch.ones(n, 1)
        zeros = (torch.zeros(n), torch.zeros(n), torch.zeros(n, 1, 3), torch.zeros(n, 5), torch.zeros(n, 1, 2))
        logits = (label[:n], *zeros)
        return float(joint_loss(logits, batch, weights, label_smoothing=smoothing))

    smoothed = hard * (1 - smoothing) + smoothing / 4
    each = -(smoothed * label.log_softmax(dim=1)).sum(dim=1)
    assert loss(hard) == pytest.approx(float(each.mean()))
    assert loss(torch.stack([hard[0], torch.zeros(4)])) == pytest.approx(float(each[0])), "no claim does not count"
    soft = hard * torch.tensor([[1.0], [0.25]])
    assert loss(soft) == pytest.approx(float((each[0] + 0.25 * each[1]) / 1.25))


def test_labels_without_sentences_are_joined_with_the_text_again(
    teachers: list[Path], text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = _made(tmp_path / "1.safetensors", teachers, text)
    labels, again = str(tmp_path / "labels.safetensors.xz"), str(tmp_path / "2.safetensors")
    assert standoff.main(["split", "--pseudo-labels", str(tmp_path / "1.safetensors"), "--output", labels]) == 0
    n = len(made["lengths"])
    join = ["join", "--labels", labels, "--tokenizer", str(teachers[0]), "--output", again, "--text"]
    assert standoff.main([*join, str(text)]) == 0
    assert f"{n} of {n} sentences found" in capsys.readouterr().out
    joined = load_file(again)
    for name, step in {"ids": 0, "lengths": 0, "source": 0, "labels": 1 / 255, "claim": 1 / 255, "cue": 17}.items():
        np.testing.assert_allclose(
            joined[name].astype(float), made[name].astype(float), atol=step, rtol=0, err_msg=name
        )
    assert read_pseudo_labels(again, Tokenizer.from_file(str(teachers[0] / "tokenizer.json")))

    part = tmp_path / "part.txt"
    part.write_text(SENTENCES[0], "utf-8")
    assert standoff.main([*join, str(part)]) == 0
    assert f"1 of {n} sentences found" in capsys.readouterr().out
    part.write_text("Cette phrase est nouvelle.", "utf-8")
    assert standoff.main([*join, str(part)]) == 2
    assert "none of its sentences is in the text" in capsys.readouterr().err
