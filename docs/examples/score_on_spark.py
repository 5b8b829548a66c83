"""Score a table of documents with Spark, into one row per sentence.

spark-submit docs/examples/score_on_spark.py DOCUMENTS.parquet SENTENCES.parquet
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession

import certainty

SCHEMA = (
    "id string, sentence int, start int, end int, text string, label string, probability double, "
    "asserted double, probable double, personal_opinion double, denied double, claim_probability double, "
    "certainty double, is_claim boolean, attributed boolean, cues array<string>"
)
COLUMNS = [field.split()[0] for field in SCHEMA.split(", ")]


@cache
def classifier(engine: str) -> certainty.CertaintyClassifier:
    """Open the model, once in each worker process, with as many threads as a task has CPUs."""
    task = TaskContext.get()
    threads = task.cpus() if task else 1
    os.environ.setdefault("RAYON_NUM_THREADS", str(threads))  # the tokenizer would take all cores
    return certainty.load(engine=engine, threads=threads)


def score_batches(batches: Iterator[pd.DataFrame], engine: str) -> Iterator[pd.DataFrame]:
    """Yield the sentences of documents with the columns `id` and `text`; what has no text has none."""
    for documents in batches:
        documents = documents.dropna(subset="text")
        scored = zip(documents["id"], classifier(engine).score(documents["text"]), strict=True)
        rows = [row(key, n, sentence) for key, document in scored for n, sentence in enumerate(document, 1)]
        yield pd.DataFrame(rows, columns=COLUMNS)


def row(key: str, number: int, sentence: certainty.SentenceScore) -> dict[str, Any]:
    """Return the row of a sentence, whose number in its document begins at 1."""
    values = sentence.to_dict()
    cues = [cue["text"] for cue in values["cues"]]
    return {"id": key, "sentence": number, **values, **values["probabilities"], "cues": cues}


def scored(documents: DataFrame) -> DataFrame:
    """Return the sentences of documents with the columns `id` and `text`."""
    engine = certainty.load().engine  # chosen here for all workers, whose processors may differ
    return documents.select("id", "text").mapInPandas(lambda batches: score_batches(batches, engine), SCHEMA)


if __name__ == "__main__":
    spark = SparkSession.builder.appName("certainty").getOrCreate()
    # Workers that import this file keep the model from task to task; functions of __main__ are sent with every task.
    spark.sparkContext.addPyFile(__file__)
    import score_on_spark

    source, target = sys.argv[1:]
    score_on_spark.scored(spark.read.parquet(source)).write.parquet(target)
