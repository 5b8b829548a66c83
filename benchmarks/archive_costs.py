"""Measure what an archive costs beside the model: `python -m benchmarks.archive_costs --data news.txt.xz`.

Processor time of reading and writing a sentence, bytes of a sentence before and after, memory of a process, and what
each part and each file costs the process that directs the others. `benchmarks.billion` multiplies it. Times are those
of the processor, so that other work on the machine changes them little; disks and networks are not in them.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import lzma
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certainty
from benchmarks import record
from benchmarks.sentences import sentences_like_text
from certainty.archive import ArchiveSettings, score_archive
from certainty.archive.columns import KeptColumns
from certainty.archive.documents import read_documents
from certainty.archive.doubts import Doubts
from certainty.archive.inputs import find_inputs
from certainty.archive.parts import Cursor, PartRecord, PartWriter, all_records, committed_parts
from certainty.archive.rows import error_schema, own_columns, sentence_rows, sentence_schema
from certainty.sentences import split_sentences

_PARAGRAPHS = 12  # of an article, with two or three sentences each
_MANY = 2_000  # parts and files whose cost is measured


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive_costs", description=__doc__)
    record.add_arguments(parser)
    parser.add_argument("--data", type=Path, help="text with a paragraph a line, perhaps .xz (default: made up)")
    parser.add_argument("--articles", type=int, default=100, help="number of articles")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as pool:
        count = write_articles(Path(folder) / "articles.jsonl.gz", paragraphs(args.data), args.articles)
        result = pool.apply(measure, (Path(folder), args.model, count))
        result["ray_mib"] = ray_mib()
    print(json.dumps(result, indent=1))
    record.write(args.output, "archive_costs", result)


def paragraphs(data: Path | None) -> Iterator[str]:
    """Yield paragraphs of a file, or made up ones."""
    if data is None:
        sentences = itertools.cycle(sentences_like_text(10_000))
        while True:
            yield " ".join(itertools.islice(sentences, 3))
    with lzma.open(data, "rt", encoding="utf-8") if data.suffix == ".xz" else data.open(encoding="utf-8") as lines:
        yield from map(str.strip, lines)


def write_articles(path: Path, source: Iterator[str], count: int) -> int:
    """Write articles with what a press archive has beside the text; return the number of their sentences."""
    sentences = 0
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for number in range(count):
            text = "\n\n".join(itertools.islice(source, _PARAGRAPHS))
            sentences += len(split_sentences(text))
            columns = {"id": f"article-{number:09}", "date": f"2026-01-{number % 28 + 1:02}", "section": "politique"}
            out.write(json.dumps({**columns, "text": text}, ensure_ascii=False) + "\n")
    return sentences


def measure(folder: Path, model: str, sentences: int) -> dict[str, Any]:
    """Return the costs of an archive of one file, in a process of its own.

    Args:
        folder: The folder with the file.
        model: The model.
        sentences: Number of its sentences.
    """
    settings = ArchiveSettings()
    classifier = certainty.load(model, threads=1)
    classifier.score("Le train est parti.")
    opened_mib = record.peak_mib()
    (file,) = find_inputs([str(folder / "articles.jsonl.gz")])
    scored = score_archive(file.name, folder / "scored", classifier=classifier, settings=settings)
    peak = record.peak_mib()
    written = sum(path.stat().st_size for path in (folder / "scored" / "sentences").iterdir())
    texts = list(read_documents(file, settings.reading, Doubts()))
    read = _processor_seconds(
        lambda: [split_sentences(text.text) for text in read_documents(file, settings.reading, Doubts())]
    )
    kept = KeptColumns.of([file], settings, own_columns(settings))
    documents = classifier.score([text.text for text in texts])

    def write() -> None:
        schemas = {"sentences": sentence_schema(kept, settings), "errors": error_schema()}
        (folder / "written" / "sentences").mkdir(parents=True)
        (folder / "written" / "parts").mkdir()
        with PartWriter(folder / "written", 0, 0, "parquet", schemas) as part:
            for document, text in zip(documents, texts, strict=True):
                part.add("sentences", sentence_rows(document, text, kept, settings))
            part.commit(Cursor(0), Cursor(1), True, len(texts), 0)

    return {
        "articles": len(texts),
        "sentences": scored.sentences,
        "engine": classifier.engine,
        "characters_per_sentence": sum(len(text.text) for text in texts) / sentences,
        "input_bytes_per_sentence": (file.size or 0) / sentences,
        "parquet_bytes_per_sentence": written / scored.sentences,
        "read_seconds_per_sentence": read / sentences,
        "write_seconds_per_sentence": _processor_seconds(write) / sentences,
        "opened_mib": opened_mib,
        "peak_mib": peak,
        **_parts(folder / "records"),
        **_files(folder / "files"),
    }


def ray_mib() -> float:
    """Return the memory that Ray adds to a worker: that of a new process which imports it."""
    script = (
        "from benchmarks import record; before = record.peak_mib(); import ray.data; print(record.peak_mib() - before)"
    )
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    return float(printed)


def _parts(folder: Path) -> dict[str, float]:
    """Return what a part costs at the start of a run that resumes, and at the end of each run."""
    (folder / "parts").mkdir(parents=True)
    (folder / "sentences").mkdir()
    for unit in range(_MANY):
        name = f"part-{unit:09}-{0:06}"
        (folder / "sentences" / f"{name}.parquet").write_bytes(b"x")
        values = {"unit": unit, "number": 0, "start": {"file": unit}, "end": {"file": unit + 1}, "is_last": True}
        values |= {"sizes": {f"sentences/{name}.parquet": 1}}
        (folder / "parts" / f"{name}.json").write_text(json.dumps(values, indent=1), encoding="utf-8")

    def resume() -> list[list[PartRecord]]:
        return [committed_parts(folder, unit) for unit in range(_MANY)]

    return {
        "resume_seconds_per_part": _processor_seconds(resume) / _MANY,
        "total_seconds_per_part": _processor_seconds(lambda: list(all_records(folder))) / _MANY,
    }


def _files(folder: Path) -> dict[str, float]:
    """Return what listing a file costs, and the memory that it takes until the end of the run."""
    folder.mkdir()
    for number in range(_MANY):
        (folder / f"{number}.txt").touch()
    seconds = _processor_seconds(lambda: find_inputs([os.fspath(folder)]))
    tracemalloc.start()
    files = find_inputs([os.fspath(folder)])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"list_seconds_per_file": seconds / len(files), "listed_bytes_per_file": held / len(files)}


def _processor_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
