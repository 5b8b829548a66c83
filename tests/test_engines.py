"""Engines give the same answers, whatever the batch, the neighbours and the number of threads."""

from __future__ import annotations

import json
import platform
import random
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from conftest import DATA
from hypothesis import given
from hypothesis import strategies as st

import certainty
from certainty import CertaintyError, Label
from certainty.engines.modeling import CertaintyModel
from certainty.engines.onnx import LONE_BATCHES, OnnxEngine
from certainty.engines.processor import cpu_features, multiplies_integers_fast
from certainty.finetuning.export.int8_graph import weight_scales
from certainty.finetuning.export.onnx import export_int8, export_onnx
from certainty.labelled import read_labelled
from certainty.model_folder import INT8_FILE, ONNX_FILE, SETTINGS_FILE

TEXTS = [sentence.text for sentence in read_labelled(DATA / "tiny.jsonl")]
MIXED = [*TEXTS, "Oui.", " ".join(TEXTS[:6]), " ".join(TEXTS)]  # one token, near the longest input, many windows


@pytest.mark.parametrize("engine", ["onnx", "onnx-int8", "torch"])
def test_a_score_depends_on_nothing_but_its_sentence(tiny_model: Path, engine: str) -> None:
    together = certainty.load(tiny_model, engine=engine, threads=2).predict_proba(MIXED)
    one_thread = certainty.load(tiny_model, engine=engine, threads=1)
    np.testing.assert_allclose(one_thread.predict_proba(MIXED), together, atol=1e-5)
    alone = np.concatenate([one_thread.predict_proba([text]) for text in MIXED])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    order = random.Random(0).sample(range(len(MIXED)), len(MIXED))
    np.testing.assert_allclose(one_thread.predict_proba([MIXED[i] for i in order]), together[order], atol=1e-5)


def test_all_heads_agree_between_engines(tiny_model: Path) -> None:
    torch_, onnx_ = (certainty.load(tiny_model, engine=engine).score_sentences(MIXED) for engine in ("torch", "onnx"))
    for ours, theirs in zip(onnx_, torch_, strict=True):
        assert (ours.label, ours.is_claim, ours.attributed) == (theirs.label, theirs.is_claim, theirs.attributed)
        assert ours.cues == theirs.cues
        assert ours.probability == pytest.approx(theirs.probability, abs=1e-4)


def test_compiled(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The graphs are captured as for a user; making machine code of them would take half a minute.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    texts = MIXED[:4]
    compiled = certainty.load(tiny_model, engine="torch-compile").predict_proba(texts)
    np.testing.assert_allclose(compiled, certainty.load(tiny_model, engine="torch").predict_proba(texts), atol=1e-4)


@pytest.mark.parametrize("fixed_scales", [True, False])
def test_integers_come_close(tiny_model: Path, tmp_path: Path, fixed_scales: bool) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    classifier = certainty.load(folder, engine="onnx")
    first, last = classifier._tokenizer.special
    sentences = [[first, *encoding.ids[:60], last] for encoding in classifier.tokenize(MIXED)]
    export_int8(CertaintyModel.from_pretrained(folder), folder, sentences, 1, fixed_scales)
    integer = certainty.load(folder, engine="onnx-int8")
    assert 0 < np.abs(classifier.predict_proba(MIXED) - integer.predict_proba(MIXED)).max() < 0.05
    alone = np.concatenate([integer.predict_proba([text]) for text in MIXED])
    np.testing.assert_allclose(integer.predict_proba(MIXED), alone, atol=1e-5)
    operators = [node.op_type for node in onnx.load(folder / INT8_FILE, load_external_data=False).graph.node]
    products, scales = operators.count("MatMulIntegerToFloat"), operators.count("ReduceMax")
    assert scales == (products // 4 if fixed_scales else products), "of four products in a layer, one follows GELU"


def test_the_graph_reads_its_weights_from_the_one_file(tiny_model: Path) -> None:
    for name in (ONNX_FILE, INT8_FILE):
        graph = onnx.load(tiny_model / name, load_external_data=False).graph
        inside = [t for t in graph.initializer if t.data_location != onnx.TensorProto.EXTERNAL]
        assert not [t.name for t in inside if np.prod(t.dims) > max(t.dims, default=1)], "no matrix"
    assert (tiny_model / ONNX_FILE).stat().st_size < (tiny_model / "model.safetensors").stat().st_size


def test_a_cue_head_on_the_top_layer(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    assert config.pop("cue_layer") == -2
    (folder / "config.json").write_text(json.dumps(config))
    model = CertaintyModel.from_pretrained(folder)
    export_onnx(model, folder)
    export_int8(model, folder, [[0, 5, 6, 2]], pad_token_id=1)
    torch_, exact = (certainty.load(folder, engine=engine).score_sentences(MIXED) for engine in ("torch", "onnx"))
    assert [s.cues for s in torch_] == [s.cues for s in exact]
    theirs, ours = ([list(s.probabilities.values()) for s in scores] for scores in (torch_, exact))
    np.testing.assert_allclose(theirs, ours, atol=1e-4)
    assert len(certainty.load(folder, engine="onnx-int8").score_sentences(MIXED)) == len(MIXED)


def test_auto_takes_the_models_choice(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certainty.engines.multiplies_integers_fast", lambda _: True)
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    settings = json.loads((folder / SETTINGS_FILE).read_text())
    assert settings["training"]["int8"]["agreement"] > 0.5
    for engine in ("onnx", "onnx-int8"):
        (folder / SETTINGS_FILE).write_text(json.dumps({**settings, "engine": engine}))
        auto, named = (certainty.load(folder, engine=e).predict_proba(MIXED) for e in ("auto", engine))
        np.testing.assert_array_equal(auto, named)
    assert certainty.load(folder).engine == "onnx-int8"
    monkeypatch.setattr("certainty.engines.multiplies_integers_fast", lambda _: False)
    assert certainty.load(folder).engine == "onnx", "no faster here"
    assert certainty.load(folder, engine="onnx-int8").engine == "onnx-int8"
    (folder / INT8_FILE).unlink()
    monkeypatch.setattr("certainty.engines.multiplies_integers_fast", lambda _: True)
    torch_, auto = (certainty.load(folder, engine=e).predict_proba(MIXED) for e in ("torch", "auto"))
    np.testing.assert_array_equal(auto, torch_)


@given(seed=st.integers(0, 10_000), features=st.integers(2, 9), middle=st.sampled_from([0, 128]))
def test_two_products_of_integers_fit_16_bits(seed: int, features: int, middle: int) -> None:
    random_ = np.random.default_rng(seed)
    weight = (random_.normal(size=(5, features)) ** 3).astype(np.float32)
    spread = random_.uniform(1, 127, features).astype(np.float32)
    low, high = (128 - spread, 128 + spread) if middle else (0 * spread, 0 * spread + 255)
    scales = weight_scales(weight, low, high)
    quantised = np.rint(weight / scales[:, None])
    assert np.abs(quantised).max() <= 127
    ends = np.stack([quantised * np.floor(low), quantised * np.ceil(high)])
    for sums in (ends.max(axis=0), -ends.min(axis=0)):
        pairs = sums[:, : features // 2 * 2].reshape(len(sums), -1, 2).sum(axis=-1)
        assert pairs.max() <= 32767
    assert (np.abs(quantised).max(axis=1) >= 63).all(), "no coarser than is needed"


def test_numpy_tells_whether_integers_are_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    if platform.machine().lower() in ("x86_64", "amd64"):
        assert {"AVX512VNNI", "AVX2"} <= cpu_features().keys()
    # Without VNNI integers are faster too, but only such sums as fit 16 bits are right.
    for features, fast, fast_if_exact in (
        ({"AVX2": True, "AVX512F": True, "AVX512VNNI": True}, True, True),
        ({"AVX2": True, "AVX512F": True, "AVX512VNNI": False}, False, False),
        ({"AVX2": True, "AVX512F": False, "AVX512VNNI": False}, False, True),
        ({"AVX2": False, "AVX512F": False, "AVX512VNNI": False}, False, False),
    ):
        monkeypatch.setattr("certainty.engines.processor.cpu_features", lambda features=features: features)
        assert (multiplies_integers_fast(), multiplies_integers_fast(exact_sums=True)) == (fast, fast_if_exact)
    monkeypatch.setattr("certainty.engines.processor.cpu_features", dict)
    assert not multiplies_integers_fast(exact_sums=True), "not an x86 processor"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads is 0; give an integer of at least 1"),
        ({"threads": "2"}, "threads is '2'; give an integer"),
        ({"engine": "onnx", "device": "cuda"}, "engine 'onnx' runs on the CPU, not on 'cuda'; give engine='torch'"),
        ({"engine": "torch", "device": "cuda:7"}, "device 'cuda:7' not found"),
        ({"device": "cuda:7"}, "device 'cuda:7' not found"),
        ({"engine": "torch", "device": "gpu"}, "unknown device 'gpu'; give 'cpu', 'cuda', 'cuda:1' or 'mps'"),
        ({"engine": "torch", "device": "meta"}, "unknown device 'meta'"),
        ({"engine": "gpu"}, "unknown engine 'gpu'. Allowed: 'auto', 'onnx', 'onnx-int8', 'torch', 'torch-compile'"),
    ],
)
def test_wrong_options(tiny_model: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        certainty.load(tiny_model, **options)  # type: ignore[arg-type]


def test_a_session_on_all_cores_is_opened_when_it_pays(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    open_session = OnnxEngine._open
    monkeypatch.setattr(
        OnnxEngine, "_open", lambda self, threads: opened.append(threads) or open_session(self, threads)
    )
    classifier = certainty.load(tiny_model, engine="onnx", threads=2)
    first = classifier.predict_proba(TEXTS[:1])
    classifier.predict_proba(TEXTS * 10)
    assert opened == [1]
    for _ in range(LONE_BATCHES):
        np.testing.assert_allclose(classifier.predict_proba(TEXTS[:1]), first, atol=1e-5)
    assert opened == [1, 2]


WITHOUT_TRAINING = """
import sys
sys.modules |= dict.fromkeys(["accelerate", "datasets", "matplotlib", "onnx", "pandas", "scipy", "sklearn"])
import certainty
print(certainty.load(sys.argv[1], engine="torch", device="cpu").predict(["Il serait parti."])[0])
"""


def test_the_torch_engine_needs_no_training_library(tiny_model: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TRAINING, str(tiny_model)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() in list(Label), done.stderr


def test_a_missing_torch_names_its_extra(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "certainty.engines.torch", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(CertaintyError, match=r"engine 'torch' needs torch.*certainty-fr\[torch\]"):
        certainty.load(tiny_model, engine="torch")
