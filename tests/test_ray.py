"""Scoring on a Ray cluster of two nodes on this machine: the rows of one process, also if a worker is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import certainty
from certainty import CertaintyClassifier

pytest.importorskip("ray", reason="ray is not installed: pip install '.[ray]'")
pytestmark = pytest.mark.ray

from test_archive import jsonl, many, rows_of  # noqa: E402

from certainty.archive import ArchiveSettings, RayPool, score_archive, summarise  # noqa: E402
from certainty.archive import scoring as archive_scoring  # noqa: E402
from certainty.ray import score_dataset  # noqa: E402


@pytest.fixture(scope="module")
def classifier() -> CertaintyClassifier:
    return certainty.load(threads=1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    ray.init(address=nodes.address, log_to_driver=False)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


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


def test_an_archive_is_the_same_although_a_worker_is_killed(
    cluster: Any,
    classifier: CertaintyClassifier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(archive_scoring, "_UNIT_BYTES", 1)
    names = [f"{name}.jsonl" for name in "abcd"]
    for name in names:
        (tmp_path / name).write_bytes(jsonl([*many(12), "no object"]))
    inputs = [str(tmp_path / name) for name in names]
    settings = ArchiveSettings(part_sentences=12)
    whole = score_archive(inputs, tmp_path / "whole", classifier=classifier, settings=settings)

    class Deadly(CertaintyClassifier):
        """Ends its process in the middle of a unit, once."""

        def __reduce__(self) -> tuple[Any, ...]:
            return Deadly, (self._folder, *self._options)

        def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
            for n, scored in enumerate(super().stream(*args, **kwargs)):
                if n == 7 and not (tmp_path / "killed").exists():
                    (tmp_path / "killed").touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                yield scored

    deadly = Deadly(classifier._folder, threads=1)
    shares: list[float | None] = []
    result = score_archive(
        inputs,
        tmp_path / "scored",
        classifier=deadly,
        settings=settings,
        ray=RayPool(workers=2),
        show_progress=lambda _, share: shares.append(share),
    )
    assert (tmp_path / "killed").exists()
    assert (result.sentences, result.errors, result.parts) == (whole.sentences, whole.errors, whole.parts)
    for table in ("sentences", "errors"):
        assert rows_of(tmp_path / "scored", table) == rows_of(tmp_path / "whole", table)
    assert shares[-1] == 1
    assert summarise(tmp_path / "scored").tables[0].rows == summarise(tmp_path / "whole").tables[0].rows
