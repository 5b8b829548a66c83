"""Common interface of the annotation tools."""

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
    """Labels imported from a tool.

    Attributes:
        mend: What to do if no label was imported.
        sentences: Labelled sentences, one for each annotator of a sentence.
        left: Number of tasks or answers left out, by reason.
        problems: Error messages of invalid answers, with file, task and value.
        notes: Further remarks for the user.
    """

    mend: str
    sentences: list[LabelledSentence] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def answer(self) -> Iterator[None]:
        """Record a `CertaintyError` raised in the block in `problems`, and continue."""
        try:
            yield
        except CertaintyError as error:
            self.problems.append(str(error))

    def left_out(self) -> str:
        """Describe what was left out, as text."""
        wrong = {"against the rules": len(self.problems)} if self.problems else {}
        return ", ".join(f"{reason}: {count}" for reason, count in {**self.left, **wrong}.items() if count)


class Tool(Protocol):
    """Interface of the module of a tool."""

    NEXT_STEPS: str
    """Instructions for the user; `{name}` is the name of the task file."""

    def write(self, tasks: Iterable[Task], out: TextIO) -> None:
        """Write the tasks in the tool's import format."""

    def companions(self, name: str) -> dict[str, str]:
        """Return the contents of additional files for the tool, by suffix to append to the task file's name."""

    def read(self, path: Path, reviewed: bool = False) -> Imported:
        """Read the tool's export.

        Args:
            path: The file.
            reviewed: Whether a person has reviewed all answers, so that answers equal to the prediction count as
                labels.

        Raises:
            CertaintyError: the file is not an export of the tool.
        """


def tool(name: str) -> Tool:
    """Return the module of a tool, such as "label-studio"."""
    return cast(Tool, import_module(f"certainty.labelling.{name.replace('-', '_')}"))
