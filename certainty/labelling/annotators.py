"""Group the rows of several annotators by sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from certainty.errors import CertaintyError
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labelling.choices import category
from certainty.messages import argument

Source = tuple[str, Sequence[LabelledSentence]]
"""A name and rows; the name is used for rows without an annotator."""
Answers = dict[str, LabelledSentence]
"""Rows of one sentence by annotator."""

logger = logging.getLogger(__name__)


def read_sources(
    files: Sequence[str], read: Callable[[str], Sequence[LabelledSentence]] = read_labelled
) -> list[Source]:
    """Read labelled files; sources are named by file stem, or by the given path if two stems are the same.

    Args:
        files: The files.
        read: Reads the rows of a file.

    Raises:
        CertaintyError: see `certainty.labelled.read_labelled`.
    """
    stems = [Path(name).stem for name in files]
    names = stems if len(set(stems)) == len(stems) else files
    return [(name, read(file)) for name, file in zip(names, files, strict=True)]


def by_sentence(sources: Sequence[Source]) -> dict[str, Answers]:
    """Group rows by sentence, then by annotator.

    Sentences are the same by their id. Tools give ids of their own, so what only one annotator has under an id is
    joined with the same text under another, and an id that names another text in a later source is left out.

    Returns:
        Rows by id, or by text if there is no id, in input order.

    Raises:
        CertaintyError: an id names two texts in one source, or an annotator labelled a sentence twice.
    """
    table: dict[str, Answers] = {}
    texts: dict[str, tuple[str, str]] = {}  # of each id: the text, and the source that it is from
    other_texts = 0
    for source, sentences in sources:
        for sentence in sentences:
            text, first = texts.setdefault(sentence.id, (sentence.text, source)) if sentence.id else (sentence.text, "")
            if text != sentence.text:
                if first == source:
                    raise CertaintyError(
                        f"{source}: id {sentence.id!r} names two texts ({text[:40]!r}, {sentence.text[:40]!r}); give "
                        "each text its own id."
                    )
                other_texts += 1
                sentence = replace(sentence, id="")
            key, name = sentence.id or sentence.text, sentence.annotator or source
            row = table.setdefault(key, {})
            if name in row:
                raise CertaintyError(
                    f"{source}: annotator {name!r} labelled {key!r} twice ({category(row[name])}, "
                    f"{category(sentence)}); keep one, or name the annotators in a column `annotator`, or in that of "
                    f"{argument('annotator_column')}."
                )
            row[name] = sentence
    if other_texts:
        logger.warning(
            "%s an id that names another text in another file; matched by text instead.",
            "1 row has" if other_texts == 1 else f"{other_texts} rows have",
        )
    return _joined_by_text(table)


def _joined_by_text(table: dict[str, Answers]) -> dict[str, Answers]:
    joined: dict[str, Answers] = {}
    by_text: dict[str, list[str]] = {}
    for key, row in table.items():
        text = next(iter(row.values())).text
        earlier = by_text.setdefault(text, [])
        # A text that one annotator labelled under two ids counts as two sentences.
        free = (k for k in earlier if not joined[k].keys() & row.keys() and 1 in (len(row), len(joined[k])))
        same = next(free, None)
        if same is None:
            joined[key] = dict(row)
            earlier.append(key)
        else:
            joined[same].update(row)
    return joined
