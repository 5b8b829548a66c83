"""Scoring on a Ray cluster of two nodes on this machine: the rows of one process, whoever is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import certainty
from certainty import CertaintyClassifier, CertaintyError

pytest.importorskip("ray", reason="ray is not installed: pip install '.[ray]'")
pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("cluster")]

from archiving import jsonl, many, rows_of  # noqa: E402

from certainty.archive import ArchiveSettings, RayPool, on_ray, score_archive, summarise  # noqa: E402
from certainty.archive import scoring as archive_scoring  # noqa: E402
from certainty.model_folder import default_model  # noqa: E402
from certainty.ray import score_dataset  # noqa: E402

SETTINGS = ArchiveSettings(part_sentences=12)


@pytest.fixture(scope="module")
def classifier() -> CertaintyClassifier:
    return certainty.load(threads=1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    import ray
    from ray import cloudpickle
    from ray.cluster_utils import Cluster

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # a worker cannot import this file
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    nodes.add_node(num_cpus=2, num_gpus=1)  # which Ray only counts
    ray.init(address=nodes.address, log_to_driver=False)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four files, each of which is a unit of work, in a working directory that is not that of the workers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(archive_scoring, "_UNIT_BYTES", 1)
    names = [f"{name}.jsonl" for name in "abcd"]
    doubtful = [{"text": "<td></td>" * 99}, {"text": "La mairie d\ufffdment."}]
    for name in names:
        Path(name).write_bytes(jsonl([*many(12), "no object", *doubtful]))
    return names


class Watched(CertaintyClassifier):
    """Calls a function with the number of each document that a stream yields, and with its threads; on workers, too."""

    def __init__(self, folder: Path, engine: Any, threads: int | None, device: str | None, watch: Any = None) -> None:
        super().__init__(folder, engine, threads, device)
        self.watch = watch

    def __reduce__(self) -> tuple[Any, ...]:
        _, arguments, state = super().__reduce__()
        return Watched, arguments, state | {"watch": self.watch}

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        for n, scored in enumerate(super().stream(*args, **kwargs)):
            self.watch(n, self._engine.workers)
            yield scored


def watched(watch: Any) -> Watched:
    return Watched(default_model(), "auto", None, None, watch)


def same_rows(one: Path | str, other: Path | str) -> bool:
    return all(rows_of(Path(one), table) == rows_of(Path(other), table) for table in ("sentences", "errors"))


def test_a_dataset_gives_the_rows_of_a_data_frame(cluster: Any, classifier: CertaintyClassifier) -> None:
    import ray

    documents = [*many(5), {"id": "empty", "text": None}]
    given = [row | {"start": i} for i, row in enumerate(documents)]
    scored = score_dataset(ray.data.from_items(given), classifier=classifier, workers=2, batch_size=2)
    rows = sorted(scored.take_all(), key=lambda row: (row["input_start"], row["sentence"]))
    assert [(row["id"], row["sentence"]) for row in rows] == [(f"d{i}", n) for i in range(5) for n in (1, 2, 3)]
    expected = [s for document in classifier.score([row["text"] for row in many(5)]) for s in document]
    assert [(row["label"], row["text"], row["asserted"]) for row in rows] == [
        (s.label.value, s.text, s.probabilities[certainty.Label.ASSERTED]) for s in expected
    ]


def test_a_dataset_without_the_column_is_an_error_that_names_it(cluster: Any) -> None:
    import ray

    scored = score_dataset(ray.data.from_items([{"body": "Il part.", "id": "a"}]))
    with pytest.raises(ray.exceptions.RayTaskError, match="the dataset has no column 'text', only 'body', 'id'; give"):
        scored.take_all()


def test_an_archive_is_the_same_although_a_worker_is_killed(
    cluster: Any, classifier: CertaintyClassifier, inputs: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    inputs = [*inputs, "missing.jsonl"]  # a row of the errors
    whole = score_archive(inputs, "whole", classifier=classifier, settings=SETTINGS)
    killed, threads = Path("killed").absolute(), Path("threads").absolute()

    def kill_once(n: int, engine_threads: int) -> None:
        threads.write_text(str(engine_threads))
        if n == 7 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    shares: list[float | None] = []
    result = score_archive(
        inputs,
        "scored",
        classifier=watched(kill_once),
        settings=SETTINGS,
        ray=RayPool(cpus=2),
        show_progress=lambda _, share: shares.append(share),
    )
    assert killed.exists()
    assert threads.read_text() == "2"
    assert (result.sentences, result.errors, result.parts) == (whole.sentences, whole.errors, whole.parts)
    assert same_rows("scored", "whole")
    assert len([line for line in caplog.messages if line.startswith("4 texts have bytes that could not be")]) == 2
    assert shares[-1] == 1
    assert summarise("scored").tables[0].rows == summarise("whole").tables[0].rows


def test_a_killed_driver_is_resumed(cluster: Any, classifier: CertaintyClassifier, tmp_path: Path) -> None:
    names = [f"{name}.jsonl" for name in "abcdef"]
    for name in names:  # white space makes each a unit of work of its own
        (tmp_path / name).write_bytes(jsonl([*many(30), "no object"]) + b" " * archive_scoring._UNIT_BYTES)
    command = [sys.executable, "-m", "certainty", "archive", *names, "--output", "scored", "--part-sentences", "12"]
    command += ["--quiet", "--ray", cluster.address, "--workers", "2"]
    driver = subprocess.Popen(command, cwd=tmp_path)
    while not list((tmp_path / "scored" / "parts").glob("*.json")):
        with pytest.raises(subprocess.TimeoutExpired):
            driver.wait(0.05)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    assert "finished" not in (tmp_path / "scored" / "manifest.json").read_text()

    subprocess.run([*command, "--resume"], cwd=tmp_path, check=True)
    assert "finished" in (tmp_path / "scored" / "manifest.json").read_text()
    score_archive(
        [str(tmp_path / name) for name in names], tmp_path / "whole", classifier=classifier, settings=SETTINGS
    )
    rows, expected = rows_of(tmp_path / "scored"), rows_of(tmp_path / "whole")
    assert [row | {"file": None} for row in rows] == [row | {"file": None} for row in expected]
    assert len(rows) == 6 * 30 * 3
    assert len(rows_of(tmp_path / "scored", "errors")) == 6


def test_what_stops_a_worker_is_one_error(cluster: Any, inputs: list[str], tmp_path: Path) -> None:
    with pytest.raises(CertaintyError, match=r"^a\.jsonl, line 13: .* --resume without it goes on\.\)$"):
        score_archive(inputs[:1], "strict", strict=True, ray=RayPool(cpus=0.5, gpus=0.5))
    shutil.copytree(default_model(), "model")
    moved = certainty.load("model", engine="onnx")
    assert moved.model.digest and moved.files  # known before the folder moves, as if only other machines lacked it
    Path("model").rename("elsewhere")
    with pytest.raises(CertaintyError, match=f"^on the worker .*: {tmp_path / 'model'}"):
        score_archive(inputs[:1], "moved", classifier=moved, ray=RayPool())


class Missing:
    """What a worker without certainty-fr would meet."""

    def __reduce__(self) -> tuple[Any, ...]:
        return __import__, ("no_such_module",)


def test_a_worker_that_cannot_start_is_an_error(cluster: Any, inputs: list[str]) -> None:
    with pytest.raises(CertaintyError, match=r"^a worker cannot start; install .* No module named 'no_such_module'"):
        score_archive(inputs[:1], "scored", classifier=watched(Missing()), ray=RayPool())


def test_a_worker_that_is_lost_in_the_same_file_again_and_again_is_an_error(
    cluster: Any, inputs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel and Ray do with one that needs too much memory."""
    monkeypatch.setattr(on_ray, "_RETRIES", 1)
    lost = watched(lambda n, _: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(
        CertaintyError, match=r"scored: a worker was lost 2 times in the same files, perhaps for lack of"
    ):
        score_archive(inputs[:1], "scored", classifier=lost, ray=RayPool())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"workers": 0}, "0 workers"), ({"cpus": -1}, "-1 CPUs"), ({"gpus": float("nan")}, "nan GPUs")],
)
def test_wrong_numbers_of_a_pool_are_told(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        RayPool(**wrong)


def test_the_address_of_a_ray_client_is_refused() -> None:
    with pytest.raises(CertaintyError, match=r"^ray://head:10001: .* a machine of the cluster"):
        RayPool("ray://head:10001")


@pytest.mark.parametrize("address", ["127.0.0.1:9", "wrong://head"])
def test_an_address_without_a_cluster_is_an_error(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Il part.")
    command = [sys.executable, "-m", "certainty", "archive", "a.txt", "--output", "scored", "--ray", address]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {address}: cannot be used as a Ray cluster")
