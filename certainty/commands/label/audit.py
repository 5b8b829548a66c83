"""`certainty label audit`: likely label errors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.classifier import CertaintyClassifier
from certainty.commands.engine import ModelChoice, add_engine_arguments, model_choice
from certainty.commands.label.arguments import add_action, add_excel, add_output
from certainty.commands.label.row_files import check_excel, write_table
from certainty.commands.label_names import add_label_names
from certainty.commands.labelled_columns import Reader, add_columns, reader
from certainty.commands.output import check_destination

if TYPE_CHECKING:
    from certainty.labelled import LabelledSentence


def add_parser(actions: Any) -> None:
    """Declare the action."""
    parser = add_action(
        actions,
        "audit",
        "list likely label errors",
        "List the labels that a model holds for errors, the likeliest first. Fill in the column `decision` (the right "
        "label, or `keep`), and give the file to `certainty label correct`.",
        "certainty label audit rows.jsonl -o suspects.csv",
        "certainty label audit rows.jsonl --folds 5 -o suspects.csv",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="labelled rows")
    add_columns(parser, annotators=True)
    add_label_names(parser)
    judge = parser.add_mutually_exclusive_group()
    judge.add_argument(
        "--model", metavar="FOLDER", help="model that was not trained on these rows (default: the shipped one)"
    )
    judge.add_argument("--folds", metavar="N", type=int, help="cross-validate a TF-IDF classifier on the rows instead")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the folds (default: %(default)s)")
    parser.add_argument(
        "--format", choices=("csv", "jsonl"), help="what to write (default: by the name of the output, or csv)"
    )
    add_output(parser, "write to a file (default: standard output)")
    add_excel(parser)
    add_engine_arguments(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    choice = model_choice(args)
    if args.folds is not None:
        choice.refuse_engine("not used with --folds, which runs no model")
    return audit(
        args.files,
        args.output,
        read=reader(args),
        choice=choice,
        folds=args.folds,
        seed=args.seed,
        form=args.format,
        excel=args.excel,
    )


def audit(
    files: Sequence[str],
    output: Path | None,
    *,
    read: Reader,
    choice: ModelChoice,
    folds: int | None,
    seed: int,
    form: str | None,
    excel: bool = False,
) -> int:
    """Write the likely errors of labelled files and return the exit status."""
    from certainty.labelling.audit import COLUMNS, cross_validated, model_probabilities, suspects

    check_excel(excel, output, form)
    if output:
        check_destination(output, files)
    sentences = read(files)
    read.label_names.warn_if_unmet()
    if folds is not None:
        probabilities = cross_validated(sentences, folds, seed)
    else:
        classifier = choice.open()
        sentences = _claims(sentences, classifier)
        probabilities = model_probabilities(sentences, classifier)
    found = [suspect.to_row() for suspect in suspects(sentences, probabilities)]
    without = {"annotator"} if not any(sentence.annotator for sentence in sentences) else set()
    write_table(found, [column for column in COLUMNS if column not in without], output, files, form, excel)
    print(f"likely errors: {len(found)} of {len(sentences)} labels.", file=sys.stderr)
    return 0


def _claims(sentences: list[LabelledSentence], classifier: CertaintyClassifier) -> list[LabelledSentence]:
    """Return the rows that the model can judge, and say of what kind the others are."""
    from certainty.labelling.audit import claims, seen_in_training

    if part := seen_in_training(sentences, classifier):
        print(
            f"warning: the model was made with these rows ({part}), so it knows their labels; use another model or "
            "--folds 5.",
            file=sys.stderr,
        )
    found = claims(sentences)
    if len(found) < len(sentences):
        print(
            f"{len(sentences) - len(found)} rows without a claim are not audited by a model; --folds 5 audits them "
            "too.",
            file=sys.stderr,
        )
    return found
