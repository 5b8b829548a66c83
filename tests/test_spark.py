"""The example that scores with Spark gives the rows of one process, and opens the model once in each worker."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import certainty

pytest.importorskip("pyspark", reason="pyspark is not installed: pip install --group spark")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java 17 or later, which is not installed", allow_module_level=True)

pytestmark = pytest.mark.xdist_group("cluster")

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "score_on_spark.py"
DOCUMENTS = [
    {"id": f"d{i}", "text": f"Le quai {i} ouvrirait en mars. La mairie dément {i} fois. Qui paiera ?"}
    for i in range(12)
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", False)
    session = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", 2).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def example(spark: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example as a module that the workers import, too."""
    monkeypatch.syspath_prepend(EXAMPLE.parent)
    spark.sparkContext.addPyFile(str(EXAMPLE))
    import score_on_spark

    return score_on_spark


def test_the_rows_are_those_of_one_process(spark: Any, example: Any) -> None:
    documents = [*DOCUMENTS, {"id": "empty", "text": None}]
    rows = example.scored(spark.createDataFrame(documents, "id string, text string").repartition(3)).collect()
    rows.sort(key=lambda row: (int(row.id[1:]), row.sentence))
    expected = [
        (document["id"], n, s) for document in DOCUMENTS for n, s in enumerate(certainty.score(document["text"]), 1)
    ]
    assert [(row.id, row.sentence) for row in rows] == [(key, n) for key, n, _ in expected]
    for row, (_, _, sentence) in zip(rows, expected, strict=True):
        values = sentence.to_dict()
        values |= values["probabilities"] | {"cues": [cue["text"] for cue in values["cues"]]}
        assert {name: row[name] for name in example.COLUMNS[2:]} == {name: values[name] for name in example.COLUMNS[2:]}


def test_each_worker_opens_the_model_once(spark: Any, example: Any) -> None:
    engine = certainty.load().engine  # that of the other tests, whose workers these are

    def openings(batches: Iterator[Any]) -> Iterator[Any]:
        import os

        import pandas as pd
        import score_on_spark

        for _ in score_on_spark.score_batches(batches, engine):
            pass
        info = score_on_spark.classifier.cache_info()
        threads = score_on_spark.classifier(engine)._engine.workers
        yield pd.DataFrame([{"process": os.getpid(), "opened": info.misses, "used": info.hits, "threads": threads}])

    documents = spark.createDataFrame(DOCUMENTS, "id string, text string").repartition(6)
    rows = documents.mapInPandas(openings, "process long, opened int, used int, threads int").collect()
    assert len(rows) == 6
    assert {row.opened for row in rows} == {1}
    assert {row.threads for row in rows} == {1}
    assert len({row.process for row in rows}) < 6
    assert max(row.used for row in rows) > 2


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(DOCUMENTS), tmp_path / "documents.parquet")
    command = [sys.executable, str(EXAMPLE), str(tmp_path / "documents.parquet"), str(tmp_path / "sentences.parquet")]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert pq.read_table(tmp_path / "sentences.parquet").num_rows == 3 * len(DOCUMENTS)
