"""The command line: `certainty score article.txt`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

import certainty
from certainty.errors import CertaintyError
from certainty.reading import decode, read_text
from certainty.results import Document

FORMATS = ("table", "json", "jsonl", "csv", "html")
_STDIN = "-"
_FAILED = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells count it


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments; None takes those of the process.

    Returns:
        The exit status: 0, 2 where something could not be scored, 130 after Ctrl-C.
    """
    args = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    try:
        status = _score(args)
        sys.stdout.flush()
    except CertaintyError as error:
        _report(error)
        return _FAILED
    except BrokenPipeError:
        # The reader (`head`) has all it wants; Python would complain once more as it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="certainty",
        description="How French sentences commit themselves to what they claim: asserted, probable, personal opinion "
        "or denied.",
    )
    parser.add_argument("--version", action="version", version=f"certainty {certainty.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    score = commands.add_parser(
        "score",
        help="score each sentence of texts",
        description="Score each sentence of French texts.",
        epilog="examples:\n"
        "  certainty score article.txt\n"
        "  certainty score *.txt --format csv --output scores.csv\n"
        "  pdftotext article.pdf - | certainty score --format html > article.html",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    score.add_argument("files", nargs="*", metavar="FILE", help="text files; none or - reads standard input")
    score.add_argument("--format", choices=FORMATS, default="table", help="what to write (default: %(default)s)")
    score.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the one that is shipped)")
    score.add_argument(
        "--encoding", metavar="NAME", help="encoding of the files (default: UTF-8, UTF-16 or Windows-1252, detected)"
    )
    score.add_argument("--output", metavar="FILE", type=Path, help="write to a file (default: standard output)")
    score.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour the table (default: %(default)s, on a terminal unless NO_COLOR is set)",
    )
    return parser


def _score(args: argparse.Namespace) -> int:
    names: list[str] = args.files or [_STDIN]
    failed: list[str] = []
    with closing(_scored(names, args, failed)) as scored:
        first = next(scored, None)
        if first is None:
            return _FAILED
        with _destination(args.output, names) as out:
            _write(args, chain([first], scored), out, several=len(names) > 1)
    return _FAILED if failed else 0


def _scored(
    names: Sequence[str], args: argparse.Namespace, failed: list[str]
) -> Generator[tuple[str, Document], None, None]:
    """Yield name and scores of each file that can be read; report and collect the others."""
    classifier = None
    for name in _progress(names, args.output):
        try:
            text = _read(name, args.encoding)
        except CertaintyError as error:
            _report(error)
            failed.append(name)
            continue
        if classifier is None:
            classifier = certainty.load(args.model)
        yield ("stdin" if name == _STDIN else name), classifier.score(text)


def _read(name: str, encoding: str | None) -> str:
    if name != _STDIN:
        return read_text(Path(name), encoding)
    if sys.stdin.isatty():
        print("Type or paste the text; end with Ctrl-D.", file=sys.stderr)
    return decode(sys.stdin.buffer.read(), "standard input", encoding)


def _progress(names: Sequence[str], output: Path | None) -> Iterator[str]:
    # Where the results themselves appear on the terminal they show the progress, and a bar would tear them.
    if len(names) < 2 or not sys.stderr.isatty() or (output is None and sys.stdout.isatty()):
        yield from names
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        yield from progress.track(names, description="Scoring")


def _write(args: argparse.Namespace, scored: Iterable[tuple[str, Document]], out: TextIO, several: bool) -> None:
    if args.format == "html":
        from certainty.views.html import render_page

        titles, documents = zip(*scored, strict=True)
        out.write(render_page(documents, titles))
    elif args.format == "table" and _in_colour(args.color, out):
        from certainty.views.table import write_table

        write_table(scored, out)
    elif args.format == "table":
        from certainty.views.plain import write_plain

        write_plain(scored, out)
    else:
        from certainty.views.records import write_csv, write_json, write_jsonl

        if args.format == "json":
            write_json(scored, out, as_list=several)
        else:
            {"jsonl": write_jsonl, "csv": write_csv}[args.format](scored, out)


def _in_colour(choice: str, out: TextIO) -> bool:
    if choice != "auto":
        return choice == "always"
    # https://no-color.org: set and not empty
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@contextmanager
def _destination(output: Path | None, names: Sequence[str]) -> Iterator[TextIO]:
    """Yield standard output, or a stream whose text becomes the output file only if all goes well."""
    if output is None:
        yield sys.stdout
        return
    target = Path(os.path.realpath(output))  # a link stays a link
    if target in {Path(os.path.realpath(name)) for name in names if name != _STDIN}:
        raise CertaintyError(f"{output}: is also to be scored; give another file for the output.")
    regular = output.is_file() or not output.exists()  # a device or a pipe cannot be replaced
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp") if regular else output
    try:
        out = draft.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise CertaintyError(f"{output}: cannot be written ({error.strerror}); give another file.") from error
    try:
        with out:
            yield out
        if regular:
            draft.replace(target)
    finally:
        if regular:
            draft.unlink(missing_ok=True)


def _report(error: CertaintyError) -> None:
    print(f"error: {error}", file=sys.stderr)
