"""The annotation tools, each with the same three functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol, TextIO, cast

from certainty.errors import CertaintyError
from certainty.labelled import LabelledSentence
from certainty.labelling.tasks import Task

UNLABELLED = "not labelled yet"
DRAFT = "drafts"
REJECTED = "skipped or rejected"
UNREVIEWED = "predictions that nobody reviewed"


@dataclass
class Imported:
    """What came back from a tool.

    Attributes:
        mend: What to do where no label came back.
        sentences: The labelled sentences, one for each annotator.
        left: How many tasks or answers were left out, by reason.
        problems: What is wrong with the answers that break the rules; each names file, task and value.
        notes: What else to mind.
    """

    mend: str
    sentences: list[LabelledSentence] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def answer(self) -> Iterator[None]:
        """Note what is wrong with one answer, and go on with the next."""
        try:
            yield
        except CertaintyError as error:
            self.problems.append(str(error))

    def left_out(self) -> str:
        """Return what was left out, in words."""
        wrong = {"against the rules": len(self.problems)} if self.problems else {}
        return ", ".join(f"{reason}: {count}" for reason, count in {**self.left, **wrong}.items() if count)


class Tool(Protocol):
    """What the module of a tool has."""

    NEXT_STEPS: str
    """What to do with the files, for people; `{name}` is the name of the task file."""

    def write(self, tasks: Iterable[Task], out: TextIO) -> None:
        """Write the tasks in the tool's import format."""

    def companions(self, name: str) -> dict[str, str]:
        """Return the files that the tool takes beside the tasks of that file name: ending of the name, content."""

    def read(self, path: Path, reviewed: bool = False) -> Imported:
        """Read the tool's export.

        Args:
            path: The file.
            reviewed: A person has approved every answer in it, so that one that equals the prediction is a label.

        Raises:
            CertaintyError: it is no export of the tool.
        """


def tool(name: str) -> Tool:
    """Return the module of a tool, such as "label-studio"."""
    return cast(Tool, import_module(f"certainty.labelling.{name.replace('-', '_')}"))
