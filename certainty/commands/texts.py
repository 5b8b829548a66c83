"""The texts that a command is given: their arguments, their reading, their scores one after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from certainty.classifier import CertaintyClassifier
from certainty.commands.engine import add_engine_arguments
from certainty.commands.output import STDIN, report
from certainty.documents.finding import find_files
from certainty.documents.reader import ReadingOptions, Texts, read_texts
from certainty.errors import CertaintyError
from certainty.progress import track
from certainty.results import Document

_LONG = 200_000  # characters; some seconds on two cores


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `files`, `--model`, the options of reading and those of the engine."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="texts, web pages, PDF, DOCX, ODT, EPUB, RTF, tables with a text a row; none or - reads standard input",
    )
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the one that is shipped)")
    group = parser.add_argument_group("reading")
    group.add_argument(
        "-r", "--recursive", action="store_true", help="take folders for the files in them and in those below"
    )
    group.add_argument("--text-column", metavar="NAME", default="text", help="of tables (default: %(default)s)")
    group.add_argument(
        "--id-column", metavar="NAME", help="of tables; names the rows (default: id, else their numbers)"
    )
    group.add_argument(
        "--encoding", metavar="NAME", help="encoding of the files (default: UTF-8, UTF-16 or Windows-1252, detected)"
    )
    group.add_argument("--fix-encoding", action="store_true", help="mend accents that were decoded wrongly (« Ã© »)")
    group.add_argument("--force", action="store_true", help="score also what is mostly markup or undecodable")
    add_engine_arguments(parser)


class GivenTexts:
    """The texts of the files that a command is given; files that cannot be read are reported and collected.

    Attributes:
        names: The files; `-` is standard input.
        failed: Those that could not be read so far.
        are_many: There are several files, or one is a table; known when the first text was asked for.

    Args:
        names: As given: files, patterns and, where recursive, folders; none is standard input.
        options: How they are read.
        output: Where the results go, which no folder brings in again; None is the terminal, which shows the progress
            by itself.
        recursive: Folders are taken.

    Raises:
        CertaintyError: a pattern or a folder stands for no file.
    """

    def __init__(
        self, names: Sequence[str], options: ReadingOptions, output: str | Path | None, recursive: bool = False
    ) -> None:
        self.names = find_files(names, recursive, [Path(output)] if output else []) if names else [STDIN]
        self.failed: list[str] = []
        self.are_many = len(self.names) > 1
        self._options = options
        self._output = output

    @classmethod
    def from_args(cls, args: argparse.Namespace, output: str | Path | None) -> GivenTexts:
        """Take those of `add_text_arguments`."""
        options = ReadingOptions(args.encoding, args.text_column, args.id_column, args.force, args.fix_encoding)
        return cls(args.files, options, output, args.recursive)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield name and text of each file and of each row of a table."""
        for name in _progress(self.names, self._output):
            if texts := self._opened(name):
                yield from self._read(texts, name)

    def scored(self, classifier: CertaintyClassifier) -> Generator[tuple[str, Document], None, None]:
        """Yield name and scores of each file and of each row of a table."""
        for name in _progress(self.names, self._output):
            if not (texts := self._opened(name)):
                continue
            if texts.is_table:
                rows = ((text, key) for key, text in self._read(texts, name))
                scored = classifier.stream(rows, as_tuples=True)
                shown_elsewhere = len(self.names) > 1 or (self._output is None and sys.stdout.isatty())
                for document, key in track(scored, None, shown=not shown_elsewhere):
                    yield key, document
                continue
            for shown, text in self._read(texts, name):
                with _busy(text, alone=not self.are_many):
                    document = classifier.score(text)
                yield shown, document

    def _opened(self, name: str) -> Texts | None:
        try:
            texts = read_texts(*_given(name), self._options)
        except CertaintyError as error:
            self._report(error, name)
            return None
        self.are_many |= texts.is_table
        return texts

    def _read(self, texts: Texts, name: str) -> Iterator[tuple[str, str]]:
        """Yield the texts, those of several tables named by their files, too."""
        while True:
            try:
                key, text = next(texts.named)
            except StopIteration:
                return
            except CertaintyError as error:
                self._report(error, name)
                return
            yield (f"{name}#{key}" if texts.is_table and len(self.names) > 1 else key), text

    def _report(self, error: CertaintyError, name: str) -> None:
        report(error)
        if name not in self.failed:
            self.failed.append(name)


def read(name: str, encoding: str | None) -> str:
    """Return the text of a file, or of standard input for `-`.

    Raises:
        CertaintyError: it cannot be read, or is a table.
    """
    texts = read_texts(*_given(name), ReadingOptions(encoding))
    if texts.is_table:
        raise CertaintyError(f"{name}: is a table; give texts.")
    return next(texts.named)[1]


def _given(name: str) -> tuple[Path | bytes, str]:
    """Return a file, or what standard input holds, and its name."""
    if name != STDIN:
        return Path(name), name
    if sys.stdin.isatty():
        print("Type or paste the text; end with Ctrl-D.", file=sys.stderr)
    return sys.stdin.buffer.read(), "stdin"


@contextmanager
def _busy(text: str, alone: bool) -> Iterator[None]:
    """Show on the terminal that one long text, for which no bar can move, is being scored."""
    if not alone or len(text) < _LONG or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(f"Scoring {len(text):,} characters; this takes a while"):
        yield


def _progress(names: Sequence[str], output: str | Path | None) -> Iterator[str]:
    """Yield the names, with a progress bar on the terminal where several are scored into a file or a pipe."""
    # Where the results themselves appear on the terminal they show the progress, and a bar would tear them.
    if len(names) < 2 or not sys.stderr.isatty() or (output is None and sys.stdout.isatty()):
        yield from names
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        yield from bar.track(names, description="Scoring")
