"""What MkDocs takes from the repository into the site: the help of every command, the metrics, the screenshots."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from certainty.cli import build_parser
from certainty.evaluation import metric_table

SCREENSHOTS = Path(__file__).parent / "screenshots"
COMMANDS = "reference/commands.md"
METRICS = "reference/metrics.md"
WIDTH = 84


def on_files(files: Files, config: Any, **_: Any) -> None:
    """Add the screenshots as `screenshots/….png`."""
    for path in sorted(SCREENSHOTS.glob("*.png")):
        files.append(File.generated(config, f"screenshots/{path.name}", abs_src_path=str(path)))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Append a section for each command to the page of the commands, and the table to that of the metrics."""
    if page.file.src_uri == METRICS:
        return f"{markdown}\n{metric_table.markdown()}"
    if page.file.src_uri != COMMANDS:
        return markdown
    os.environ["COLUMNS"] = str(WIDTH)
    parsers = _commands(build_parser())
    return markdown + "".join(f"\n## {p.prog}\n\n```text\n{p.format_help()}```\n" for p in parsers)


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers that have no subcommands of their own."""
    subcommands = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for choices in subcommands:
        for subcommand in choices.values():
            yield from _commands(subcommand)
    if not subcommands:
        yield parser
