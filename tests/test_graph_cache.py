"""The graph of integers is kept as it was prepared, changes no score, and is never in the way."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import certainty
from certainty.engines import graph_cache
from certainty.model_folder import default_model

SENTENCES = ["La Russie aurait livré des armes.", "Moscou dément.", "À mon avis, l'accord était inévitable."]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache that does not exist yet."""
    monkeypatch.setenv(graph_cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the default model, for tests that change it."""
    return Path(shutil.copytree(default_model(), tmp_path / "model"))


def probabilities(model: Path | None = None) -> np.ndarray:
    return certainty.load(model, engine="onnx-int8").predict_proba(SENTENCES)


def test_a_kept_graph_gives_the_same_scores(cache: Path) -> None:
    first = probabilities()
    (kept,) = cache.iterdir()
    written = kept.stat().st_mtime_ns, kept.read_bytes()
    assert np.array_equal(probabilities(), first)
    assert list(cache.iterdir()) == [kept]
    assert kept.read_bytes() == written[1]
    assert kept.stat().st_mtime_ns > written[0]  # used


def test_a_damaged_graph_is_made_again(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = probabilities()
    (kept,) = cache.iterdir()
    content = bytearray(kept.read_bytes())
    content[-1_000_000:-900_000] = bytes(100_000)  # in the weights
    kept.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(probabilities(), first)
    assert f"{kept}: damaged" in caplog.text
    (again,) = cache.iterdir()
    assert again.read_bytes() != content


def test_other_weights_have_another_graph(cache: Path, model: Path) -> None:
    first = probabilities(model)
    weights = model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3_000_000:-2_000_000] = bytes(1_000_000)
    weights.write_bytes(content)
    assert not np.array_equal(probabilities(model), first)
    assert len(list(cache.iterdir())) == 2


def test_only_the_graphs_used_last_are_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities()
    (kept,) = cache.iterdir()
    for age in range(1, 6):
        old = cache / f"{age}.ort"
        old.touch()
        os.utime(old, (1000 - age, 1000 - age))
    monkeypatch.setattr(graph_cache, "KEPT", 3)
    kept.unlink()
    probabilities()
    (new,) = (file.name for file in cache.iterdir() if file.stat().st_size)
    assert {file.name for file in cache.iterdir()} == {new, "1.ort", "2.ort"}


def test_an_empty_variable_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv(graph_cache.CACHE_VARIABLE, "")
    probabilities()
    assert not list(tmp_path.iterdir())


def test_by_default_it_is_in_the_cache_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv(graph_cache.CACHE_VARIABLE)
    probabilities()
    assert len(list(tmp_path.rglob("*.ort"))) == 1


def test_a_cache_that_cannot_be_written_is_done_without(cache: Path) -> None:
    expected = probabilities()
    shutil.rmtree(cache)
    cache.write_text("a file")
    assert np.array_equal(probabilities(), expected)
    assert cache.read_text() == "a file"


def test_a_damaged_model_is_told_as_without_a_cache(cache: Path, model: Path) -> None:
    (model / "model.int8.onnx").write_bytes(b"not a graph")
    with pytest.raises(certainty.CertaintyError, match=r"model\.int8\.onnx: damaged"):
        certainty.load(model, engine="onnx-int8")
    assert not list(cache.rglob("*"))


def test_floats_are_not_kept(cache: Path) -> None:
    certainty.load(engine="onnx").predict_proba(SENTENCES)
    assert not cache.exists()
