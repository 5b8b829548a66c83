"""What the model does not read of a sentence: encoded data, and what follows its first 5,000 characters."""

from __future__ import annotations

import re

from certainty.normalising import Normalised, reading_form, without_spans

UNSPACED_CHARACTERS = 1000
"""Maximum length of a run without white space; a longer one is encoded data, as in the address of an image."""
SCORED_CHARACTERS = 5000
"""Maximum number of characters of a sentence that are scored."""

# A run is looked for only at its beginning, so that the time is linear.
_UNSPACED_RUN = re.compile(rf"(?<!\S)\S{{{UNSPACED_CHARACTERS + 1},}}")


def read_form(sentence: str) -> Normalised:
    """Return the part of a sentence that the model reads, in the form in which it does.

    Args:
        sentence: A sentence, or any other text.

    Returns:
        The `certainty.normalising.reading_form` of the sentence without its runs of more than `UNSPACED_CHARACTERS`
        characters without white space, up to `SCORED_CHARACTERS` characters. It may be empty.
    """
    form = _without_runs(sentence)
    return form.first(SCORED_CHARACTERS) if len(form.text) > SCORED_CHARACTERS else form


def unread_characters(sentence: str) -> int:
    """Return how many characters of a sentence the model does not read; invisible ones and markup do not count."""
    if len(sentence) <= UNSPACED_CHARACTERS:
        return 0
    return len(reading_form(sentence).text) - len(read_form(sentence).text)


def _without_runs(sentence: str) -> Normalised:
    form = reading_form(sentence)
    if len(form.text) <= UNSPACED_CHARACTERS:
        return form
    return without_spans(form, (match.span() for match in _UNSPACED_RUN.finditer(form.text)))
