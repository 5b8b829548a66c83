"""Score a Ray dataset on a cluster: one row per sentence, with the columns of its document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from certainty.api import load
from certainty.archive.columns import free_names
from certainty.archive.rows import score_fields
from certainty.archive.worker_model import WorkerModel
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.inputs import checked_text
from certainty.views.records import COLUMNS, flat_record

if TYPE_CHECKING:
    import pyarrow
    import ray.data

_ADDED = ("sentence", *COLUMNS)


def score_dataset(
    dataset: ray.data.Dataset,
    *,
    text_column: str = "text",
    classifier: CertaintyClassifier | None = None,
    workers: int | tuple[int, int] = 1,
    cpus: float | None = None,
    gpus: float = 0,
    batch_size: int = 256,
) -> ray.data.Dataset:
    """Return a dataset with one row per sentence, which is computed as it is read.

    Args:
        dataset: Documents, such as `ray.data.read_parquet("s3://…")`.
        text_column: Column with their texts; documents whose text is None have no sentences.
        classifier: The model, which each worker opens once, with as many threads as it has CPUs; None opens the one
            that ships with the package.
        workers: Number of workers, or the least and the most.
        cpus: CPUs of each worker, which may be a fraction; None takes as many as the classifier was given threads,
            or 1.
        gpus: GPUs of each worker, which may be a fraction.
        batch_size: Number of documents that a worker scores together.

    Returns:
        The columns of the documents but the text, as `input_…` if the name is taken; the number of the sentence in its
        document, from 1, in `sentence`; and the columns of `Document.to_dataframe`.

    Raises:
        CertaintyError: If the classifier was given more threads than a worker has CPUs.
        ray.exceptions.RayTaskError: While the dataset is read, if a worker cannot open the model, the dataset has no
            such column, or a text is not a string; its message ends with the `CertaintyError` of the worker.
        MissingExtraError: If Ray is not installed.
    """
    needs("ray.data", extra="ray", user="score_dataset")
    model = WorkerModel.of(classifier or load(), cpus)
    return dataset.map_batches(
        _Scorer,
        fn_constructor_args=(model, text_column),
        batch_format="pyarrow",
        batch_size=batch_size,
        concurrency=workers,
        num_cpus=model.threads if cpus is None else cpus,
        num_gpus=gpus,
    )


class _Scorer:
    """An actor, which opens the model with its first batch: Ray tells what goes wrong then, not while it starts."""

    def __init__(self, model: WorkerModel, text_column: str) -> None:
        self._model, self._text_column = model, text_column

    @cached_property
    def _classifier(self) -> CertaintyClassifier:
        return self._model.open()

    def __call__(self, batch: pyarrow.Table) -> pyarrow.Table:
        import pyarrow as pa

        column = self._text_column
        if column not in batch.column_names:
            raise CertaintyError(
                f"the dataset has no column {column!r}, only {', '.join(map(repr, batch.column_names))}; "
                "give the one with the texts as text_column."
            )
        kept = free_names((name for name in batch.column_names if name != column), _ADDED)
        texts = batch.column(column).to_pylist()
        documents = self._classifier.score(
            ["" if text is None else checked_text(text, f"a text of the column {column!r}") for text in texts]
        )
        rows: list[dict[str, Any]] = []
        origins: list[int] = []
        for i, document in enumerate(documents):
            rows += ({"sentence": n, **flat_record(sentence)} for n, sentence in enumerate(document, 1))
            origins += [i] * len(document)
        scores = pa.Table.from_pylist(rows, schema=pa.schema(score_fields(_ADDED)))
        return _joined(batch.select(list(kept)).rename_columns(list(kept.values())), origins, scores)


def _joined(documents: pyarrow.Table, origins: Sequence[int], scores: pyarrow.Table) -> pyarrow.Table:
    """Return the scores, each beside the row of its document."""
    import pyarrow as pa

    columns = [column.take(pa.array(origins, pa.int64())) for column in documents.columns]
    return pa.table([*columns, *scores.columns], names=[*documents.column_names, *scores.column_names])
