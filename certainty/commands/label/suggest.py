"""`certainty label suggest`: which sentences to label next."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.classifier import CertaintyClassifier
from certainty.commands.engine import ModelChoice, add_engine_arguments, model_choice
from certainty.commands.label.arguments import add_action, add_encoding, add_model, add_output
from certainty.commands.label.row_files import has_no_labels
from certainty.commands.label_names import add_label_names
from certainty.commands.labelled_columns import Reader, add_columns, reader
from certainty.commands.output import FAILED, STDIN, check_destination, destination
from certainty.commands.progress import TextProgress, add_quiet_argument
from certainty.commands.texts import GivenTexts
from certainty.documents.reader import ReadingOptions
from certainty.extras import needs
from certainty.results import Document

if TYPE_CHECKING:
    from certainty.labelling.suggest import SuggestionSettings

MEASURES = ("margin", "entropy", "least-confidence")
_BLANK_LINE = "\n\n"


def add_parser(actions: Any) -> None:
    """Declare the action."""
    parser = add_action(
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
    add_columns(parser)
    add_label_names(parser)
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="seed of the random choice (default: %(default)s)"
    )
    add_output(parser, "unlabelled rows for `certainty label export`, JSONL (default: standard output)")
    add_model(parser)
    add_encoding(parser)
    add_quiet_argument(parser)
    add_engine_arguments(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    needs("pydantic", "yaml", "sklearn", extra="label", user="certainty label suggest")
    from certainty.labelling.suggest import SuggestionSettings

    settings = SuggestionSettings(
        count=args.count, random_share=args.random_share, diversity=args.diversity, measure=args.by, seed=args.seed
    )
    return choose(
        args.files or [STDIN],
        settings,
        args.output,
        exclude=args.exclude,
        read=reader(args),
        choice=model_choice(args),
        encoding=args.encoding,
        quiet=args.quiet,
    )


def choose(
    names: Sequence[str],
    settings: SuggestionSettings,
    output: Path | None,
    *,
    exclude: Sequence[str],
    read: Reader,
    choice: ModelChoice,
    encoding: str | None,
    quiet: bool = False,
) -> int:
    """Write the sentences that are chosen from texts and return the exit status."""
    from certainty.json_lines import write_json_lines
    from certainty.labelling.suggest import suggest

    if output:
        check_destination(output, [*names, *exclude])
    excluded = [text for name in exclude for text in _texts(Path(name), read)]
    read.label_names.warn_if_unmet()
    classifier = choice.open()
    given = GivenTexts(names, ReadingOptions(encoding), output, quiet=quiet)
    with given.progress as progress:
        chosen = suggest(_scored_paragraphs(given.texts(), classifier, progress), settings, excluded)
    if len(given.failed) == len(given.names):
        return FAILED
    with destination(output, [*names, *exclude]) as out:
        write_json_lines([item.to_row() for item in chosen], out)
    if len(chosen) < settings.count:
        print(
            f"only {len(chosen)} of {settings.count} sentences: the texts have no more claims to choose from.",
            file=sys.stderr,
        )
    return FAILED if given.failed else 0


def _scored_paragraphs(
    texts: Iterator[tuple[str, str]], classifier: CertaintyClassifier, progress: TextProgress
) -> Iterator[tuple[str, Document]]:
    """Yield file name and scores of each paragraph, so that no whole file of scores is held."""

    def paragraphs() -> Iterator[tuple[str, str]]:
        for name, text in texts:
            for paragraph in text.replace("\r\n", "\n").split(_BLANK_LINE):
                yield paragraph, Path(name).name

    for document, name in classifier.stream(paragraphs(), as_tuples=True, show_progress=progress):
        yield name, document


def _texts(path: Path, read: Reader) -> list[str]:
    from certainty.labelling.tasks import read_tasks

    if has_no_labels(path, read.columns.label):
        return [task.text for task in read_tasks([path], read.columns.text)]
    return [sentence.text for sentence in read(path)]
