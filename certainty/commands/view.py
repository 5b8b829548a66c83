"""`certainty view`: scored texts as pages for a browser."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from certainty.commands.confidence import add_confidence_argument
from certainty.commands.engine import model_choice
from certainty.commands.help import HelpFormatter
from certainty.commands.output import FAILED, STDIN, check_destination, destination
from certainty.commands.page_files import RESERVED_STEMS, check_replaceable, filled_at_the_end, unique_stem
from certainty.commands.texts import GivenTexts, add_text_arguments
from certainty.errors import CertaintyError
from certainty.results import Document
from certainty.writing import is_regular

if TYPE_CHECKING:
    from certainty.classifier import CertaintyClassifier

_FOLDER = "certainty-pages"
_INDEX = "index.html"
_ENDINGS = (".html", ".htm")


class PageOptions(NamedTuple):
    """How the pages look.

    Attributes:
        min_confidence: Claims whose label is less probable are shown as undecided; None shows all labels.
        title: Heading of the page, or of the index; None takes the name of the text, or the number of texts.
        lang: Language of the interface of the pages; None follows the browser of the reader.
    """

    min_confidence: float | None
    title: str | None
    lang: str | None


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "view",
        help="read scored texts in a browser",
        description="Write French texts as pages that show how each sentence commits itself, or what changed between "
        "two versions of a text. A page is self-contained: it can be sent, kept and opened without a network.",
        epilog="examples:\n"
        "  certainty view article.txt --open\n"
        "  certainty view article.txt -o page.html --title 'Le pont a cédé'\n"
        "  certainty view --compare old.txt new.txt --open\n"
        "  certainty view *.txt -o pages/            an index and a page for each text\n"
        "  certainty view *.txt -o all.html          all texts on one page",
        formatter_class=HelpFormatter,
    )
    add_text_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="PAGE",
        help="the page, or a folder (ending in /) for an index and a page for each text (default: the name of the text "
        "with "
        f".html, or {_FOLDER}/ for several texts, in the current folder; with --open, a temporary folder)",
    )
    parser.add_argument("--open", action="store_true", help="open the page in the web browser")
    parser.add_argument(
        "--compare", action="store_true", help="show what changed between two texts, the old version and the new one"
    )
    parser.add_argument(
        "--title", metavar="TEXT", help="heading of the page, or of the index (default: the name of the text)"
    )
    parser.add_argument(
        "--lang",
        choices=("en", "fr"),
        help="language of the interface of the page (default: that of the reader's browser, with a switch on the page)",
    )
    add_confidence_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the pages of the files that can be read and return the exit status."""
    if args.output == STDIN:
        raise CertaintyError("a page needs a file; `certainty score --format html` writes to standard output.")
    # With an output, the progress bar knows that no results are written to the terminal.
    given = GivenTexts.from_args(args, args.output or _FOLDER)
    if args.output and not _is_folder(args.output):
        page = Path(args.output)
        check_destination(page, given.names)
        if page.suffix.lower() not in _ENDINGS and is_regular(page):
            raise CertaintyError(
                f"{page}: the name of a page ends in {' or '.join(_ENDINGS)}, and that of a folder in /; change the "
                "name."
            )
    if args.compare:
        _check_comparable(args, given)
    classifier = model_choice(args).open()
    options = PageOptions(args.min_confidence, args.title, args.lang)
    if args.compare:
        made = _write_comparison(given, classifier, args.output, options, temporary=args.open)
    else:
        with closing(given.scored(classifier)) as found:
            first = next(found, None)
            made = first and _write(chain([first], found), given, args.output, options, temporary=args.open)
    if made is None:
        return FAILED
    print(made)
    status = given.status(made)
    if args.open:
        _open(made)
    return status


def _write(
    scored: Iterable[tuple[str, Document]],
    given: GivenTexts,
    output: str | None,
    options: PageOptions,
    temporary: bool,
) -> Path:
    """Write the page or pages and return the one to open; without an output, in the current or a temporary folder."""
    names = given.names
    if output is not None and not _is_folder(output):
        return _write_page(Path(output), scored, given, options)
    if output is not None:
        return _write_folder(Path(output), scored, names, options)
    parent = Path(tempfile.mkdtemp(prefix="certainty-")) if temporary else Path()
    if given.are_many:
        return _write_folder(parent / _FOLDER, scored, names, options)
    target = parent / f"{'stdin' if names[0] == STDIN else Path(names[0]).stem}.html"
    check_replaceable(target)
    return _write_page(target, scored, given, options)


def _check_comparable(args: argparse.Namespace, given: GivenTexts) -> None:
    """Check the inputs and options of a comparison before any text is scored.

    Raises:
        CertaintyError: If there are not two texts, or if an option or the output does not suit a comparison.
    """
    if len(given.names) != 2:
        raise CertaintyError(f"--compare takes two texts, the old version and the new one; {len(given.names)} given.")
    if args.output and _is_folder(args.output):
        raise CertaintyError(f"{args.output}: --compare writes one page; give its name, such as changes.html.")
    if args.min_confidence is not None:
        raise CertaintyError("--min-confidence: a comparison shows every label; leave it out.")


def _write_comparison(
    given: GivenTexts, classifier: CertaintyClassifier, output: str | None, options: PageOptions, temporary: bool
) -> Path | None:
    """Write the page of two versions and a summary on standard error; return None if a version cannot be read.

    Raises:
        CertaintyError: If an input is a table, or the page cannot be written.
    """
    from certainty.comparison import compare
    from certainty.views.html import render_comparison

    with closing(given.scored(classifier)) as scored:
        versions = [document for _, document in scored]
    if given.failed:
        return None
    if len(versions) != 2:
        raise CertaintyError("--compare takes two texts, not tables; give each version as a file of its own.")
    old, new = ("stdin" if name == STDIN else _short(name) for name in given.names)
    if output is None:
        parent = Path(tempfile.mkdtemp(prefix="certainty-")) if temporary else Path()
        target = parent / f"{Path(old).stem}-{Path(new).stem}.html"
        check_replaceable(target)
    else:
        target = Path(output)
    comparison = compare(versions[0], versions[1])
    with destination(target, given.names) as out:
        out.write(render_comparison(comparison, options.title or f"{old} → {new}", options.lang))
    print(comparison.summary(), file=sys.stderr)
    return target


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _write_page(target: Path, scored: Iterable[tuple[str, Document]], given: GivenTexts, options: PageOptions) -> Path:
    from certainty.views.html import render_page

    with destination(target, given.names) as out:
        names, documents = zip(*scored, strict=True)
        if not given.are_many:
            names = (_short(names[0]),)
        out.write(render_page(documents, names, options.min_confidence, title=options.title, lang=options.lang))
    return target


def _write_folder(folder: Path, scored: Iterable[tuple[str, Document]], names: list[str], options: PageOptions) -> Path:
    from certainty.views.categories import category_counts
    from certainty.views.html import IndexEntry, render_index, render_page

    entries: list[IndexEntry] = []
    taken = {Path(_INDEX).stem, *RESERVED_STEMS}
    folder_of_all = _shared_folder(names)
    with filled_at_the_end(folder, names) as draft:
        for name, document in scored:
            address = f"{unique_stem(name, taken)}.html"
            title = name.removeprefix(folder_of_all) or Path(address).stem  # a row without an id
            page = render_page([document], [title], options.min_confidence, index=_INDEX, lang=options.lang)
            (draft / address).write_text(page, encoding="utf-8", newline="")
            entries.append(IndexEntry(title, address, category_counts([document], options.min_confidence)))
        index = render_index(entries, options.title, options.lang)
        (draft / _INDEX).write_text(index, encoding="utf-8", newline="")
    return folder / _INDEX


def _shared_folder(names: list[str]) -> str:
    """Return the beginning that the names of all files share, up to the last folder; the reader knows it already."""
    folders = [name.removesuffix(os.path.basename(name)) for name in names]
    shared = os.path.commonprefix(folders)  # noqa: RUF071 - cut back to a whole folder
    return shared[: shared.rfind(os.sep) + 1]


def _short(name: str) -> str:
    """Return the name of a text without its folders, which is enough to identify a single text."""
    return Path(name).name


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        raise CertaintyError(f"{page}: no web browser was found; open the page by hand.")
