"""Read texts whose sentences are known: treebanks, with their sentences joined, and paragraphs like scraped ones."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from certainty import CertaintyError
from certainty.labelled import read_labelled

PARAGRAPHS = Path(__file__).parent / "data" / "paragraphs.jsonl"


class Passage(NamedTuple):
    """A text with its true sentences.

    Attributes:
        group: Name of a group of passages whose boundaries are counted together.
        text: The text.
        sentences: Its sentences, in order.
    """

    group: str
    text: str
    sentences: list[str]


def read_treebanks(paths: Sequence[Path], corpus_prefix: str) -> list[Passage]:
    """Read treebanks; each group of sentences, joined by single spaces, becomes a passage.

    Groups are distinguished by the beginning of the sentence ids (in Sequoia: press, parliament, Wikipedia, medicine).
    Sentences are in document order (CoNLL-U) or in the order of their ids (labelled JSONL).

    Args:
        paths: CoNLL-U files, or labelled files whose rows have `id`, `text` and `corpus`.
        corpus_prefix: Only use rows of labelled files whose `corpus` begins with this; others were split by a program.

    Raises:
        CertaintyError: If a file cannot be read, or has no sentences.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        sentences = list(_read_conllu(path) if path.suffix == ".conllu" else _read_labelled(path, corpus_prefix))
        if not sentences:
            raise CertaintyError(
                f"{path}: no sentences. A .conllu file needs `# sent_id` and `# text` comments; a labelled file needs "
                f"rows whose `corpus` begins with {corpus_prefix!r}, or another prefix given by --corpus-prefix."
            )
        for corpus, sentence_id, text in sentences:
            groups[f"{corpus}/{re.split('[._-]', sentence_id)[0]}"].append(text)
    return [Passage(group, " ".join(sentences), sentences) for group, sentences in groups.items()]


def read_paragraphs(held_out: bool, path: Path = PARAGRAPHS) -> list[Passage]:
    """Read the invented paragraphs, which resemble scraped text and were split by hand; groups are kinds of difficulty.

    Args:
        held_out: True returns the third that was set aside before the splitter's rules were written, False the rest.
        path: A JSON Lines file with `kind`, `held_out`, `text`, `sentences` (character offsets).
    """
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Passage(row["kind"], row["text"], [row["text"][start:end] for start, end in row["sentences"]])
        for row in rows
        if row["held_out"] == held_out
    ]


def _read_conllu(path: Path) -> Iterable[tuple[str, str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CertaintyError(f"{path}: cannot be read: {error}. Give a CoNLL-U file in UTF-8.") from error
    sentence_id = ""
    for line in lines:
        name, _, value = line.partition(" = ")
        if name == "# sent_id":
            sentence_id = value
        elif name == "# text":
            yield path.stem.partition("-")[0], sentence_id, value


def _read_labelled(path: Path, corpus_prefix: str) -> Iterable[tuple[str, str, str]]:
    rows = sorted((row.id, row.corpus, row.text) for row in read_labelled(path) if row.corpus.startswith(corpus_prefix))
    for row_id, corpus, text in rows:
        yield corpus, row_id.rpartition(":")[2], text
