"""Model folders from strangers: no file outside, no code, no memory that the weights do not need."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import certainty
from certainty import CertaintyError
from certainty.engines.external_data import check_external_data


def _message(number: int, content: bytes) -> bytes:
    """Return a field of a protobuf message that holds bytes."""
    size, rest = len(content), b""
    while size > 127:
        rest += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + rest + bytes([size]) + content


def _tensor(location: str) -> bytes:
    entry = _message(1, b"location") + _message(2, location.encode())
    return _message(8, b"w") + bytes([14 << 3, 1]) + _message(13, entry)  # data_location is a number


def _graph(tensor: bytes, place: str) -> bytes:
    if place == "initializer":
        return _message(5, tensor)
    if place == "constant":
        return _message(1, _message(5, _message(5, tensor)))
    return _message(1, _message(5, _message(6, _message(5, tensor))))  # the graph of a branch


@pytest.mark.parametrize("place", ["initializer", "constant", "branch"])
@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "a/../../secret.bin", "link.bin"])
def test_weights_outside_the_folder_are_refused(tmp_path: Path, place: str, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "model.onnx").write_bytes(_message(7, _graph(_tensor(location), place)))
    with pytest.raises(CertaintyError, match=r"model\.onnx: takes its weights from .* outside its folder"):
        check_external_data(folder / "model.onnx")
    (folder / "model.onnx").write_bytes(_message(7, _graph(_tensor("model.safetensors"), place)))
    check_external_data(folder / "model.onnx")


def test_the_links_of_the_hub_are_accepted(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "1"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / "a").write_bytes(_message(7, _graph(_tensor("model.safetensors"), "initializer")))
    (blobs / "b").write_bytes(bytes(16))
    (snapshot / "model.onnx").symlink_to(Path("../../blobs/a"))
    (snapshot / "model.safetensors").symlink_to(Path("../../blobs/b"))
    check_external_data(snapshot / "model.onnx")


@pytest.mark.parametrize("data", [b"\x3a\xff", b"\x3b", b"\x3a" + b"\xff" * 30, b"\x3a\x05abc"])
def test_a_damaged_graph_is_one_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(CertaintyError, match="damaged"):
        check_external_data(tmp_path / "model.onnx")


def test_a_model_folder_is_checked_when_it_is_opened(tmp_path: Path) -> None:
    from certainty.model_folder import default_model

    folder = tmp_path / "model"
    shutil.copytree(default_model(), folder)
    weights = folder / "model.safetensors"
    weights.rename(tmp_path / "model.safetensors")
    weights.symlink_to(tmp_path / "model.safetensors")
    with pytest.raises(CertaintyError, match="outside its folder"):
        certainty.load(folder, engine="onnx")


def test_code_in_a_folder_is_not_run(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    ran = tmp_path / "ran"
    (folder / "code.py").write_text(f"open({os.fspath(ran)!r}, 'w').close()\nclass Config: pass\nclass Model: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CertaintyError, match="cannot load the model's weights"):
        certainty.load(folder, engine="torch")
    assert not ran.exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hidden_size": 1 << 20, "intermediate_size": 1 << 20}, "by config.json"),
        ({"vocab_size": 1 << 40}, "by config.json"),
        ({"num_hidden_layers": 1 << 40}, "layers in config.json"),
    ],
)
def test_sizes_that_the_weights_do_not_have(
    tiny_model: Path, tmp_path: Path, changes: dict[str, int], told: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    with pytest.raises(CertaintyError, match=told):
        certainty.load(folder, engine="torch")


def test_pickled_weights_are_not_read(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CertaintyError, match=r"model\.safetensors"):
        certainty.load(folder, engine="torch")
