"""`certainty label`: tasks for annotation tools and back, agreement, what to label next, likely errors, corrections."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from certainty.commands.engine import add_engine_arguments
from certainty.commands.help import HelpFormatter

# What these name stands in modules that need not be imported to declare the command.
TOOLS = ("label-studio", "doccano", "argilla", "prodigy")
MEASURES = ("margin", "entropy", "least-confidence")
RESAMPLES = 1000


def add_parser(commands: Any) -> None:
    """Declare the command and its own subcommands."""
    parser = commands.add_parser(
        "label",
        help="make and check labelled data",
        description="Make and check labelled data.",
        epilog="examples:\n"
        "  certainty label suggest articles/*.txt --count 200 -o next.jsonl\n"
        "  certainty label export next.jsonl --to label-studio --predict -o tasks.json\n"
        "  certainty label import export.json --from label-studio -o rows.jsonl\n"
        "  certainty label agreement rows.jsonl\n"
        "  certainty label audit rows.jsonl -o suspects.csv\n"
        "  certainty label correct rows.jsonl --corrections suspects.csv -o corrected.jsonl",
        formatter_class=HelpFormatter,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for add in (_add_export, _add_import, _add_agreement, _add_suggest, _add_audit, _add_correct):
        add(actions)


def run(args: argparse.Namespace) -> int:
    """Carry out the action and return the exit status."""
    from certainty.commands.label_actions import ACTIONS

    return ACTIONS[args.action](args)


def _add_export(actions: Any) -> None:
    parser = _add_action(
        actions,
        "export",
        "write tasks for an annotation tool",
        "Write tasks for an annotation tool, with its configuration and the guideline beside them, and say what to do "
        "in the tool.",
        "certainty label export next.jsonl --to label-studio --predict -o tasks.json",
        "certainty label export articles/*.txt --text --to doccano -o tasks.jsonl",
    )
    parser.add_argument(
        "files", nargs="+", metavar="INPUT", help="labelled rows, rows without labels (JSONL), or with --text raw text"
    )
    parser.add_argument("--to", choices=TOOLS, required=True, help="the annotation tool")
    _add_output(parser, "task file; configuration and guideline are written beside it", required=True)
    parser.add_argument("--text", action="store_true", help="the inputs are raw texts, to be split into sentences")
    answers = parser.add_mutually_exclusive_group()
    answers.add_argument("--predict", action="store_true", help="let the model suggest labels, cues and attribution")
    answers.add_argument("--blank", action="store_true", help="leave out the labels that rows have, to label afresh")
    _add_model(parser)
    _add_encoding(parser)
    add_engine_arguments(parser)
    parser.set_defaults(run=run, action="export")


def _add_import(actions: Any) -> None:
    parser = _add_action(
        actions,
        "import",
        "read what an annotation tool exported",
        "Read what an annotation tool exported, and write a row for each sentence and annotator.",
        "certainty label import export.json --from label-studio -o rows.jsonl",
        "certainty label import ana.jsonl --from doccano --annotator ana -o ana_rows.jsonl",
    )
    parser.add_argument("file", metavar="FILE", help="the file that the tool exported")
    parser.add_argument("--from", dest="tool", choices=TOOLS, required=True, help="the annotation tool")
    parser.add_argument("--annotator", metavar="NAME", help="who labelled the file (default: as the file says)")
    _add_output(parser, "labelled rows, JSONL", required=True)
    parser.set_defaults(run=run, action="import")


def _add_agreement(actions: Any) -> None:
    parser = _add_action(
        actions,
        "agreement",
        "compare several annotators",
        "Compare the annotators of the same sentences: Krippendorff's alpha and Cohen's kappa with 95 % intervals, "
        "by label, and who confused which labels.",
        "certainty label agreement rows.jsonl --disagreements disagreements.jsonl",
        "certainty label agreement ana.jsonl bo.jsonl --format json",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="labelled rows with id and annotator, or one file an annotator"
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="what to write (default: %(default)s)"
    )
    parser.add_argument(
        "--disagreements", metavar="FILE", type=Path, help="write the sentences with different labels, JSONL"
    )
    parser.add_argument(
        "--resamples", metavar="N", type=int, default=RESAMPLES, help="of the bootstrap (default: %(default)s)"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the bootstrap (default: %(default)s)")
    _add_output(parser, "write to a file (default: standard output)")
    parser.set_defaults(run=run, action="agreement")


def _add_suggest(actions: Any) -> None:
    parser = _add_action(
        actions,
        "suggest",
        "choose the sentences that are worth labelling next",
        "Choose the sentences that are worth labelling next: those of which the model is unsure, of many kinds, and a "
        "share at random. Held-out data must look like the texts: give --random-share 1.",
        "certainty label suggest articles/*.txt --count 200 -o next.jsonl",
        "certainty label suggest articles/*.txt --count 300 --random-share 1 --exclude next.jsonl -o held_out.jsonl",
    )
    parser.add_argument("files", nargs="*", metavar="TEXT", help="text files; none or - reads standard input")
    parser.add_argument("--count", metavar="N", type=int, required=True, help="how many sentences")
    parser.add_argument(
        "--random-share",
        metavar="SHARE",
        type=float,
        default=0.1,
        help="share of them drawn at random (default: %(default)s)",
    )
    parser.add_argument(
        "--diversity",
        metavar="FACTOR",
        type=int,
        default=10,
        help="preselect FACTOR times the count, then take one of each cluster; 1 turns it off (default: %(default)s)",
    )
    parser.add_argument(
        "--by", choices=MEASURES, default="margin", help="measure of uncertainty (default: %(default)s)"
    )
    parser.add_argument(
        "--exclude", metavar="FILE", nargs="+", default=[], help="labelled rows or tasks not to choose again"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the random choice (default: %(default)s)")
    _add_output(parser, "unlabelled rows for `certainty label export`, JSONL (default: standard output)")
    _add_model(parser)
    _add_encoding(parser)
    add_engine_arguments(parser)
    parser.set_defaults(run=run, action="suggest")


def _add_audit(actions: Any) -> None:
    parser = _add_action(
        actions,
        "audit",
        "list likely label errors",
        "List the labels that a model holds for errors, the likeliest first. Fill in the column `decision` (the right "
        "label, or `keep`), and give the file to `certainty label correct`.",
        "certainty label audit rows.jsonl -o suspects.csv",
        "certainty label audit rows.jsonl --folds 5 -o suspects.csv",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="labelled rows")
    judge = parser.add_mutually_exclusive_group()
    judge.add_argument(
        "--model", metavar="FOLDER", help="model that was not trained on these rows (default: the shipped one)"
    )
    judge.add_argument("--folds", metavar="N", type=int, help="cross-validate a TF-IDF classifier on the rows instead")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the folds (default: %(default)s)")
    parser.add_argument(
        "--format", choices=("csv", "jsonl"), help="what to write (default: by the name of the output, or csv)"
    )
    _add_output(parser, "write to a file (default: standard output)")
    add_engine_arguments(parser)
    parser.set_defaults(run=run, action="audit")


def _add_correct(actions: Any) -> None:
    parser = _add_action(
        actions,
        "correct",
        "apply corrections to labelled rows",
        "Apply corrections to labelled rows and write the corrected rows; the files that are read stay as they are.",
        "certainty label correct rows.jsonl --corrections suspects.csv -o corrected.jsonl",
    )
    parser.add_argument("files", nargs="+", metavar="ROWS", help="labelled rows")
    parser.add_argument(
        "--corrections",
        metavar="FILE",
        type=Path,
        required=True,
        help="JSONL of id, old, new and reason, or an audit with its decisions filled in",
    )
    _add_output(parser, "corrected rows, JSONL", required=True)
    parser.set_defaults(run=run, action="correct")


def _add_action(actions: Any, name: str, summary: str, description: str, *examples: str) -> Any:
    return actions.add_parser(
        name,
        help=summary,
        description=description,
        epilog="\n  ".join(("example:" if len(examples) == 1 else "examples:", *examples)),
        formatter_class=HelpFormatter,
    )


def _add_output(parser: Any, text: str, required: bool = False) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=required, help=text)


def _add_model(parser: Any) -> None:
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the one that is shipped)")


def _add_encoding(parser: Any) -> None:
    parser.add_argument("--encoding", metavar="NAME", help="encoding of raw texts (default: detected)")
