"""Count the texts of an archive that look damaged or are not French: a warning for each would hide the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from certainty.documents.damage import MOST_NOISE, machine_text, mojibake, noise, repaired
from certainty.documents.language import foreign_share
from certainty.documents.reader import ReadingOptions
from certainty.errors import CertaintyError
from certainty.messages import argument

logger = logging.getLogger(__name__)

_MOST_FOREIGN = 0.3
_ACCENTS = "accents decoded wrongly; {fix_encoding} repairs them"
_UNDECODABLE = "bytes that could not be decoded, read as U+FFFD"
_NOT_FRENCH = "a language other than French, which the model does not know"


class Doubts:
    """How many texts are doubtful in which way, and the place of the first."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    @property
    def found(self) -> dict[str, tuple[int, str]]:
        """For each kind of doubt, the number of its texts and the place of the first."""
        return dict(self._found)

    def add(self, found: Mapping[str, tuple[int, str]]) -> None:
        """Add what another process has found."""
        for what, (count, where) in found.items():
            self._note(what, where, count)

    def checked(self, text: str, where: str, options: ReadingOptions, is_file: bool) -> str:
        """Return a text, repaired if that is asked for, and note what is doubtful in it.

        Raises:
            CertaintyError: If it is mostly markup or undecodable or, as a file, a log or the source of a mail, and
                `options.force` is false.
            MissingExtraError: If a library for the repair is not installed.
        """
        if mojibake(text):
            if options.fix_encoding:
                text = repaired(text)
            else:
                self._note(_ACCENTS, where)
        if not options.force and (share := noise(text)) > MOST_NOISE:
            raise CertaintyError(
                f"{where}: {share:.0%} of it is markup, encoded or undecodable data; give its text, or "
                f"{argument('force', True)} to score it anyway."
            )
        if is_file and not options.force and (source := machine_text(text, Path(where).suffix)):
            what, mend = source
            raise CertaintyError(f"{where}: is {what}; {mend}, or {argument('force', True)} to score it as it is.")
        if "\ufffd" in text:
            self._note(_UNDECODABLE, where)
        if (found := foreign_share(text)) and found[0] > _MOST_FOREIGN:
            self._note(_NOT_FRENCH, where)
        return text

    def log(self) -> None:
        """Log one warning for each kind of doubt."""
        for line in self._lines():
            logger.warning(line)

    def _note(self, what: str, where: str, texts: int = 1) -> None:
        count, first = self._found.get(what, (0, where))
        self._found[what] = count + texts, first

    def _lines(self) -> Iterator[str]:
        mend = argument("fix_encoding", True)
        for what, (count, first) in self._found.items():
            told = what.format(fix_encoding=mend)
            yield f"{'1 text has' if count == 1 else f'{count:,} texts have'} {told} (first: {first})."
