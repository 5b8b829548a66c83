"""Vocabularies of every kind cut to what a text uses; the encoder answers as before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from certainty import CertaintyError
from training.pretraining.trim_vocabulary import main, trim_vocabulary

FRENCH = ["Le ministre viendra peut-être demain.", "Il n'a pas vu le texte de la loi.", "Je crois que la loi passera."]
OTHER = ["The minister shall perhaps come tomorrow.", "Der Minister hat das Gesetz nicht gelesen.", "жили были"]
SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 66,
}
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def written(folder: Path, kind: str, bare: bool = False) -> Path:
    """Write a tiny encoder with random weights and a tokenizer of that kind, made of four languages."""
    torch.manual_seed(0)
    if kind == "WordPiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.NFC(), pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=BERT)
    elif kind == "BPE":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=ROBERTA, initial_alphabet=alphabet)
    else:
        tokenizer = Tokenizer(models.Unigram() if kind == "Unigram" else models.WordLevel(unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        if kind == "Unigram":
            trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=ROBERTA, unk_token="<unk>")
        else:
            trainer = trainers.WordLevelTrainer(special_tokens=ROBERTA)
    tokenizer.train_from_iterator([*FRENCH, *OTHER] * 20, trainer)
    names = BERT if kind == "WordPiece" else ROBERTA
    first, last = ("[CLS]", "[SEP]") if kind == "WordPiece" else ("<s>", "</s>")
    ends = {name: tokenizer.token_to_id(name) for name in (first, last)}
    if kind == "BPE":
        tokenizer.post_processor = processors.RobertaProcessing((last, ends[last]), (first, ends[first]))
    else:
        single, pair = f"{first} $A {last}", f"{first} $A {last} $B {last}"
        tokenizer.post_processor = processors.TemplateProcessing(
            single=single, pair=pair, special_tokens=list(ends.items())
        )
    roles = ["bos_token", "pad_token", "eos_token", "unk_token", "mask_token"]
    if kind == "WordPiece":
        roles = ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"]
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=64, **dict(zip(roles, names, strict=True))
    ).save_pretrained(folder)
    size = tokenizer.get_vocab_size()
    if kind == "WordPiece":
        model = BertForMaskedLM(BertConfig(vocab_size=size, pad_token_id=0, **SHAPE))
        model.cls.predictions.bias.data.normal_()
    elif bare:
        model = RobertaModel(RobertaConfig(vocab_size=size, **SHAPE))
    else:
        config, make = (
            (RobertaConfig, RobertaForMaskedLM) if kind == "BPE" else (XLMRobertaConfig, XLMRobertaForMaskedLM)
        )
        model = make(config(vocab_size=size, **SHAPE))
        model.lm_head.bias.data.normal_()
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("kind", "size"), [("Unigram", 70), ("WordPiece", 120), ("BPE", 340)])
def test_french_reads_as_before(tmp_path: Path, kind: str, size: int) -> None:
    whole = written(tmp_path / "whole", kind)
    share = trim_vocabulary(str(whole), FRENCH, size, tmp_path / "cut")
    before, after = (AutoTokenizer.from_pretrained(tmp_path / name) for name in ("whole", "cut"))
    models_ = [AutoModelForMaskedLM.from_pretrained(tmp_path / name).eval() for name in ("whole", "cut")]
    assert share == 1
    assert len(after) == models_[1].config.vocab_size <= size < len(before)
    assert after.mask_token == before.mask_token
    assert after.pad_token_id == models_[1].config.pad_token_id
    for text in FRENCH:
        old, new = before(text, return_tensors="pt"), after(text, return_tensors="pt")
        tokens = after.convert_ids_to_tokens(new["input_ids"][0])
        assert tokens == before.convert_ids_to_tokens(old["input_ids"][0])
        assert after.decode(new["input_ids"][0]) == before.decode(old["input_ids"][0])
        with torch.no_grad():
            logits = [model(**inputs).logits[0] for model, inputs in zip(models_, (old, new), strict=True)]
        kept = before.convert_tokens_to_ids(after.convert_ids_to_tokens(list(range(len(after)))))
        torch.testing.assert_close(logits[1], logits[0][:, kept])


def test_an_encoder_without_a_head(tmp_path: Path) -> None:
    trim_vocabulary(str(written(tmp_path / "whole", "Unigram", bare=True)), FRENCH, 70, tmp_path / "cut")
    size = len(AutoTokenizer.from_pretrained(tmp_path / "cut"))
    assert size <= 70
    assert AutoModel.from_pretrained(tmp_path / "cut").get_input_embeddings().num_embeddings == size


def test_merges_of_a_bpe_are_whole(tmp_path: Path) -> None:
    trim_vocabulary(str(written(tmp_path / "whole", "BPE")), FRENCH, 310, tmp_path / "cut")
    model = json.loads((tmp_path / "cut" / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    assert model["merges"]
    assert all({*merge, "".join(merge)} <= model["vocab"].keys() for merge in model["merges"])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(FRENCH), encoding="utf-8")
    whole, cut = str(written(tmp_path / "whole", "Unigram")), str(tmp_path / "cut")
    assert main(["--encoder", whole, "--text", str(text), "--vocab-size", "70", "--output", cut]) == 0
    assert "of the pieces of the text are kept" in capsys.readouterr().out
    assert main(["--encoder", whole, "--text", str(text), "--vocab-size", "9", "--output", cut]) == 2
    assert "ask for more pieces" in capsys.readouterr().err


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CertaintyError, match=r"of type WordLevel; only Unigram, WordPiece and BPE"):
        trim_vocabulary(str(written(tmp_path / "whole", "WordLevel")), FRENCH, 30, tmp_path / "cut")
    with pytest.raises(CertaintyError, match="cannot load"):
        trim_vocabulary(str(tmp_path / "none"), FRENCH, 30, tmp_path / "cut")
