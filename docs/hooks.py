"""What MkDocs takes from the repository into the site: parts of other files, and the help of every command.

The pages are also read in the repository, where links lead to any file and nothing is included. In the site:

- A link to a file outside `docs/pages/` becomes an address on GitHub, but for those that the site has as downloads.
- `<!-- include: FILE -->` and the line after it, which is a link to the file, give way to the content of the file, and
  `<!-- include: FILE:SECTION -->` to a section of it.
"""

from __future__ import annotations

import argparse
import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from certainty.cli import build_parser

PAGES = "docs/pages/"
REPOSITORY = "https://github.com/certainty-fr/certainty/blob/main/"
EXAMPLES = "docs/examples/"
DOWNLOADS = ("archive.csv", "archive.ipynb")
"""Files of the examples that the site has in its folder `examples`: a notebook, and what it reads beside it."""
COMMANDS = "reference/commands.md"
WIDTH = 84


def on_files(files: Any, config: Any) -> Any:
    """Add the downloads to the files of the site."""
    from mkdocs.structure.files import File

    folder = Path(config.config_file_path).parent / "examples"
    for name in DOWNLOADS:
        files.append(File.generated(config, f"examples/{name}", abs_src_path=str(folder / name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page as the site shows it; that of the commands ends with a section for each."""
    markdown = re.sub(r"^<!-- include: (\S+) -->\n.*", _included, markdown, flags=re.MULTILINE)
    markdown = re.sub(r"(?<=\]\()\.\./[^)]+", lambda link: _address(link[0], page.file.src_uri), markdown)
    if page.file.src_uri != COMMANDS:
        return markdown
    os.environ["COLUMNS"] = str(WIDTH)
    parsers = _commands(build_parser())
    return markdown + "".join(f"\n## {p.prog}\n\n```text\n{p.format_help()}```\n" for p in parsers)


def _included(found: re.Match[str]) -> str:
    snippet = f'--8<-- "{found[1]}"'
    language = "python" if found[1].endswith(".py") else "text"
    return snippet if ":" in found[1] else f"```{language}\n{snippet}\n```"


def _address(link: str, page: str) -> str:
    """Return where a link that leaves the pages leads: to a download, or to GitHub; other links as they are."""
    target = posixpath.normpath(posixpath.join(PAGES, posixpath.dirname(page), link))
    if target.removeprefix(EXAMPLES) in DOWNLOADS:
        return posixpath.relpath(f"examples/{posixpath.basename(target)}", posixpath.dirname(page))
    return link if target.startswith(PAGES) else REPOSITORY + target


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers that have no subcommands of their own."""
    subcommands = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for choices in subcommands:
        for subcommand in choices.values():
            yield from _commands(subcommand)
    if not subcommands:
        yield parser
