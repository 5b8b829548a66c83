"""Forks, spawned processes, threads and pickles, in every order. What hangs is killed at a limit, and fails."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import certainty
from certainty import CertaintyClassifier, CertaintyError, api, forking
from certainty.engines import EngineName

LIMIT = 90  # seconds; a child needs one or two
SENTENCES = ["La Russie aurait livré des armes.", "Moscou dément.", "À mon avis, le maire s'est trompé."] * 20
ENGINES: tuple[EngineName, ...] = ("onnx", "onnx-int8", "torch", "torch-compile")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(params=ENGINES)
def classifier(
    request: pytest.FixtureRequest, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CertaintyClassifier]:
    """A classifier with two threads that has scored, alone and together, in this thread and in others."""
    if request.param.startswith("torch"):
        import torch

        # Machine code of the graphs would take half a minute.
        monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
        before = torch.get_num_threads()
    else:
        monkeypatch.setattr("certainty.engines.onnx.LONE_BATCHES", 0)
    opened = certainty.load(tiny_model, engine=request.param, threads=2)
    work(opened)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [opened] * 2))
    yield opened
    if request.param.startswith("torch"):
        torch.set_num_threads(before)


def work(classifier: CertaintyClassifier) -> list[str]:
    alone = classifier.predict(SENTENCES[:1]).tolist()
    return [*alone, *classifier.predict(SENTENCES).tolist()]


def in_child(task: Callable[[], Any]) -> Any:
    """Return what the task returns in a forked child, or the exception that it raises; fail if it hangs."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def run() -> None:
        try:
            theirs.send(task())
        except Exception as error:
            theirs.send(error)

    child = context.Process(target=run, daemon=True)
    child.start()
    try:
        if not ours.poll(LIMIT):
            pytest.fail(f"the child hangs after {LIMIT} s")
        return ours.recv()
    finally:
        child.kill()
        child.join()


def run_program(code: str, *arguments: object, **environment: str) -> str:
    """Run a program in a fresh interpreter and return its output; kill it with its children if it hangs."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(f"the program hangs after {LIMIT} s: {process.communicate()}")
    assert process.returncode == 0, errors
    assert "huggingface/tokenizers" not in errors  # its warning of a fork
    return output


def test_a_child_scores_as_its_parent_does(classifier: CertaintyClassifier) -> None:
    expected = work(classifier)
    assert in_child(lambda: work(classifier)) == expected
    assert work(classifier) == expected
    assert in_child(lambda: work(classifier)) == expected


def test_a_child_of_a_child(classifier: CertaintyClassifier) -> None:
    def child() -> Any:
        work(classifier)
        multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
        return in_child(lambda: work(classifier))

    assert in_child(child) == work(classifier)


def test_threads_of_a_child(classifier: CertaintyClassifier) -> None:
    def child() -> Any:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(work, [classifier] * 4))

    assert in_child(child) == [work(classifier)] * 4


def test_a_pickle_opens_itself_in_a_child(classifier: CertaintyClassifier) -> None:
    pickled = pickle.dumps(classifier)
    assert in_child(lambda: work(pickle.loads(pickled))) == work(classifier)


def test_forks_while_other_threads_score(classifier: CertaintyClassifier) -> None:
    expected = work(classifier)
    stop = threading.Event()

    def score() -> None:
        while not stop.is_set():
            work(classifier)

    with ThreadPoolExecutor(3) as pool:
        busy = [pool.submit(score) for _ in range(3)]
        try:
            assert [in_child(lambda: work(classifier)) for _ in range(4)] == [expected] * 4
        finally:
            stop.set()
        for future in busy:
            future.result()


def test_forks_right_after_threads_have_ended(classifier: CertaintyClassifier) -> None:
    expected = work(classifier)
    for _ in range(4):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, [classifier] * 4))
        assert in_child(lambda: work(classifier)) == expected


def test_torch_is_called_in_one_thread_that_does_not_end(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from certainty.engines.modeling import CertaintyModel

    names: list[str] = []
    forward, load = CertaintyModel.forward, CertaintyModel.from_pretrained

    def noted_forward(self: CertaintyModel, *tensors: Any) -> Any:
        names.append(threading.current_thread().name)
        return forward(self, *tensors)

    def noted_load(*arguments: Any) -> CertaintyModel:
        names.append(threading.current_thread().name)
        return load(*arguments)

    monkeypatch.setattr(CertaintyModel, "forward", noted_forward)
    monkeypatch.setattr(CertaintyModel, "from_pretrained", noted_load)
    opened = [certainty.load(tiny_model, engine="torch") for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, opened * 2))
    assert len(names) >= 10
    assert set(names) == {"certainty-torch_0"}


def test_a_fork_while_the_default_model_is_being_opened(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> CertaintyClassifier:
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            go_on.wait(LIMIT)
        return certainty.load(tiny_model, engine="onnx")

    monkeypatch.setattr(api, "_default", api._Default())
    monkeypatch.setattr(api, "load", slow)
    other = threading.Thread(target=certainty.score, args=("Il pleut.",))
    other.start()
    try:
        assert begun.wait(LIMIT)
        assert in_child(lambda: len(certainty.score("Il pleut. Moscou dément."))) == 2
    finally:
        go_on.set()
        other.join()


def test_a_fork_amid_a_call_that_does_not_end_is_refused(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = certainty.load(tiny_model, engine="onnx")
    monkeypatch.setattr(forking, "PATIENCE", 0.1)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with forking.native:
            inside.set()
            leave.wait(LIMIT)

    other = threading.Thread(target=stay)
    other.start()
    try:
        assert inside.wait(LIMIT)
        error = in_child(lambda: work(classifier))
    finally:
        leave.set()
        other.join()
    assert isinstance(error, CertaintyError)
    assert "method 'spawn'" in str(error)
    assert in_child(lambda: work(classifier)) == work(classifier)


def test_a_gpu_is_refused_after_a_fork(tiny_model: Path) -> None:
    import torch

    classifier = certainty.load(tiny_model, engine="torch")
    classifier._engine._device = torch.device("cuda")  # type: ignore[attr-defined]
    error = in_child(lambda: work(classifier))
    assert isinstance(error, CertaintyError)
    assert "GPU cannot be used in a forked process" in str(error)


def test_a_fork_leaves_the_environment_as_it_is(
    classifier: CertaintyClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    assert in_child(lambda: os.environ.get("TOKENIZERS_PARALLELISM")) == "false"
    assert "TOKENIZERS_PARALLELISM" not in os.environ
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    assert in_child(lambda: work(classifier)) == work(classifier)
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


def _options(classifier: CertaintyClassifier) -> tuple[Any, ...]:
    return classifier._options, classifier.settings.cue_threshold, work(classifier)


def test_a_pickle_keeps_engine_threads_device_and_thresholds(classifier: CertaintyClassifier) -> None:
    other = certainty.load(classifier._folder, engine="torch", threads=1, device="cpu").with_thresholds(cue=0.9)
    for each in (classifier, other):
        assert _options(pickle.loads(pickle.dumps(each))) == _options(each)


def test_a_spawned_process_opens_the_classifier_again(tiny_model: Path) -> None:
    classifier = certainty.load(tiny_model, engine="onnx-int8", threads=2, device="cpu").with_thresholds(cue=0.9)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply_async(_options, (classifier,)).get(timeout=LIMIT) == _options(classifier)


PREFORK = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
import certainty

classifier = certainty.load(sys.argv[1], engine=sys.argv[2], threads=2)
times = int(sys.argv[3])
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda _: [classifier.score("Il serait parti.") for _ in range(times)], range(4)))
workers = []
for _ in range(2):
    if (pid := os.fork()) == 0:
        for _ in range(times):
            classifier.score("Moscou dément.")
        classifier.score("Moscou dément. " * 40)
        sys.exit(3)  # ends the interpreter, as gunicorn does, which os._exit does not
    workers.append(pid)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers])
"""


@pytest.mark.parametrize(("engine", "times"), [("onnx", 70), ("torch", 3)])  # "onnx" opens a second session after 64
def test_workers_of_a_server_that_loads_before_it_forks(tiny_model: Path, engine: str, times: int) -> None:
    assert run_program(PREFORK, tiny_model, engine, times) == "[3, 3]\n"


POOL = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import certainty
from certainty import api

classifier = certainty.load(sys.argv[1], threads=2)
api._default._classifier = classifier
texts = ["Il serait parti.", "Moscou dément. Il pleut."] * 40
with ThreadPoolExecutor(4) as pool:
    list(pool.map(certainty.score, texts))
with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
    assert list(pool.map(certainty.score, texts)) == certainty.score(texts)
    assert list(pool.map(classifier.score, texts[:4])) == classifier.score(texts[:4])
"""


@pytest.mark.parametrize("parallelism", ["", "true"])
def test_a_pool_of_processes_after_threads(tiny_model: Path, parallelism: str) -> None:
    run_program(POOL, tiny_model, **({"TOKENIZERS_PARALLELISM": parallelism} if parallelism else {}))


DATASETS = """
import sys
from datasets import Dataset
import certainty

classifier = certainty.load(sys.argv[1], threads=2)
for _ in range(70):
    classifier.score("Il serait parti.")
data = Dataset.from_list([{"text": "Il serait parti."}, {"text": "Moscou dément."}] * 10)
rows = data.map(lambda row: {"label": str(classifier.predict([row["text"]])[0])}, num_proc=2)
assert rows["label"][:] == classifier.predict(data["text"][:]).tolist()
both = data.map(lambda rows: {"label": classifier.predict(rows["text"])}, batched=True, num_proc=2)
assert both["label"][:] == rows["label"][:]
"""


def test_datasets_map_in_several_processes(tiny_model: Path, tmp_path: Path) -> None:
    run_program(DATASETS, tiny_model, HF_HOME=str(tmp_path), HF_DATASETS_CACHE=str(tmp_path))


def test_onnxruntime_reports_nothing(tiny_model: Path) -> None:
    code = "import os, sys, certainty; certainty.load(sys.argv[1]); print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for given, kept in ({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0"):
        assert run_program(code, tiny_model, **given).strip() == kept
