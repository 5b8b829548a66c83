"""Count the texts of an archive that look damaged or are not French: a warning for each would hide the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from certainty.documents.damage import MOST_NOISE, machine_text, mojibake, noise, repaired
from certainty.documents.language import foreign_share
from certainty.documents.reader import ReadingOptions
from certainty.errors import CertaintyError

logger = logging.getLogger(__name__)

_MOST_FOREIGN = 0.3
_ACCENTS = "accents decoded wrongly; --fix-encoding repairs them"
_UNDECODABLE = "bytes that could not be decoded, read as U+FFFD"
_NOT_FRENCH = "a language other than French, which the model does not know"


class Doubts:
    """How many texts are doubtful in which way, and the place of the first."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

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
                f"{where}: {share:.0%} of it is markup, encoded or undecodable data; give its text, or --force to "
                "score it anyway."
            )
        if is_file and not options.force and (what := machine_text(text)):
            raise CertaintyError(f"{where}: is {what}; give the text that is in it, or --force to score it as it is.")
        if "\ufffd" in text:
            self._note(_UNDECODABLE, where)
        if (found := foreign_share(text)) and found[0] > _MOST_FOREIGN:
            self._note(_NOT_FRENCH, where)
        return text

    def log(self) -> None:
        """Log one warning for each kind of doubt."""
        for line in self._lines():
            logger.warning(line)

    def _note(self, what: str, where: str) -> None:
        count, first = self._found.get(what, (0, where))
        self._found[what] = count + 1, first

    def _lines(self) -> Iterator[str]:
        for what, (count, first) in self._found.items():
            yield f"{'1 text has' if count == 1 else f'{count:,} texts have'} {what} (first: {first})."
