"""Pretraining on a tiny text: masking, packing, exact resume, and an encoder that fine-tuning can open."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import DATA
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, CamembertForMaskedLM

from certainty import CertaintyError
from certainty.labelled import read_labelled
from certainty.settings_file import load_settings
from training.data.text import text_files
from training.pretraining.deduplication import Deduplicator
from training.pretraining.masking import MASK, WholeWordMasker
from training.pretraining.packing import TokenRows
from training.pretraining.pretrain import pretrain
from training.pretraining.settings import PretrainingSettings


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    sentences = [s.text for s in read_labelled(DATA / "tiny.jsonl")]
    paragraphs = [f"{a} {b}" for a in sentences for b in sentences[:12] if a != b]
    half = len(paragraphs) // 2
    (folder / "a.txt").write_text("\n".join(paragraphs[:half]), encoding="utf-8")
    with lzma.open(folder / "b.txt.xz", "wt", encoding="utf-8") as file:
        file.write("\n".join(paragraphs[half:]))
    return folder


@pytest.fixture(scope="module")
def settings(text: Path) -> PretrainingSettings:
    return PretrainingSettings(
        text=[str(text)],
        vocab_size=400,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        curriculum=[[0.5, 16], [1.0, 32]],
        batch_tokens=256,
        total_tokens=256 * 12,
        warmup_steps=2,
        compile=False,
        threads=1,
    )


def test_a_killed_run_resumes_to_the_same_loss(settings: PretrainingSettings, tmp_path: Path) -> None:
    unbroken = pretrain(settings.replace(output=str(tmp_path / "unbroken")))
    broken = settings.replace(output=str(tmp_path / "broken"))
    assert pretrain(broken, stop_after=5)[-1]["step"] == 5
    resumed = pretrain(broken)
    assert resumed[-1]["step"] == unbroken[-1]["step"] == 12
    assert resumed[-1]["tokens"] == 12 * 256
    assert resumed[-1]["held_out_loss"] == pytest.approx(unbroken[-1]["held_out_loss"], abs=2e-4)
    assert unbroken[-1]["held_out_loss"] < np.log(400)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "broken" / "encoder")
    assert model.config.num_hidden_layers == 2
    weights = [
        load_file(tmp_path / run / "checkpoints" / "checkpoint-12" / "model.safetensors")
        for run in ("unbroken", "broken")
    ]
    for name, value in weights[0].items():
        np.testing.assert_allclose(value, weights[1][name], atol=1e-5, err_msg=name)
    with pytest.raises(CertaintyError, match="has a run with num_hidden_layers 2, not 1"):
        pretrain(broken.replace(num_hidden_layers=1))


def test_a_run_goes_on_from_an_encoder(settings: PretrainingSettings, tiny_encoder: Path, tmp_path: Path) -> None:
    further = settings.replace(initial=str(tiny_encoder), output=str(tmp_path), total_tokens=256)
    pretrain(further)
    given, trained = (Tokenizer.from_file(str(f / "tokenizer.json")) for f in (tiny_encoder, tmp_path / "encoder"))
    assert given.get_vocab() == trained.get_vocab()
    weights = [
        AutoModelForSequenceClassification.from_pretrained(f).roberta.embeddings.word_embeddings.weight.detach().numpy()
        for f in (tiny_encoder, tmp_path / "encoder")
    ]
    assert 0 < np.abs(weights[0] - weights[1]).max() < 0.01
    with pytest.raises(CertaintyError, match="cannot load the encoder"):
        pretrain(further.replace(initial=str(tmp_path / "tokens"), output=str(tmp_path / "encoder")))


def test_a_run_goes_on_from_some_layers_of_an_encoder(
    settings: PretrainingSettings, tiny_encoder: Path, tmp_path: Path
) -> None:
    further = settings.replace(initial=str(tiny_encoder), output=str(tmp_path), total_tokens=256, learning_rate=1e-9)
    pretrain(further.replace(keep_layers=[1]))
    kept = CamembertForMaskedLM.from_pretrained(tmp_path / "encoder").roberta.encoder.layer
    given = CamembertForMaskedLM.from_pretrained(tiny_encoder).roberta.encoder.layer
    assert len(kept) == 1 < len(given)
    dense = [layer.output.dense.weight.detach().numpy() for layer in (kept[0], given[1], given[0])]
    np.testing.assert_allclose(dense[0], dense[1], atol=1e-3)
    assert np.abs(dense[0] - dense[2]).max() > 0.01
    with pytest.raises(CertaintyError, match="keep_layers: the encoder has no layer 9"):
        pretrain(further.replace(keep_layers=[0, 9], output=str(tmp_path / "other")))


def test_the_head_is_trained_alone(settings: PretrainingSettings, tiny_encoder: Path, tmp_path: Path) -> None:
    alone = settings.replace(initial=str(tiny_encoder), output=str(tmp_path), total_tokens=1024, head_only=True)
    pretrain(alone, stop_after=2)
    assert pretrain(alone)[-1]["step"] == 4
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_encoder, tmp_path / "encoder"))
    changed = {name for name in before if (before[name].half() != after[name]).any()}
    assert changed == {name for name in before if name.startswith("lm_head.") and "decoder" not in name}
    with pytest.raises(CertaintyError, match="head_only cannot be used with a teacher"):
        alone.replace(teacher=str(tiny_encoder))


@pytest.mark.parametrize("fast", [True, False])
def test_bfloat16_is_used_where_it_is_fast(
    settings: PretrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    """In the losses as well, which call parts of the model."""
    types = set()

    def recorded(self: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        types.add((result := torch.nn.functional.linear(x, self.weight, self.bias)).dtype)
        return result

    monkeypatch.setattr("training.pretraining.trainer.bf16_is_fast", lambda device: fast)
    monkeypatch.setattr(torch.nn.Linear, "forward", recorded)
    pretrain(settings.replace(output=str(tmp_path), total_tokens=512))
    assert types == {torch.bfloat16 if fast else torch.float32}


def test_a_run_of_a_given_time_settles_its_tokens_and_keeps_to_them(
    settings: PretrainingSettings, tmp_path: Path
) -> None:
    timed = settings.replace(output=str(tmp_path), checkpoint_minutes=0.001)
    first = pretrain(timed, minutes=0.05, stop_after=65)  # the speed is known after 64 steps
    assert first[-1]["step"] == 65
    settled = load_settings(PretrainingSettings, tmp_path / "settings.yaml").total_tokens
    assert settled >= 65 * settings.batch_tokens and settled % settings.batch_tokens == 0
    assert pretrain(timed, minutes=60)[-1]["tokens"] == settled


def test_compute_counts_layers_and_vocabulary() -> None:
    base = PretrainingSettings(text=["x"])
    deeper, wider = base.replace(num_hidden_layers=12), base.replace(vocab_size=32_000)
    assert 1.7 < deeper.flops_per_token / base.flops_per_token < 2
    assert wider.flops_per_token - base.flops_per_token == pytest.approx(0.2 * 6 * 256 * 16_000)


def test_the_tokenizer_keeps_offsets_and_french_words(settings: PretrainingSettings, tmp_path: Path) -> None:
    pretrain(settings.replace(output=str(tmp_path)), stop_after=1)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    sentence = "L’abbé n’a   «\u00a0peut-être\u00a0» pas mangé 12,5 œufs."
    encoding = tokenizer.encode(sentence, add_special_tokens=False)
    covered = "".join(sentence[start:end] for start, end in encoding.offsets)
    assert "".join(covered.split()) == "".join(sentence.split())
    straight = tokenizer.encode(sentence.replace("’", "'"), add_special_tokens=False)
    assert straight.ids == encoding.ids
    assert tokenizer.encode("x").ids[0] == 0 and tokenizer.encode("x").ids[-1] == 2


def test_masking_hides_whole_words_and_a_fixed_share() -> None:
    opens = np.array([True] * 5 + [True, False] * 10)
    masker = WholeWordMasker(opens, np.zeros(25, dtype=bool), rate=0.25)
    rng = np.random.default_rng(0)
    ids = np.tile(np.arange(5, 25), (40, 2))
    masked, positions, labels = masker(ids, rng)
    assert len(positions) == round(0.25 * ids.size)
    assert (labels == ids.ravel()[positions]).all()
    untouched = np.setdiff1d(np.arange(ids.size), positions)
    assert (masked.ravel()[untouched] == ids.ravel()[untouched]).all()
    assert 0.7 < (masked.ravel()[positions] == MASK).mean() < 0.9
    whole = np.isin(positions[labels % 2 == 1] + 1, positions).mean()
    assert whole > 0.99


def test_rows_cover_the_text(settings: PretrainingSettings) -> None:
    source = np.arange(5, 1005, dtype=np.uint16)
    rows = TokenRows.cut([source], [2], 12)
    ids = rows[np.arange(len(rows))]
    assert (ids[:, 0] == 0).all() and (ids[:, -1] == 2).all()
    assert (np.diff(ids[:, 1:-1], axis=1) == 1).all()
    assert set(ids[:, 1:-1].ravel()) >= set(range(5, 995))


def test_text_files_and_duplicates(text: Path, tmp_path: Path) -> None:
    assert [path.name for path in text_files([text])] == ["a.txt", "b.txt.xz"]
    with pytest.raises(CertaintyError, match="no such file"):
        text_files([tmp_path / "none"])
    with pytest.raises(CertaintyError, match=r"No \.txt"):
        text_files([tmp_path])
    assert list(Deduplicator()(["Il pleut.", "il pleut !", "Il neige."])) == ["Il pleut.", "Il neige."]


def test_near_duplicates_are_left_out_across_files() -> None:
    unseen = Deduplicator()
    words = [f"mot{i}" for i in range(60)]
    first, second, other = " ".join(words), " ".join([*words[:-1], "fin"]), " ".join(reversed(words))
    assert list(unseen([first])) == [first]
    assert list(unseen([second, other])) == [other]


def test_wrong_settings() -> None:
    with pytest.raises(CertaintyError, match="text is missing"):
        PretrainingSettings()
    with pytest.raises(CertaintyError, match="not a multiple of num_attention_heads"):
        PretrainingSettings(text=["x"], hidden_size=30)
