"""Opening a model: what is read when, the order of errors, and what a pickle keeps."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import certainty
from certainty import CertaintyError
from certainty.engines import EngineName, open_engine

TEXT = "Le maire aurait démissionné."


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_digest_is_that_of_the_weights_that_were_opened(folder: Path) -> None:
    digest = _sha256(folder / "model.safetensors")
    classifier = certainty.load(folder, engine="onnx")
    shutil.rmtree(folder)
    assert classifier.with_thresholds(claim=0.1).score(TEXT).model == classifier.model
    assert (classifier.model.digest, classifier.engine) == (digest, "onnx")


def test_large_weights_are_read_when_their_digest_is_asked_for(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 200_000_000)
    classifier = certainty.load(folder, engine="onnx")
    (folder / "model.safetensors").write_bytes(b"others")
    assert classifier.model.digest == _sha256(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("engine", "cores", "beside"),
    [("onnx", 2, True), ("onnx-int8", 2, True), ("onnx", 1, False), ("torch", 2, False)],
)
def test_an_onnx_engine_opens_beside_the_rest_on_several_cores(
    folder: Path, monkeypatch: pytest.MonkeyPatch, engine: EngineName, cores: int, beside: bool
) -> None:
    opened_in = []

    def watched(*args: Any, **options: Any) -> Any:
        opened_in.append(threading.current_thread())
        return open_engine(*args, **options)

    monkeypatch.setattr("certainty.classifier.open_engine", watched)
    monkeypatch.setattr("certainty.classifier.available_cores", lambda: cores)
    certainty.load(folder, engine=engine, threads=1)
    assert [thread is not threading.current_thread() for thread in opened_in] == [beside]
    assert not (beside and opened_in[0].is_alive())


@pytest.mark.parametrize("cores", [1, 2])
def test_errors_come_in_one_order(folder: Path, monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr("certainty.classifier.available_cores", lambda: cores)
    monkeypatch.setattr("certainty.model_info.installed_model", lambda: folder)  # its digest is wrong, then
    good = {name: (folder / name).read_bytes() for name in ("certainty.json", "tokenizer.json", "model.onnx")}
    for name in good:
        (folder / name).write_text("damaged")
    for name, content in good.items():
        with pytest.raises(CertaintyError, match=rf"{name}: damaged"):
            certainty.load(folder, engine="onnx")
        (folder / name).write_bytes(content)
    with pytest.raises(CertaintyError, match="is not that of the model that this release ships"):
        certainty.load(folder, engine="onnx")


def test_a_pickle_opens_the_same_engine_on_another_processor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(certainty.load(folder).settings, engine="onnx-int8").save(folder)
    for fast, engine in ((True, "onnx-int8"), (False, "onnx")):
        monkeypatch.setattr("certainty.engines.multiplies_integers_fast", lambda _, fast=fast: fast)
        pickled = pickle.dumps(classifier := certainty.load(folder))
        monkeypatch.setattr("certainty.engines.multiplies_integers_fast", lambda _, fast=fast: not fast)
        opened = pickle.loads(pickled)
        assert opened.engine == classifier.engine == engine
        assert opened.score(TEXT) == classifier.score(TEXT)
