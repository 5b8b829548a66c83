"""`certainty label export`: tasks for an annotation tool."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.commands.engine import ModelChoice, add_engine_arguments, model_choice
from certainty.commands.label.arguments import TOOLS, add_action, add_encoding, add_model, add_output
from certainty.commands.label.row_files import has_no_labels
from certainty.commands.label_names import add_label_names
from certainty.commands.labelled_columns import Reader, add_columns, reader
from certainty.commands.output import destination
from certainty.commands.texts import read
from certainty.errors import CertaintyError

if TYPE_CHECKING:
    from certainty.labelling.tasks import Task


def add_parser(actions: Any) -> None:
    """Declare the action."""
    parser = add_action(
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
    add_columns(parser, annotators=True)
    add_label_names(parser)
    parser.add_argument("--to", choices=TOOLS, required=True, help="the annotation tool")
    add_output(parser, "task file; configuration and guideline are written beside it", required=True)
    parser.add_argument("--text", action="store_true", help="the inputs are raw texts, to be split into sentences")
    answers = parser.add_mutually_exclusive_group()
    answers.add_argument("--predict", action="store_true", help="let the model suggest labels, cues and attribution")
    answers.add_argument("--blank", action="store_true", help="leave out the labels that rows have, to label afresh")
    add_model(parser)
    add_encoding(parser)
    add_engine_arguments(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.model and not args.predict:
        raise CertaintyError("--model is used with --predict only; give both or neither.")
    choice = model_choice(args)
    if not args.predict:
        choice.refuse_engine("used with --predict only")
    reading = reader(args)
    tasks = _tasks(args.files, reading, as_text=args.text, encoding=args.encoding, blank=args.blank or args.predict)
    reading.label_names.warn_if_unmet()
    return export(args.files, tasks, args.to, args.output, choice if args.predict else None)


def export(files: Sequence[str], tasks: Iterable[Task], to: str, output: Path, choice: ModelChoice | None) -> int:
    """Write the tasks of the files, with what the tool needs beside them, and return the exit status.

    Args:
        files: Where the tasks come from; the output must not replace them.
        tasks: The tasks.
        to: Name of the tool.
        output: The task file.
        choice: The model that suggests answers; None leaves them open.
    """
    from certainty.labelling.tasks import predicted
    from certainty.labelling.tools import tool

    if choice:
        tasks = predicted(tasks, choice.open(), Path(choice.model).name if choice.model else "certainty")
    tasks = iter(tasks)
    first = next(tasks, None)
    if first is None:
        raise CertaintyError(f"{', '.join(files)}: no sentence in it; give a file with sentences.")
    written = tool(to)
    with destination(output, files) as out:
        written.write(chain([first], tasks), out)
    for ending, content in written.companions(output.name).items():
        with destination(output.with_name(output.name + ending), files) as out:
            out.write(content)
    print(written.NEXT_STEPS.format(name=output.name), file=sys.stderr)
    return 0


def _tasks(
    files: Sequence[str], read_rows: Reader, *, as_text: bool, encoding: str | None, blank: bool
) -> Iterable[Task]:
    from certainty.labelled import READERS, Columns
    from certainty.labelling.tasks import read_tasks, tasks_of_rows, tasks_of_texts

    if as_text:
        return tasks_of_texts((name, read(name, encoding)) for name in files)
    for name in files:
        if Path(name).suffix.lower() not in READERS:
            raise CertaintyError(
                f"{name}: rows come as {', '.join(READERS)}; give --text if it is raw text to be split into sentences."
            )
    # Whoever names the column of the labels, or of the annotators, means labelled rows: without it, it is misspelt.
    are_labelled = read_rows.columns[1:] != Columns()[1:]
    if not are_labelled and all(has_no_labels(Path(name), read_rows.columns.label) for name in files):
        return read_tasks([Path(name) for name in files], read_rows.columns.text)
    return tasks_of_rows(read_rows(files), blank=blank)
