"""Stand-off labels: the labels of a sentence and what is needed to find it again, without its text.

We may not publish the texts of the corpora, so a label identifies its sentence by length and SHA-256 digest. Hashing a
candidate of every labelled length at every word of a large corpus would take days. Therefore, a label also has a
checksum of the sentence's first characters, and the digest is only computed if the checksum matches. 16 bits are enough
(out of 19,000 labels, 0.3 match at a word on average) and too few to reveal anything: French has millions of openings
of 12 characters, so each value stands for many. The digest of the whole sentence, which can confirm a guess, is needed
in any case.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from certainty import CertaintyError
from certainty.json_lines import read_json_lines
from certainty.labelled import read_labelled
from certainty.writing import make_folder, write_whole

SUFFIX = ".jsonl.gz"
OPTIONAL = ("construction", "doubtful", "second_unknown")
OPENING = 12
"""Number of characters covered by the checksum of an opening."""
_ARTICLE = re.compile(r"\w+[:-]([^#]+)")


@dataclass(frozen=True)
class StandoffLabel:
    """The labels of one sentence, without the sentence.

    Attributes:
        id: Corpus, article and number in the article (`orangesum-12#3`), or corpus and sentence
            (`gsd:fr-ud-dev_00012`).
        corpus: Name of the corpus.
        label, second, attributed, claim, annotators: As in the labelled file.
        cues: [start, end] character offsets into the sentence.
        length: Number of characters of the sentence.
        sha256: Hexadecimal digest of the sentence in UTF-8.
        opening: The low 16 bits of the CRC-32 of its first 12 characters in UTF-8.
        construction: Why the sentence was selected, or None.
        doubtful: Whether a careful reader could give another label.
        second_unknown: Whether a second claim may have been overlooked, so that `second` is None.
    """

    id: str
    corpus: str
    label: str | None
    second: str | None
    attributed: bool | None
    claim: bool
    cues: list[list[int]] | None
    annotators: int | None
    length: int
    sha256: str
    opening: int
    construction: str | None = None
    doubtful: bool = False
    second_unknown: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> StandoffLabel:
        """Create the stand-off label of a row with text."""
        text, label = row["text"], row["label"]
        return cls(
            id=row["id"],
            corpus=row["corpus"],
            label=label,
            second=row.get("second"),
            attributed=row.get("attributed"),
            claim=row.get("claim", label is not None),
            cues=row.get("cues"),
            annotators=row.get("annotators"),
            length=len(text),
            sha256=digest(text),
            opening=opening_checksum(text[:OPENING]),
            construction=row.get("construction"),
            doubtful=bool(row.get("doubtful")),
            second_unknown="second" not in row,
        )

    def with_text(self, text: str, sources: list[list[int]] | None = None) -> dict[str, Any]:
        """Return the row of a labelled file that `certainty.labelled` can read.

        Args:
            text: The sentence.
            sources: Spans of the words that name the source, if annotated.
        """
        names = ("label", "claim", "second", "attributed", "cues", "corpus", "annotators")
        row = {"id": self.id, "text": text} | {name: getattr(self, name) for name in names}
        row |= {name: value for name in OPTIONAL if (value := getattr(self, name))}
        if row.pop("second_unknown", False):
            del row["second"]
        return row if sources is None else row | {"sources": sources}

    def to_row(self) -> dict[str, Any]:
        """Return the row of a label file, without optional members that are empty."""
        return {name: value for name, value in asdict(self).items() if name not in OPTIONAL or value}

    def names(self) -> set[str]:
        """Return the possible names of the sentence or its article in a source, such as `orangesum-12` and `12`."""
        article = _ARTICLE.match(self.id)
        return {self.id, *([article[0], article[1]] if article else [])}


def write_labels(files: Iterable[str | Path], output: str | Path) -> list[Path]:
    """Write the labels of each labelled `NAME.jsonl`, without text, to `NAME.jsonl.gz`, and return the paths.

    Raises:
        CertaintyError: If a row is invalid or has no id or corpus, an id appears twice, or a text is not single-spaced.
    """
    written = []
    for file in map(Path, files):
        if file.suffix != ".jsonl":
            raise CertaintyError(f"{file}: labels can only be created from .jsonl files.")
        read_labelled(file)  # raises an error for invalid rows
        labels: dict[str, StandoffLabel] = {}
        for number, row in read_json_lines(file):
            where = f"{file}, line {number}"
            for name in ("id", "corpus"):
                if not isinstance(row.get(name), str) or not row[name]:
                    raise CertaintyError(f"{where}: {name} is {row.get(name)!r}; write a name.")
            if row["id"] in labels:
                raise CertaintyError(f"{where}: id {row['id']!r} is used twice; give each sentence its own id.")
            if row["text"] != single_spaced(row["text"]):
                raise CertaintyError(f"{where}: text has white space other than single spaces; replace it.")
            labels[row["id"]] = StandoffLabel.of(row)
        path = Path(output) / f"{file.stem}{SUFFIX}"
        # With mtime=0, the same labels always give the same file.
        make_folder(path.parent)
        write_whole(path, gzip.compress(json_lines(label.to_row() for label in labels.values()), mtime=0))
        written.append(path)
    return written


def read_labels(file: str | Path) -> list[StandoffLabel]:
    """Read a file written by `write_labels`.

    Raises:
        CertaintyError: If it is not such a file. The message names the line.
    """
    labels = []
    for number, row in read_json_lines(file):
        try:
            labels.append(StandoffLabel(**row))
        except TypeError as error:
            raise CertaintyError(f"{file}, line {number}: not a label ({error}). Create the file again.") from error
    return labels


def read_sources(file: str | Path) -> dict[tuple[str, str], list[list[int]]]:
    """Return the spans of the words that name the source, by split and id; empty if no source is named."""
    return {(row["set"], row["id"]): row["sources"] for _, row in read_json_lines(file)}


def single_spaced(text: str) -> str:
    """Replace each run of white space by a single space, and strip the ends."""
    return " ".join(text.split())


def digest(text: str) -> str:
    """Return the hexadecimal SHA-256 digest of the text in UTF-8."""
    return hashlib.sha256(_bytes(text)).hexdigest()


def opening_checksum(opening: str) -> int:
    """Return the low 16 bits of the CRC-32 of the opening in UTF-8."""
    return zlib.crc32(_bytes(opening)) & 0xFFFF


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the rows as compact JSON Lines in UTF-8."""
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows).encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON may hold lone surrogates
