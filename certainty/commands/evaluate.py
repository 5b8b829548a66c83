"""`certainty evaluate`: metrics of models on held-out sentences, their differences, and behaviour tests."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.commands.confidence import probability
from certainty.commands.help import HelpFormatter
from certainty.commands.label_names import add_label_names
from certainty.commands.labelled_columns import add_columns, reader
from certainty.commands.output import StandardError, log_shown
from certainty.commands.progress import add_quiet_argument
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.labelled import Columns
from certainty.spreadsheets import EXCEL_HELP

if TYPE_CHECKING:
    from rich.status import Status

    from certainty.evaluation import Comparison

BELOW = 1
"""Exit status if a model does not reach `--min-macro-f1`."""

_LIBRARIES = ("jinja2", "matplotlib", "safetensors", "scipy", "sklearn")


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "evaluate",
        help="evaluate models on held-out sentences",
        description="Evaluate one or more models on held-out sentences with labels, and compare them with baselines "
        "and with each other. Intervals are 95 %; p-values are from paired permutation tests.",
        epilog="examples:\n"
        "  certainty evaluate --data held_out.csv\n"
        "  certainty evaluate --model models/mine certainty-fr-small --data held_out.csv --report report\n"
        "  certainty evaluate --model models/mine --data held_out.csv --format json --min-macro-f1 0.8\n"
        "  certainty evaluate --model models/mine --behaviour tests.jsonl",
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--model",
        nargs="+",
        default=[None],
        metavar="MODEL",
        help="folders of models, or certainty-fr-small for the shipped model, which is the default; several models are "
        "compared with each other",
    )
    parser.add_argument(
        "--data", nargs="+", metavar="FILE", help="held-out sentences with labels, such as CSV or JSONL"
    )
    add_columns(parser)
    add_label_names(parser)
    parser.add_argument(
        "--behaviour", metavar="FILE", type=Path, help="behaviour tests (JSONL with text, label, kind, group)"
    )
    parser.add_argument(
        "--train",
        nargs="+",
        metavar="FILE",
        help="training data: baselines are fitted on it, and held-out sentences that are in it are counted (default: "
        "baselines are cross-validated on the held-out sentences)",
    )
    parser.add_argument(
        "--by",
        nargs="+",
        default=["corpus"],
        metavar="COLUMN",
        help="also give the metrics for each value of these columns of the data (default: corpus)",
    )
    parser.add_argument(
        "--group-by",
        metavar="COLUMN",
        help="column whose rows are not independent, such as a document: intervals, p-values and folds keep the rows "
        "with one value together, as they always do those of a `quad` and those with the same text",
    )
    parser.add_argument(
        "--seeds-of-one",
        action="store_true",
        help="the models are trained in the same way with different seeds: give the mean of their metrics",
    )
    parser.add_argument(
        "--faithfulness", action="store_true", help="also measure how far the labels depend on the cues; this is slow"
    )
    parser.add_argument(
        "--report", metavar="FOLDER", type=Path, help="write index.html, errors.csv and metrics.json into a folder"
    )
    parser.add_argument("--excel", action="store_true", help=f"with --report: {EXCEL_HELP}")
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="format of standard output; json does not contain the text of sentences (default: %(default)s)",
    )
    parser.add_argument(
        "--min-macro-f1",
        metavar="F",
        type=probability,
        help=f"exit with {BELOW} if the macro-F1 of a model on --data is below F, from 0 to 1",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=_seed,
        default=0,
        help="seed of resamples, permutations and folds (default: %(default)s)",
    )
    add_quiet_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate the models, print the metrics, and return the exit status."""
    needs(*_LIBRARIES, extra="evaluate", user="evaluation")
    if args.excel and not args.report:
        raise CertaintyError("--excel applies to errors.csv of --report; give both or neither.")
    if not args.data:
        needing = {"--train": args.train, "--seeds-of-one": args.seeds_of_one, "--faithfulness": args.faithfulness}
        needing["--group-by"] = args.group_by is not None
        needing["--min-macro-f1"] = args.min_macro_f1 is not None
        _check_without_data(args.behaviour, [option for option, value in needing.items() if value])
    if args.report:
        from certainty.evaluation.report import check_report

        check_report(args.report)
    with _progress(args.quiet):
        data, train = _labelled((args.data, args.train), args)
        result = _result(
            args.model,
            data,
            args.behaviour,
            seeds_of_one=args.seeds_of_one,
            train=train,
            by=args.by,
            seed=args.seed,
            faithfulness=args.faithfulness,
            group_by=args.group_by,
        )
        page = result.write_report(args.report, args.excel) if args.report else None
    if args.format == "json":
        sys.stdout.write(result.to_json(text=False))
    else:
        print("\n".join([result.summary(), *_faithfulness(result)]))
    if page:
        print(f"\nReport: {page}" if args.format == "text" else f"Report: {page}", file=_beside(args.format))
    return _status(result, args.min_macro_f1)


def _result(
    names: Sequence[str | None],
    data: Any,
    behaviour: Path | None,
    *,
    seeds_of_one: bool,
    **options: Any,
) -> Comparison:
    """Evaluate the models; `options` are those of `certainty.evaluation.compare`."""
    from certainty.evaluation import Comparison, compare, evaluate_seeds
    from certainty.evaluation.models import SHIPPED

    # The name of the shipped model in results is accepted, too; a folder of that name has priority.
    models = [None if name == SHIPPED and not Path(name).exists() else name for name in names]
    if not seeds_of_one or data is None:
        return compare(models, data, behaviour=behaviour, **options)
    mean = evaluate_seeds(models, data, **options)
    tests = compare(models, behaviour=behaviour).behaviour if behaviour else ()
    return Comparison((mean,), errors=mean.errors, behaviour=tests)


def _labelled(each: Sequence[Sequence[str] | None], args: argparse.Namespace) -> list[Any]:
    """Return the files, or with other names for labels or columns their rows."""
    read = reader(args)
    if not args.map and read.columns == Columns():
        return list(each)
    rows = [read(files) if files else files for files in each]
    read.label_names.warn_if_unmet()
    return rows


def _check_without_data(behaviour: Path | None, needing_data: Sequence[str]) -> None:
    if not behaviour:
        raise CertaintyError("nothing to evaluate on; give --data with held-out sentences, or --behaviour.")
    if needing_data:
        raise CertaintyError(f"{needing_data[0]} needs --data; give held-out sentences with labels.")


def _faithfulness(result: Comparison) -> Iterator[str]:
    from certainty.evaluation.faithfulness import table

    for one in result.evaluations:
        if one.faithfulness:
            yield f"\nDo the labels of {one.name} rest on the cues?\n\n{table(one.faithfulness)}"


def _status(result: Comparison, least: float | None) -> int:
    below = [one for one in result.evaluations if least is not None and one.macro_f1 < least]
    for one in below:
        print(f"{one.name}: macro-F1 {one.macro_f1:.4f} is below {least:g}.", file=sys.stderr)
    return BELOW if below else 0


def _beside(format: str) -> Any:
    return sys.stdout if format == "text" else sys.stderr


def _seed(given: str) -> int:
    if not given.isdecimal() or int(given) >= 2**32:
        raise argparse.ArgumentTypeError(f"it is {given!r}; give a whole number from 0 to {2**32 - 1}")
    return int(given)


@contextmanager
def _progress(quiet: bool) -> Iterator[None]:
    """Show the progress that the package logs: in one place on a terminal, elsewhere line by line."""
    if quiet:
        yield
        return
    if not sys.stderr.isatty():
        with log_shown("certainty.evaluation"):
            yield
        return
    from rich.console import Console

    with (
        Console(stderr=True).status("Opening the models and the data …") as status,
        log_shown("certainty.evaluation", _StatusLine(status)),
    ):
        yield


class _StatusLine(StandardError):  # noqa: N818 - the stream, no exception
    """Show log records as the status that a spinner has; warnings stay as lines."""

    def __init__(self, status: Status) -> None:
        super().__init__()
        self._status = status

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        if record.levelno >= logging.WARNING:
            super().emit(record)
        else:
            self._status.update(f"{record.getMessage()} …")
