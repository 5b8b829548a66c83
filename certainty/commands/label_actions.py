"""What the actions of `certainty label` do."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from certainty.classifier import CertaintyClassifier
from certainty.commands.engine import open_classifier, refuse_engine_arguments
from certainty.commands.output import FAILED, STDIN, check_destination, destination
from certainty.commands.texts import read, readable
from certainty.errors import CertaintyError
from certainty.labelled import LOADERS, LabelledSentence, read_labelled
from certainty.labelling.agreement import agreement
from certainty.labelling.audit import COLUMNS, claims, cross_validated, model_probabilities, seen_in_training, suspects
from certainty.labelling.corrections import apply_corrections
from certainty.labelling.extra import needs
from certainty.labelling.rows import read_json_lines, write_json_lines, write_rows
from certainty.labelling.suggest import Settings, suggest
from certainty.labelling.tasks import Task, predicted, read_tasks, tasks_of_rows, tasks_of_texts
from certainty.labelling.tools import tool
from certainty.results import Document

_BLANK_LINE = "\n\n"


def _export(args: argparse.Namespace) -> int:
    if args.model and not args.predict:
        raise CertaintyError("--model is used with --predict only; give both or neither.")
    if not args.predict:
        refuse_engine_arguments(args, "used with --predict only")
    tasks: Iterable[Task] = _tasks(args)
    if args.predict:
        classifier = open_classifier(args)
        tasks = predicted(tasks, classifier, Path(args.model).name if args.model else "certainty")
    tasks = iter(tasks)
    first = next(tasks, None)
    if first is None:
        raise CertaintyError(f"{', '.join(args.files)}: no sentence in it; give a file with sentences.")
    written = tool(args.to)
    with destination(args.output, args.files) as out:
        written.write(chain([first], tasks), out)
    for ending, content in written.companions(args.output.name).items():
        with destination(args.output.with_name(args.output.name + ending), args.files) as out:
            out.write(content)
    print(written.NEXT_STEPS.format(name=args.output.name), file=sys.stderr)
    return 0


def _tasks(args: argparse.Namespace) -> Iterable[Task]:
    if args.text:
        return tasks_of_texts((name, read(name, args.encoding)) for name in args.files)
    for name in args.files:
        if Path(name).suffix.lower() not in LOADERS:
            raise CertaintyError(
                f"{name}: rows come as {', '.join(LOADERS)}; give --text if it is raw text to be split into sentences."
            )
    if all(_unlabelled(Path(name)) for name in args.files):
        return read_tasks([Path(name) for name in args.files])
    return tasks_of_rows(_rows(args.files), blank=args.blank or args.predict)


def _unlabelled(path: Path) -> bool:
    """Whether it is a JSONL file whose first row has no column `label`."""
    if path.suffix.lower() not in (".jsonl", ".json"):
        return False
    _, first = next(read_json_lines(path), (0, {"label": None}))
    return "label" not in first


def _import(args: argparse.Namespace) -> int:
    sentences, skipped = tool(args.tool).read(Path(args.file))
    if not sentences:
        raise CertaintyError(f"{args.file}: none of its {skipped} tasks is labelled; label some first.")
    if args.annotator:
        sentences = [replace(sentence, annotator=args.annotator) for sentence in sentences]
    _write_rows(sentences, args.output, [args.file])
    print(f"{len(sentences)} labelled rows; {skipped} tasks without labels were skipped.", file=sys.stderr)
    return 0


def _agreement(args: argparse.Namespace) -> int:
    if args.resamples < 1:
        raise CertaintyError(f"--resamples is {args.resamples}; it must be at least 1.")
    stems = [Path(name).stem for name in args.files]
    sources = stems if len(set(stems)) == len(stems) else args.files
    result = agreement(
        [(source, _rows([name])) for source, name in zip(sources, args.files, strict=True)], args.resamples, args.seed
    )
    with destination(args.output, args.files) as out:
        if args.format == "json":
            out.write(json.dumps(result.to_dict(), ensure_ascii=False, indent=2) + "\n")
        else:
            from certainty.labelling.agreement_table import write_tables

            write_tables(result, out)
    if args.disagreements:
        with destination(args.disagreements, args.files) as out:
            write_json_lines(result.disagreements, out)
    return 0


def _suggest(args: argparse.Namespace) -> int:
    settings = Settings(args.count, args.random_share, args.diversity, args.by, args.seed)
    names = args.files or [STDIN]
    if args.output:
        check_destination(args.output, [*names, *args.exclude])
    excluded = [text for name in args.exclude for text in _texts(Path(name))]
    failed: list[str] = []
    classifier = open_classifier(args)
    chosen = suggest(_scored(classifier, names, args, failed), settings, excluded)
    if len(failed) == len(names):
        return FAILED
    with destination(args.output, [*names, *args.exclude]) as out:
        write_json_lines([item.to_row() for item in chosen], out)
    if len(chosen) < args.count:
        print(
            f"only {len(chosen)} of {args.count} sentences: the texts have no more claims to choose from.",
            file=sys.stderr,
        )
    return FAILED if failed else 0


def _scored(
    classifier: CertaintyClassifier, names: Sequence[str], args: argparse.Namespace, failed: list[str]
) -> Iterator[tuple[str, Document]]:
    """Yield file name and scores of each paragraph, so that no whole file of scores is held; collect bad files."""

    def paragraphs() -> Iterator[tuple[str, str]]:
        for name, text in readable(args, names, failed):
            for paragraph in text.replace("\r\n", "\n").split(_BLANK_LINE):
                yield paragraph, Path(name).name

    for document, name in classifier.stream(paragraphs(), as_tuples=True):
        yield name, document


def _texts(path: Path) -> list[str]:
    if _unlabelled(path):
        return [task.text for task in read_tasks([path])]
    return [sentence.text for sentence in _rows([str(path)])]


def _audit(args: argparse.Namespace) -> int:
    if args.output:
        check_destination(args.output, args.files)
    sentences = _rows(args.files)
    if args.folds is not None:
        refuse_engine_arguments(args, "not used with --folds, which runs no model")
        probabilities = cross_validated(sentences, args.folds, args.seed)
    else:
        classifier = open_classifier(args)
        if part := seen_in_training(sentences, classifier):
            print(
                f"warning: the model was made with these rows ({part}), so it knows their labels; use another model or "
                "--folds 5.",
                file=sys.stderr,
            )
        rows = len(sentences)
        sentences = claims(sentences)
        if len(sentences) < rows:
            print(
                f"{rows - len(sentences)} rows without a claim are not audited by a model; --folds 5 audits them too.",
                file=sys.stderr,
            )
        probabilities = model_probabilities(sentences, classifier)
    found = [suspect.to_row() for suspect in suspects(sentences, probabilities)]
    suffix = args.output.suffix.lower() if args.output else ""
    with destination(args.output, args.files) as out:
        if (args.format or ("jsonl" if suffix in (".jsonl", ".json") else "csv")) == "jsonl":
            write_json_lines(found, out)
        else:
            writer = csv.DictWriter(out, COLUMNS, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)
    print(f"likely errors: {len(found)} of {len(sentences)} labels.", file=sys.stderr)
    return 0


def _correct(args: argparse.Namespace) -> int:
    before = _rows(args.files)
    after = apply_corrections(before, args.corrections)
    _write_rows(after, args.output, [*args.files, str(args.corrections)])
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    print(f"{changed} of {len(after)} rows corrected.", file=sys.stderr)
    return 0


def _rows(files: Sequence[str]) -> list[LabelledSentence]:
    needs("datasets")
    return read_labelled(files)


def _write_rows(sentences: Iterable[LabelledSentence], output: Path, names: Sequence[str]) -> None:
    if output.suffix.lower() != ".jsonl":
        raise CertaintyError(f"{output}: rows are written as JSON Lines; give a name that ends in .jsonl.")
    with destination(output, names) as out:
        write_rows(sentences, out)


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "export": _export,
    "import": _import,
    "agreement": _agreement,
    "suggest": _suggest,
    "audit": _audit,
    "correct": _correct,
}
