"""Where a name of a model leads: to a folder, to what is shipped, to the download cache, and only then to the hub."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import certainty
from certainty import CertaintyError
from certainty.model_folder import default_model, find_encoder, find_model

huggingface_hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that has all models, with an empty folder as download cache; what is asked of both is recorded."""
    asked: list[str] = []
    cached = tmp_path / "cached"
    cached.mkdir()

    def snapshot_download(name: str, local_files_only: bool = False, **_: Any) -> str:
        asked.append("cache" if local_files_only else "download")
        if not local_files_only:
            (cached / "certainty.json").touch()
        return str(cached)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: asked.append("hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)
    return asked


@pytest.mark.parametrize("find", [find_model, find_encoder])
@pytest.mark.parametrize("name", ["mine/typo", "./owner/name", "../owner/name", "~/name", "models/none", "name"])
def test_the_hub_is_not_asked_for_a_path(hub: list[str], find: Any, name: str) -> None:
    Path("mine").mkdir()
    with pytest.raises(CertaintyError, match=r"no such folder\. Give the folder of the (model|encoder), or"):
        find(name)
    assert hub == []


def test_the_cache_comes_first_if_it_is_whole(hub: list[str]) -> None:
    assert find_model("owner/name").name == "cached"
    assert hub == ["cache", "hub", "download"]
    assert find_model("owner/name").name == "cached"
    assert hub[3:] == ["cache"]


def test_offline_is_one_error_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        CertaintyError,
        match=r"^owner/name: no such folder, not in the download cache, and HF_HUB_OFFLINE is set",
    ):
        certainty.load("owner/name")


def test_nobody_waits_for_a_hub_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("certainty.hub.PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(CertaintyError, match=r"^owner/name: .*download from the hub failed \(\w*Timeout.*[^\n]$"):
            certainty.load("owner/name")
    assert time.monotonic() - start < 10


def test_a_missing_hub_client_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(CertaintyError, match=r"owner/name: .* pip install huggingface-hub\.$"):
        certainty.load("owner/name")


def test_what_is_shipped_is_found_by_name_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_model("certainty-fr-small") == find_encoder("certainty-fr-small") == default_model()
    monkeypatch.setattr("certainty.model_folder.CHECKOUT", tmp_path / "checkout" / "models")
    with pytest.raises(CertaintyError, match=r"^encoder-fr-small: is in the repository .*, not in the package"):
        find_encoder("encoder-fr-small")
    (tmp_path / "checkout" / "models" / "encoder-fr-small").mkdir(parents=True)
    assert find_encoder("encoder-fr-small") == tmp_path / "checkout" / "models" / "encoder-fr-small"
