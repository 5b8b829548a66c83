"""Score the documents of an archive, one unit of work after the other, into parts."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import chain, groupby
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from certainty.api import load
from certainty.archive import manifest
from certainty.archive.columns import KeptColumns
from certainty.archive.documents import ArchiveText, read_documents
from certainty.archive.doubts import Doubts
from certainty.archive.inputs import InputFile, find_inputs
from certainty.archive.parts import (
    ERRORS,
    SENTENCES,
    Cursor,
    PartRecord,
    PartWriter,
    all_records,
    committed_parts,
    discard_unfinished,
)
from certainty.archive.progress import ArchiveProgress
from certainty.archive.rows import error_row, error_schema, own_columns, sentence_rows, sentence_schema
from certainty.archive.settings import ArchiveSettings
from certainty.archive.sizes import size_of
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.messages import argument
from certainty.results import Document

if TYPE_CHECKING:
    from certainty.archive.on_ray import RayPool

logger = logging.getLogger(__name__)

ShowArchiveProgress: TypeAlias = bool | Callable[[int, float | None], object]
"""Whether progress is shown; or a function that is given the sentences scored and the share of the work done."""

_READ_AHEAD = 1024  # documents at most: those without a text or with an error have no characters that limit them
_COLUMNS_AHEAD = 32_000_000  # bytes of the columns of documents that are read ahead
_COPIES = {
    "s3": "and when it is done, copy it: aws s3 cp --recursive {folder} {url}",
    "gs": "and when it is done, copy it: gcloud storage cp --recursive {folder} {url}",
}
"""How a finished archive comes to where it cannot be written, by the protocol of the URL."""
_UNIT_BYTES = 4_000_000  # small files are read together up to this size, for large batches and few parts


@dataclass(frozen=True)
class ArchiveResult:
    """What an archive has, all runs together.

    Attributes:
        folder: The archive.
        documents: Documents with a text.
        sentences: Scored sentences.
        errors: Documents and inputs that could not be read.
        empty: Rows of tables without a text.
        parts: Number of parts.
    """

    folder: Path
    documents: int
    sentences: int
    errors: int
    empty: int
    parts: int


class Unit(NamedTuple):
    """A unit of work: files that follow each other.

    Attributes:
        number: Its number, from 0.
        files: The indices of its files.
    """

    number: int
    files: range


def score_archive(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    classifier: CertaintyClassifier | None = None,
    settings: ArchiveSettings | None = None,
    resume: bool = False,
    strict: bool = False,
    ray: RayPool | None = None,
    show_progress: ShowArchiveProgress = False,
) -> ArchiveResult:
    """Score all documents of files, folders, patterns and URLs into a folder of parts, in constant memory.

    The folder has one row for each sentence in `sentences/`, one for each document or input that could not be read in
    `errors/`, and `manifest.json`. A run that ended early, for whatever reason, is continued with `resume`, which does
    not try again what is in `errors/`.

    Args:
        inputs: Paths, URLs that fsspec knows, folders or patterns. Files that end in .gz, .xz, .bz2 or .zst are
            decompressed.
        output: The local folder to write, which must not exist yet, or be empty.
        classifier: The model; None opens the one that ships with the package.
        settings: What the archive is to contain.
        resume: Continue the archive in `output`, if it exists.
        strict: Stop at the first document or input that cannot be read.
        ray: Score on the workers of a Ray cluster, which all see the inputs and the output under the same paths; None
            scores in this process.
        show_progress: True shows the sentences scored, the rate and the time left, as `CertaintyClassifier.score` does.
            A function is called instead, with the sentences of this run and the share of the work that is done.

    Raises:
        CertaintyError: If none of the inputs can be found, or the output cannot be used; the archive was scored with
            another model, other settings or inputs; or a document or an input cannot be read and `strict` is true.
        MissingExtraError: If a library of the extra `archive` is not installed.
        OSError: If reading fails for a reason that another attempt may not meet, such as a broken connection.
    """
    needs("fsspec", "filelock", "pyarrow", extra="archive", user="an archive")
    if "://" in os.fspath(output):
        raise CertaintyError(_not_local(os.fspath(output)))
    settings, classifier, folder = settings or ArchiveSettings(), classifier or load(), Path(output)
    given = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    known = folder / manifest.MANIFEST
    failed: dict[str, str] = {}
    if resume and known.is_file():
        manifest.read(folder)  # tells that the folder is no archive, before its inputs seem to be missing
        failed = manifest.failed_inputs(folder)
    files = find_inputs([os.fspath(name) for name in given], leave_out=folder, strict=strict, failed=failed)
    found = None if known.is_file() else KeptColumns.of(files, settings, own_columns(settings))
    with manifest.claimed(folder, resume):
        run = manifest.identity(classifier, settings)
        if found is None or known.is_file():  # another run may have begun it meanwhile
            before = manifest.read(folder)
            manifest.check_same(folder, before, run, files)
            kept = manifest.columns_of(before)
        else:
            kept = found
            manifest.start(folder, run, files, kept)
        manifest.make_tables(folder)
        doubts = Doubts()
        work = ArchiveWork(folder, files, settings, kept, strict, doubts)
        if ray is None:
            work.run(classifier, show_progress)
        else:
            ray.run(work, classifier, show_progress)
        doubts.log()
        result = _result(folder)
        manifest.finish(folder, {name: value for name, value in asdict(result).items() if name != "folder"})
    return result


@dataclass(frozen=True)
class ArchiveWork:
    """The work on an archive, and what it needs."""

    folder: Path
    files: Sequence[InputFile]
    settings: ArchiveSettings
    kept: KeptColumns
    strict: bool
    doubts: Doubts

    def run(self, classifier: CertaintyClassifier, show_progress: ShowArchiveProgress) -> None:
        """Score what is not done yet."""
        left = self.left()
        with self.progress(left, show_progress) as progress:
            for unit in left:
                self.score_unit(unit, classifier, progress)

    def left(self) -> list[Unit]:
        """Return the units that are not done, after deleting what a killed run has left of their parts."""
        units = list(units_of(self.files))
        done = {unit.number: committed_parts(self.folder, unit.number) for unit in units}
        discard_unfinished(self.folder, chain.from_iterable(done.values()))
        return [unit for unit in units if not _is_done(done[unit.number])]

    def progress(self, units: Sequence[Unit], show_progress: ShowArchiveProgress) -> ArchiveProgress:
        """Return the progress through units that are not done."""
        starts = {unit.number: _end(committed_parts(self.folder, unit.number), unit) for unit in units}
        return ArchiveProgress(self.files, units, starts, show_progress)

    def score_unit(self, unit: Unit, classifier: CertaintyClassifier, progress: ArchiveProgress) -> int:
        """Score what is left of a unit, and return the number of its sentences.

        Args:
            unit: The unit.
            classifier: The model.
            progress: Told of what is read and scored.
        """
        done = committed_parts(self.folder, unit.number)
        if _is_done(done):
            return 0  # by a worker that was lost before it could say so
        position, number, sentences = _end(done, unit), len(done), 0
        scored = self._scored(self._read(unit, position), classifier, progress)
        schemas = {SENTENCES: sentence_schema(self.kept, self.settings), ERRORS: error_schema()}
        ahead: Iterator[tuple[Document, tuple[Cursor, ArchiveText]] | None] = chain(scored, [None])
        with closing(scored):
            current = next(ahead)
            while True:
                start, documents, empty = position, 0, 0
                with PartWriter(self.folder, unit.number, number, self.settings.format, schemas) as part:
                    while current is not None:
                        document, (position, text) = current
                        progress.done_to(position.file, text.position)
                        current = next(ahead)
                        if text.error is not None:
                            part.add(ERRORS, [error_row(text)])
                        elif text.text:
                            part.add(SENTENCES, sentence_rows(document, text, self.kept, self.settings))
                            documents += 1
                        else:
                            empty += 1
                        if part.rows[SENTENCES] >= self.settings.part_sentences:
                            break
                    sentences += part.commit(start, position, current is None, documents, empty).sentences
                if current is None:
                    return sentences
                number += 1

    def _scored(
        self, read: Iterator[tuple[Cursor, ArchiveText]], classifier: CertaintyClassifier, progress: ArchiveProgress
    ) -> Generator[tuple[Document, tuple[Cursor, ArchiveText]], None, None]:
        """Yield the documents with their scores; those that are read ahead of one have few columns, or are few."""
        size = 0

        def share(given: tuple[Cursor, ArchiveText]) -> int:
            nonlocal size
            size += size_of(given[1].columns)
            return size // _COLUMNS_AHEAD

        for _, together in groupby(read, share):
            texts = ((text.text, (cursor, text)) for cursor, text in together)
            yield from classifier.stream(
                texts, as_tuples=True, batch_size=_READ_AHEAD, show_progress=progress.counting()
            )

    def _read(self, unit: Unit, start: Cursor) -> Iterator[tuple[Cursor, ArchiveText]]:
        """Yield the documents of a unit from a position on, each with the position after it."""
        for index in unit.files:
            if index < start.file:
                continue
            skip = start.documents if index == start.file else 0
            for text in read_documents(self.files[index], self.settings.reading, self.doubts, skip):
                if text.error is not None and self.strict:
                    raise CertaintyError(f"{text.error} (--strict stops here; --resume without it goes on.)")
                yield Cursor(index, text.number), text


def _not_local(url: str) -> str:
    protocol, _, path = url.partition("://")
    folder = PurePosixPath(path).name or "scored"
    copy = _COPIES.get(protocol, "and copy it from there.").format(folder=shlex.quote(folder), url=shlex.quote(url))
    return f"{url}: is a URL, and parts are only written to a local folder; give {argument('output', folder)}, {copy}"


def units_of(files: Sequence[InputFile]) -> Iterator[Unit]:
    """Divide the files into units of work: each large file, and runs of small ones."""
    start = size = 0
    for index, file in enumerate(files):
        own = file.size or 0
        if index > start and size + own > _UNIT_BYTES:
            yield Unit(start, range(start, index))
            start, size = index, 0
        size += own
    yield Unit(start, range(start, len(files)))


def _is_done(parts: Sequence[PartRecord]) -> bool:
    return bool(parts) and parts[-1].is_last


def _end(done: Sequence[PartRecord], unit: Unit) -> Cursor:
    return done[-1].end if done else Cursor(unit.files.start)


def _result(folder: Path) -> ArchiveResult:
    totals = dict.fromkeys(("documents", "sentences", "errors", "empty"), 0)
    parts = 0
    for record in all_records(folder):
        parts += 1
        for name in totals:
            totals[name] += getattr(record, name)
    return ArchiveResult(folder, parts=parts, **totals)
