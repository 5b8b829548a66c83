"""The model of a worker on another machine: the same one, with as many threads as the worker has CPUs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import certainty
from certainty import CertaintyError
from certainty.archive.worker_model import WorkerModel
from certainty.cli import main
from certainty.model_folder import default_model

TEXT = "Il serait parti."


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAYON_NUM_THREADS", "1")  # else opening a model here would set it for the tests after these


@pytest.mark.parametrize(
    ("given", "cpus", "threads"),
    [(None, None, 1), (None, 3.5, 3), (None, 0.5, 1), (3, None, 3), (1, 4, 1), (2, 1.5, 2)],
)
def test_a_worker_has_as_many_threads_as_cpus_unless_told_otherwise(
    given: int | None, cpus: float | None, threads: int
) -> None:
    model = WorkerModel.of(certainty.load(threads=given), cpus)
    assert model.threads == threads
    assert model.open()._engine.workers == threads


def threads_of_the_tokenizer(opened: str) -> int:
    """Return how many threads are started by tokenising in a new process, with a classifier opened as given."""
    script = f"""if True:
        import os
        import time
        from certainty import load
        from certainty.archive.worker_model import WorkerModel
        from certainty.commands.engine import ModelChoice

        classifier = {opened}
        time.sleep(0.2)  # the thread that opened the engine has ended for Python a little before the system
        before = len(os.listdir("/proc/self/task"))
        classifier.tokenize([{TEXT!r}] * 99)
        print(len(os.listdir("/proc/self/task")) - before)
    """
    told = {"RAYON_NUM_THREADS", "TOKENIZERS_PARALLELISM"}  # by tests before this one, or by who runs them
    environment = {name: value for name, value in os.environ.items() if name not in told}
    printed = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True).stdout
    return int(printed)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="this system does not list the threads of a process")
def test_the_tokenizer_has_no_more_threads_than_the_worker_has_cpus() -> None:
    assert threads_of_the_tokenizer("WorkerModel.of(load(), 37).open()") == 37


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="this system does not list the threads of a process")
def test_the_tokenizer_of_a_command_has_as_many_threads_as_it_was_given() -> None:
    assert threads_of_the_tokenizer("ModelChoice(threads=37).open()") == 37


def test_more_threads_than_cpus_are_refused() -> None:
    with pytest.raises(CertaintyError, match=r"4 threads .* the 0\.5 CPUs of a worker; give it 4 CPUs"):
        WorkerModel.of(certainty.load(threads=4), 0.5)


def test_it_scores_as_the_classifier_does() -> None:
    classifier = certainty.load(engine="onnx-int8", threads=1).with_thresholds(claim=1)
    opened = WorkerModel.of(classifier, 1).open()
    assert opened.engine == "onnx-int8"
    assert opened.score(TEXT) == classifier.score(TEXT)
    assert opened.score(TEXT) != certainty.load(engine="onnx-int8", threads=1).score(TEXT)


def test_a_model_that_is_missing_or_another_is_an_error_of_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(default_model(), "mine")
    model = WorkerModel.of(certainty.load("mine", threads=1), 1)
    monkeypatch.chdir("/")
    assert model.open().score(TEXT) == certainty.score(TEXT)
    for name, file in (("tokenizer.json", "tokenizer.json"), ("weights", "model.safetensors")):
        path = tmp_path / "mine" / file
        content = path.read_bytes()
        path.write_bytes(content + b"\n" if file == "tokenizer.json" else content[:-4] + b"\0\0\0\0")
        message = rf"^on the worker .*/mine: another model than that of this run \(digests of its {name} "
        with pytest.raises(CertaintyError, match=message):
            model.open()
        path.write_bytes(content)
    shutil.rmtree(tmp_path / "mine")
    with pytest.raises(CertaintyError, match=r"^on the worker .*/mine"):
        model.open()


def test_options_of_a_cluster_need_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["archive", "a.txt", "--output", "scored", "--workers", "2", "--worker-gpus", "1"]) == 2
    assert "--workers and --worker-gpus: only for a Ray cluster; give --ray, too." in capsys.readouterr().err
