"""`certainty archive`: score an archive of any size into a folder of Parquet or JSON Lines."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from certainty.commands.confidence import add_confidence_argument
from certainty.commands.engine import model_choice
from certainty.commands.help import HelpFormatter
from certainty.commands.output import FAILED, StandardError
from certainty.commands.texts import add_model_arguments, add_reading_arguments
from certainty.errors import CertaintyError
from certainty.progress import ProgressDisplay

_FORMATS = ("parquet", "jsonl")
_MOST_WARNINGS = 20  # an archive may have one for each of a million files
_INTERRUPTED = 130
_OF_RAY = ("workers", "worker_cpus", "worker_gpus")


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "archive",
        help="score an archive of any size, and resume where a run ended",
        description="Score all documents of an archive into a folder with one row per sentence, in constant memory. "
        "A run that ended early, for whatever reason, goes on with --resume. `certainty archive summary FOLDER` "
        "answers the first questions about the result.",
        epilog="examples:\n"
        "  certainty archive articles/ --output scored\n"
        "  certainty archive articles/ --output scored --resume\n"
        "  certainty archive 'dump-*.jsonl.zst' --text-column body --id-column url --output scored\n"
        "  certainty archive s3://bucket/press/ --output scored\n"
        "  certainty archive summary scored --by month source section --html summary.html",
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="file, folder, pattern or URL; text, documents, JSONL, CSV and Parquet, also compressed (.gz, .xz, .bz2, "
        ".zst); folders are read with all folders below",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="local folder to write")
    parser.add_argument(
        "--format", choices=_FORMATS, default="parquet", help="format of the rows (default: %(default)s)"
    )
    parser.add_argument("--resume", action="store_true", help="continue the archive in --output")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="stop at the first document or input that cannot be read, instead of writing a row into `errors`",
    )
    parser.add_argument(
        "--part-sentences",
        metavar="N",
        type=int,
        default=20_000,
        help="sentences of a part; a kill costs at most one part and what was read ahead (default: %(default)s)",
    )
    group = parser.add_argument_group("many machines")
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        nargs="?",
        const="",
        help="score on the workers of a Ray cluster, which see the inputs and --output under the same paths "
        "(default: the cluster that runs here, else the cores of this machine)",
    )
    group.add_argument(
        "--workers", metavar="N", type=int, help="workers on the cluster (default: as many as it has room for)"
    )
    group.add_argument(
        "--worker-cpus",
        metavar="N",
        type=float,
        help="CPUs of a worker, which runs as many threads (default: --threads, or 1)",
    )
    group.add_argument("--worker-gpus", metavar="N", type=float, help="GPUs of a worker (default: none)")
    add_model_arguments(parser)
    add_reading_arguments(parser)
    add_confidence_argument(parser, "; the rows keep the label and have a column `undecided`")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score the archive and return the exit status."""
    from certainty.archive import ArchiveSettings, RayPool, score_archive

    settings = ArchiveSettings(
        text_column=args.text_column,
        id_column=args.id_column,
        encoding=args.encoding,
        fix_encoding=args.fix_encoding,
        force=args.force,
        format=args.format,
        min_confidence=args.min_confidence,
        part_sentences=args.part_sentences,
    )
    pool = None
    if args.ray is not None:
        pool = RayPool(args.ray or None, args.workers, args.worker_cpus, args.worker_gpus or 0)
    elif given := [f"--{name.replace('_', '-')}" for name in _OF_RAY if getattr(args, name) is not None]:
        raise CertaintyError(f"{' and '.join(given)}: only for a Ray cluster; give --ray, too.")
    classifier = model_choice(args).open()
    with _few_warnings(), ProgressDisplay(lambda line: print(line, file=sys.stderr)) as display:
        try:
            result = score_archive(
                args.inputs,
                args.output,
                classifier=classifier,
                settings=settings,
                resume=args.resume,
                strict=args.strict,
                ray=pool,
                show_progress=False if args.quiet else display.update,
            )
        except KeyboardInterrupt:
            print(f"interrupted; --resume continues {args.output}.", file=sys.stderr)
            return _INTERRUPTED
        except OSError as error:
            raise CertaintyError(f"stopped ({error}); --resume continues {args.output}.") from error
    print(f"{args.output}: {result.sentences:,} sentences of {result.documents:,} documents in {result.parts:,} parts.")
    if result.empty:
        print(f"{result.empty:,} rows have no text.", file=sys.stderr)
    if result.errors:
        print(
            f"warning: {result.errors:,} documents or inputs could not be read; {result.folder / 'errors'} says why.",
            file=sys.stderr,
        )
    return 0 if result.documents else FAILED


@contextmanager
def _few_warnings() -> Iterator[None]:
    """Show only the first warnings, and the number of the others."""
    before, logging.lastResort = logging.lastResort, (shown := _ShortStandardError(logging.WARNING))
    try:
        yield
    finally:
        logging.lastResort = before
        if shown.left_out:
            print(f"warning: {shown.left_out:,} further warnings are not shown.", file=sys.stderr)


class _ShortStandardError(StandardError):
    left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._warnings) < _MOST_WARNINGS:
            super().emit(record)
        else:
            self.left_out += 1
