"""Portions of sentences for readers who label them, and labelled rows from what they wrote.

    python -m training.data.readings split --rows to_read.jsonl --size 900 --output portions
    python -m training.data.readings join --rows to_read.jsonl --readings read_*.tsv --output train_active.jsonl

A portion has a line `id⇥sentence` for each sentence, and nothing that tells what a model thinks of it. A reader writes
a line of six fields for each: id, label (A, P, O, D, or N for no claim), label of a second claim, `r` or `a`
(attributed to a source, or by the author), cues, and the words that name the source. Several cues or sources are
separated by ` | `; `-` stands for none. If several read a sentence, the most frequent label counts, and the first
reading with it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from certainty import CertaintyError
from certainty.json_lines import read_json_lines, write_json_lines
from certainty.labels import Label
from certainty.writing import make_folder, whole_file, write_whole
from training.program import tells_errors

CODES: dict[str, Label | None] = {
    "A": Label.ASSERTED,
    "P": Label.PROBABLE,
    "O": Label.PERSONAL_OPINION,
    "D": Label.DENIED,
    "N": None,
}
NONE, BETWEEN = "-", " | "
_SAME = str.maketrans({"’": "'", "\u00a0": " ", "\u202f": " "})  # a reader does not copy these exactly


class Reading(NamedTuple):
    """What a reader wrote about one sentence; the fields are those of a line."""

    id: str
    label: str
    second: str
    attributed: str
    cues: str
    sources: str


def read_readings(path: Path) -> list[Reading]:
    """Read the lines of one reader.

    Raises:
        CertaintyError: If a line has other than six fields, a code is unknown, or a sentence is read twice.
    """
    readings: dict[str, Reading] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split("\t")
        where = f"{path}, line {number}"
        if len(fields) != len(Reading._fields):
            raise CertaintyError(f"{where}: {len(fields)} fields; write {len(Reading._fields)}, separated by tabs.")
        reading = Reading(*fields)
        if reading.label not in CODES or reading.second not in {*CODES, NONE} - {"N"}:
            raise CertaintyError(f"{where}: label {reading.label!r}, second {reading.second!r}; write A, P, O, D or N.")
        if reading.attributed not in ("r", "a"):
            raise CertaintyError(f"{where}: {reading.attributed!r} is neither r nor a.")
        if reading.id in readings:
            raise CertaintyError(f"{where}: {reading.id!r} has a reading already; a second one goes into another file.")
        readings[reading.id] = reading
    return list(readings.values())


def find_span(words: str, text: str, pronoun: bool = False) -> list[int] | None:
    """Return the offsets of the first whole occurrence of the words in the text, or None.

    Args:
        words: Words that a reader copied.
        text: The sentence.
        pronoun: Whether an occurrence after a hyphen goes first, as in "a-t-il".
    """
    words, text = words.translate(_SAME), text.translate(_SAME)
    before, after = (r"(?<!\w)" if words[:1].isalnum() else ""), (r"(?!\w)" if words[-1:].isalnum() else "")
    found = [match.span() for match in re.finditer(f"{before}{re.escape(words)}{after}", text)] if words else []
    inverted = [span for span in found if pronoun and text[: span[0]].endswith("-")]
    return list((inverted or found)[0]) if found else None


def to_row(row: Mapping[str, Any], readings: Sequence[Reading]) -> dict[str, Any]:
    """Return the labelled row of a sentence from the readings of it.

    A second claim is unknown where the reading has none: readers overlook them.

    Args:
        row: `id`, `text`, `corpus` and `construction`.
        readings: One or more; of labels that are equally frequent, that of the last reader counts.

    Raises:
        CertaintyError: If a cue or source is not in the sentence.
    """
    votes = Counter(reading.label for reading in reversed(readings))
    label = votes.most_common(1)[0][0]
    reading = next(reading for reading in readings if reading.label == label)

    def spans(words: str, pronoun: bool = False) -> list[list[int]]:
        found = []
        for part in words.split(BETWEEN) if words != NONE else ():
            span = find_span(part, row["text"], pronoun)
            if span is None:
                raise CertaintyError(f"{row['id']}: {part!r} is not in the sentence {row['text']!r}; copy it exactly.")
            found.append(span)
        return found

    claim = CODES[label] is not None
    labelled = dict(row) | {"label": CODES[label], "claim": claim, "annotators": len(readings)}
    if not claim:
        return labelled | {"second": None, "attributed": False, "cues": []}
    if reading.second not in (NONE, label):
        labelled["second"] = CODES[reading.second]
    labelled |= {"attributed": reading.attributed == "r", "cues": sorted(spans(reading.cues))}
    return labelled | ({"sources": spans(reading.sources, pronoun=True)} if reading.attributed == "r" else {})


def join(rows: Iterable[Mapping[str, Any]], files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return a labelled row for each sentence that was read, in the order of the rows.

    Raises:
        CertaintyError: See `read_readings` and `to_row`; or if an id is unknown, or two rows have the same.
    """
    rows = list(rows)
    twice = [id for id, count in Counter(row["id"] for row in rows).items() if count > 1]
    if twice:
        raise CertaintyError(f"Two rows have the id {twice[0]!r}; give each its own.")
    readings: dict[str, list[Reading]] = {}
    for file in files:
        for reading in read_readings(file):
            readings.setdefault(reading.id, []).append(reading)
    joined = [to_row(row, readings.pop(row["id"])) for row in rows if row["id"] in readings]
    if readings:
        raise CertaintyError(f"{next(iter(readings))!r} is not an id of the rows; give the rows that the readers had.")
    return joined


@tells_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("task", choices=("split", "join"))
    parser.add_argument("--rows", type=Path, required=True, metavar="JSONL", help="of training.data.to_read")
    parser.add_argument("--size", type=int, default=900, help="split: sentences of a portion")
    parser.add_argument("--readings", nargs="+", type=Path, default=[], metavar="TSV", help="join: what readers wrote")
    parser.add_argument("--output", type=Path, required=True, help="split: a folder; join: a JSONL file")
    arguments = parser.parse_args(argv)
    rows = [row for _, row in read_json_lines(arguments.rows)]
    if arguments.task == "join":
        joined = join(rows, arguments.readings)
        with whole_file(arguments.output, [arguments.rows, *arguments.readings]) as out:
            write_json_lines(joined, out)
        return
    folder = make_folder(arguments.output)
    for start in range(0, len(rows), arguments.size):
        lines = (f"{row['id']}\t{row['text']}\n" for row in rows[start : start + arguments.size])
        write_whole(folder / f"portion_{start // arguments.size:02}.tsv", "".join(lines))


if __name__ == "__main__":
    sys.exit(main())
