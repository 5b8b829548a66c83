"""Score a Ray dataset on a cluster: one row per sentence, with the columns of its document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from certainty.archive.columns import free_names
from certainty.archive.rows import score_fields
from certainty.classifier import CertaintyClassifier
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
    cpus: float = 1,
    gpus: float = 0,
    batch_size: int = 256,
) -> ray.data.Dataset:
    """Return a dataset with one row per sentence, which is computed as it is read.

    Args:
        dataset: Documents, such as `ray.data.read_parquet("s3://…")`.
        text_column: Column with their texts; documents whose text is None have no sentences.
        classifier: The model, which each worker opens again; None opens the one that ships with the package. Load it
            with as many threads as a worker has CPUs.
        workers: Number of workers, or the least and the most.
        cpus: CPUs of each worker, which may be a fraction.
        gpus: GPUs of each worker, which may be a fraction.
        batch_size: Number of documents that a worker scores together.

    Returns:
        The columns of the documents but the text, as `input_…` if the name is taken; the number of the sentence in its
        document, from 1, in `sentence`; and the columns of `Document.to_dataframe`.

    Raises:
        CertaintyError: While the dataset is read, if a text is not a string.
        MissingExtraError: If Ray is not installed.
    """
    needs("ray.data", extra="ray", user="score_dataset")
    return dataset.map_batches(
        _Scorer,
        fn_constructor_args=(classifier, text_column),
        batch_format="pyarrow",
        batch_size=batch_size,
        concurrency=workers,
        num_cpus=cpus,
        num_gpus=gpus,
    )


class _Scorer:
    def __init__(self, classifier: CertaintyClassifier | None, text_column: str) -> None:
        self._classifier = classifier or CertaintyClassifier.from_pretrained(threads=1)
        self._text_column = text_column

    def __call__(self, batch: pyarrow.Table) -> pyarrow.Table:
        import pyarrow as pa

        kept = free_names((name for name in batch.column_names if name != self._text_column), _ADDED)
        texts = batch.column(self._text_column).to_pylist()
        documents = self._classifier.score(["" if text is None else checked_text(text, "a text") for text in texts])
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
