"""The annotation tools, each with the same three functions."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol, TextIO, cast

from certainty.labelled import LabelledSentence
from certainty.labelling.tasks import Task


class Imported(NamedTuple):
    """What came back from a tool: the labelled sentences, and how many tasks were skipped or not labelled yet."""

    sentences: list[LabelledSentence]
    skipped: int


class Tool(Protocol):
    """What the module of a tool has."""

    NEXT_STEPS: str
    """What to do with the files, for people; `{name}` is the name of the task file."""

    def write(self, tasks: Iterable[Task], out: TextIO) -> None:
        """Write the tasks in the tool's import format."""

    def companions(self, name: str) -> dict[str, str]:
        """Return the files that the tool takes beside the tasks of that file name: ending of the name, content."""

    def read(self, path: Path) -> Imported:
        """Read the tool's export."""


def tool(name: str) -> Tool:
    """Return the module of a tool, such as "label-studio"."""
    return cast(Tool, import_module(f"certainty.labelling.{name.replace('-', '_')}"))
