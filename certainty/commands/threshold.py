"""`certainty threshold`: the minimum probability that gives a required precision, accuracy or coverage."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import certainty
from certainty.commands.engine import ModelChoice, add_engine_arguments, model_choice
from certainty.commands.help import HelpFormatter
from certainty.commands.label_names import add_label_names
from certainty.commands.labelled_columns import Reader, add_columns, reader
from certainty.commands.progress import TextProgress, add_quiet_argument
from certainty.labels import Label


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "threshold",
        help="choose a minimum probability on labelled rows",
        description="Choose the minimum probability that gives a required precision of one label, or a required "
        "accuracy or coverage of all, on labelled rows that the model was not trained on. Use it with "
        "`--min-confidence` of "
        "`certainty score` and `certainty view`, or with `Document.filter(min_probability=…)`.",
        epilog="examples:\n"
        "  certainty threshold my_test.jsonl --label denied --precision 0.95\n"
        "  certainty threshold my_test.jsonl --accuracy 0.95\n"
        "  certainty threshold my_test.jsonl --coverage 0.8 --format json",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="labelled rows: JSONL, CSV, TSV or Parquet")
    add_columns(parser)
    add_label_names(parser)
    parser.add_argument(
        "--label", metavar="LABEL", help=f"with --precision: {', '.join(label.value for label in Label)}"
    )
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument(
        "--precision", metavar="P", type=float, help="share of the sentences with --label that must be right"
    )
    goal.add_argument("--accuracy", metavar="A", type=float, help="share of the kept sentences that must be right")
    goal.add_argument("--coverage", metavar="C", type=float, help="share of the claims to keep")
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the shipped model)")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="format of the output (default: %(default)s)"
    )
    add_quiet_argument(parser)
    add_engine_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the threshold and return the exit status."""
    if (args.precision is None) != (args.label is None):
        raise certainty.CertaintyError("--label and --precision go together; give both or neither.")
    return choose_threshold(
        args.files,
        reader(args),
        Label.parse(args.label) if args.label else None,
        precision=args.precision,
        accuracy=args.accuracy,
        coverage=args.coverage,
        choice=model_choice(args),
        as_json=args.format == "json",
        quiet=args.quiet,
    )


def choose_threshold(
    files: Sequence[str],
    read: Reader,
    label: Label | None,
    *,
    precision: float | None,
    accuracy: float | None,
    coverage: float | None,
    choice: ModelChoice,
    as_json: bool,
    quiet: bool = False,
) -> int:
    """Print the threshold that reaches the required share on labelled files, and return the exit status."""
    from certainty.thresholds import FEW, for_accuracy, for_precision

    classifier = choice.open()
    sentences = read(files)
    read.label_names.warn_if_unmet()
    with TextProgress(quiet=quiet) as progress:
        scores = classifier.score_sentences([sentence.text for sentence in sentences], show_progress=progress)
    if label and precision is not None:
        result = for_precision(sentences, scores, label, precision)
    else:
        result = for_accuracy(sentences, scores, accuracy, coverage)
    if (fewest := min(result.kept, result.total)) < FEW:
        print(
            f"warning: the threshold rests on only {fewest} sentences; label more, or rely on the lower end of the "
            "interval.",
            file=sys.stderr,
        )
    if as_json:
        print(json.dumps({"label": label.value if label else None, **result.to_dict()}, indent=2))
        return 0
    value, share = ("precision", "recall") if label else ("accuracy", "coverage")
    what = f"{label.value} sentences" if label else "claims"
    print(f"threshold  {result.threshold or '0  (none is needed: all may be kept)'}")
    print(f"{value:9}  {result.value:.3f}  (95 % interval {result.low:.3f} to {result.high:.3f})")
    print(f"{share:9}  {result.share:.3f}  of {result.total} {what}")
    print(f"kept       {result.kept} of {len(sentences)} sentences")
    return 0
