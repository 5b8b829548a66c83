"""Cores: the affinity, and the quotas of control groups of both versions; what a model and the server take of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from certainty.cli import main
from certainty.engines import cores, open_engine
from certainty.engines.cores import available_cores
from certainty.model_folder import default_model


@pytest.fixture(autouse=True)
def sixty_four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)


@pytest.mark.parametrize(
    ("membership", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "1000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "9900000 100000\n"}, 64),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 64),
        ("0::/\n", {}, 64),
        # The group around this one has the lower quota.
        ("0::/a/b\n", {"a/b/cpu.max": "800000 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        # Within a container, the path may be the host's.
        ("0::/docker/1f\n", {"cpu.max": "400000 100000\n"}, 4),
        ("0::/../../x\n", {"cpu.max": "400000 100000\n"}, 4),
        (
            "5:memory:/\n4:cpu,cpuacct:/docker/1f\n0::/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            3,
        ),
        ("4:cpu:/x\n", {"cpu/x/cpu.cfs_quota_us": "100000\n", "cpu/x/cpu.cfs_period_us": "50000\n"}, 2),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64),
        (None, {"cpu.max": "200000 100000\n"}, 64),
    ],
)
def test_quotas(tmp_path: Path, membership: str | None, files: dict[str, str], cores: int) -> None:
    for name, content in files.items():
        file = tmp_path / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    if membership is not None:
        (tmp_path / "membership").write_text(membership)
    assert available_cores(tmp_path / "groups", tmp_path / "membership") == cores


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> int:
    """A container with a quota of 6 of 64 cores."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(cores, "core_quota", lambda *_: 6.0)
    return 6


def test_a_model_runs_on_the_cores_of_the_quota(quota: int) -> None:
    folder = default_model()
    assert open_engine("onnx", folder).workers == quota
    assert open_engine("onnx", folder, threads=2).workers == 2


@pytest.mark.parametrize(("options", "threads"), [([], 6), (["--workers", "2"], 3), (["--workers", "9"], 1)])
def test_the_server_shares_the_cores_of_the_quota_among_its_workers(
    quota: int, monkeypatch: pytest.MonkeyPatch, options: list[str], threads: int
) -> None:
    pytest.importorskip("fastapi", reason="the extra server is not installed")
    from certainty.engines import onnx
    from certainty.server import process, workers

    opened: list[int] = []

    class Engine(onnx.OnnxEngine):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            opened.append(self.workers)

    class FirstWorker:
        """Runs what each process would run."""

        def __init__(self, target: Callable[..., None], bound: object, count: int) -> None:
            self._target, self._bound = target, bound

        def run(self, on_started: Callable[[], None]) -> bool:
            self._target(self._bound, threading.Event())
            return True

    monkeypatch.setattr(onnx, "OnnxEngine", Engine)
    monkeypatch.setattr(workers, "Workers", FirstWorker)
    monkeypatch.setattr(process.DrainingServer, "run", lambda server, sockets: None)
    assert main(["serve", "--port", "0", "--engine", "onnx", *options]) == 0
    assert opened == [threads]
