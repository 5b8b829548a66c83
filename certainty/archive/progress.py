"""How far the scoring of an archive has come: sentences, and the share of the bytes that this run has to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from certainty.archive.inputs import InputFile
from certainty.archive.parts import Cursor
from certainty.progress import ProgressDisplay, ShowProgress

if TYPE_CHECKING:
    from certainty.archive.scoring import ShowArchiveProgress, Unit


class ArchiveProgress:
    """Adds up what units of work read and score.

    Args:
        files: All files.
        units: The units that this run has to score.
        starts: Where each of them begins; what is before is not counted.
        show: Whether to show the progress, or who is told.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        units: Sequence[Unit],
        starts: Mapping[int, Cursor],
        show: ShowArchiveProgress,
    ) -> None:
        self._sizes = {
            index: files[index].size or 0 for unit in units for index in unit.files if index >= starts[unit.number].file
        }
        self._total = sum(self._sizes.values())
        self._before: dict[int, int] = {}  # bytes of all files before one
        done = 0
        for index, size in self._sizes.items():
            self._before[index] = done
            done += size
        self._done, self._sentences = 0, 0
        self._show = show
        self._tell: Callable[[int, float | None], object] | None = show if callable(show) else None
        self._open = ExitStack()

    def __enter__(self) -> ArchiveProgress:
        if self._show is True:
            self._tell = self._open.enter_context(ProgressDisplay()).update
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def done_to(self, file: int, position: int) -> None:
        """Note how many bytes of a file are done."""
        self._done = self._before[file] + min(position, self._sizes[file])

    def unit_done(self, files: range, sentences: int) -> None:
        """Note that another process has scored a unit."""
        self._done += sum(self._sizes.get(index, 0) for index in files)
        self._sentences += sentences
        self._tell_all()

    def counting(self) -> ShowProgress:
        """Return what a stream tells of the sentences that it has scored."""
        if self._tell is None:
            return False
        before = self._sentences

        def told(done: int, total: int | None) -> None:
            self._sentences = before + done
            self._tell_all()

        return told

    def _tell_all(self) -> None:
        if self._tell is not None:
            self._tell(self._sentences, min(1.0, self._done / self._total) if self._total else None)
