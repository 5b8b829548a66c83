"""The texts that a command is given: its arguments for them, reading them, and scoring them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from certainty.classifier import CertaintyClassifier
from certainty.commands.engine import add_engine_arguments
from certainty.commands.output import FAILED, STDIN, report
from certainty.commands.progress import TextProgress, add_quiet_argument
from certainty.documents.finding import find_files
from certainty.documents.reader import ReadingOptions, Texts, read_texts
from certainty.errors import CertaintyError
from certainty.results import Document

_SHOWN = 5  # unreadable files listed in a message


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `files`, `--model`, `--quiet`, and the options for reading and for the engine."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="text, web page, PDF, DOCX, ODT, EPUB, RTF, or table with one text per row; "
        "without files, or with -, read standard input; with --text-column or --id-column, text is read as CSV",
    )
    add_model_arguments(parser)
    group = add_reading_arguments(parser)
    group.add_argument("-r", "--recursive", action="store_true", help="read the files in folders and their subfolders")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--model`, `--quiet`, and the options for the engine."""
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the shipped model)")
    add_quiet_argument(parser)
    add_engine_arguments(parser)


def add_reading_arguments(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Declare the options for reading, and return their group."""
    parser.set_defaults(as_table=False)
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--text-column",
        metavar="NAME",
        action=_Column,
        default="text",
        help="column of a table that holds the texts (default: %(default)s)",
    )
    group.add_argument(
        "--id-column",
        metavar="NAME",
        action=_Column,
        help="column of a table that identifies its rows (default: id, else rows are numbered)",
    )
    group.add_argument(
        "--encoding", metavar="NAME", help="encoding of the files (default: UTF-8, UTF-16 or Windows-1252, detected)"
    )
    group.add_argument("--fix-encoding", action="store_true", help="repair accents that were decoded wrongly (« Ã© »)")
    group.add_argument(
        "--force",
        action="store_true",
        help="also score texts that are mostly markup or encoded, logs, and sources of mails, subtitles and LaTeX",
    )
    return group


class _Column(argparse.Action):
    """Store the name of a column, and that the files are tables whatever their names."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        setattr(namespace, self.dest, values)
        namespace.as_table = True


class GivenTexts:
    """The texts of the files that a command is given; files that cannot be read are reported and collected.

    Attributes:
        names: The files; `-` is standard input.
        failed: The files that could not be read so far.
        are_many: Whether there are several files, or one is a table; known once the first text is read.
        progress: The progress of scoring.

    Args:
        names: Files, patterns and, if `recursive`, folders; if empty, standard input is read.
        options: How to read the files.
        output: Where the results are written, which is never read as an input from a folder; None is standard output.
        recursive: Whether to accept folders.
        quiet: Whether to show no progress.

    Raises:
        CertaintyError: If a pattern or a folder matches no file.
    """

    def __init__(
        self,
        names: Sequence[str],
        options: ReadingOptions,
        output: str | Path | None,
        recursive: bool = False,
        quiet: bool = False,
    ) -> None:
        self.names = find_files(names, recursive, [Path(output)] if output else []) if names else [STDIN]
        self.failed: list[str] = []
        self.are_many = len(self.names) > 1
        self.progress = TextProgress(self.names, quiet)
        self._options = options
        self._on_terminal = output is None and sys.stdout.isatty()

    @classmethod
    def from_args(cls, args: argparse.Namespace, output: str | Path | None) -> GivenTexts:
        """Create it from the arguments of `add_text_arguments`."""
        options = ReadingOptions(
            *(args.encoding, args.text_column, args.id_column, args.force, args.fix_encoding, args.as_table)
        )
        return cls(args.files, options, output, args.recursive, args.quiet)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the text of each file, and of each row of a table."""
        for name in self.names:
            self.progress.next_file()
            if texts := self._opened(name):
                yield from self._read(texts, name)

    def scored(self, classifier: CertaintyClassifier) -> Generator[tuple[str, Document], None, None]:
        """Yield the name and the scores of each file, and of each row of a table, and show the progress."""
        with self.progress:
            for name in self.names:
                for result in self._scored(name, classifier):
                    if self._on_terminal:
                        self.progress.hide()  # results would break up the bar
                    yield result

    def status(self, output: str | Path | None) -> int:
        """Return the exit status after an output was written, and warn of the files that it does not contain."""
        if not self.failed:
            return 0
        if output:
            shown = ", ".join(self.failed[:_SHOWN]) + (", …" if len(self.failed) > _SHOWN else "")
            print(f"warning: {output} does not contain {shown}; see the errors above.", file=sys.stderr)
        return FAILED

    def _scored(self, name: str, classifier: CertaintyClassifier) -> Iterator[tuple[str, Document]]:
        texts = self._opened(name)
        if texts and texts.is_table:
            self.progress.next_file(texts.sentences)
            rows = ((text, key) for key, text in self._read(texts, name))
            for document, key in classifier.stream(rows, as_tuples=True, show_progress=self.progress):
                yield key, document
            return
        self.progress.next_file()
        for key, text in self._read(texts, name) if texts else ():
            yield key, classifier.score(text, show_progress=self.progress)

    def _opened(self, name: str) -> Texts | None:
        try:
            # A table is first read to its end, so that the results never contain only part of its rows.
            texts = read_texts(*_given(name), self._options, several=len(self.names) > 1, add_up=self.progress.total)
        except CertaintyError as error:
            self._report(error, name)
            return None
        self.are_many |= texts.is_table
        return texts

    def _read(self, texts: Texts, name: str) -> Iterator[tuple[str, str]]:
        while True:
            try:
                yield next(texts.named)
            except StopIteration:
                return
            except CertaintyError as error:
                self._report(error, name)
                return

    def _report(self, error: CertaintyError, name: str) -> None:
        report(error)
        if name not in self.failed:
            self.failed.append(name)


def read(name: str, encoding: str | None) -> str:
    """Return the text of a file, or of standard input for `-`.

    Raises:
        CertaintyError: If the file cannot be read, or is a table.
    """
    texts = read_texts(*_given(name), ReadingOptions(encoding))
    if texts.is_table:
        raise CertaintyError(f"{name}: is a table; give texts.")
    return next(texts.named)[1]


def _given(name: str) -> tuple[Path | bytes, str]:
    """Return a file, or the content of standard input, and its name."""
    if name != STDIN:
        return Path(name), name
    if sys.stdin.isatty():
        print("Type or paste the text; end with Ctrl-D.", file=sys.stderr)
    return sys.stdin.buffer.read(), "stdin"
