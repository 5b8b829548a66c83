"""Sort labelled rows that the shipped model has not seen by domain, for `benchmarks.learning_curve`.

    python -m benchmarks.domains --constructions train_constructions.jsonl --text opinion_and_general.txt.xz \
        --output domains.jsonl

The rows of `train_constructions.jsonl` are sentences of three texts: of the press, which is left out; of Europarl; and
of `opinion_and_general.txt`, whose parts are told apart by their place in it. The invented rows are those of
`training/data/grammar.jsonl` in registers other than the press. The shipped model 0.4.0 was trained on neither; but
the unlabelled text for which it learned the answers of teachers may have some of these sentences.
"""

from __future__ import annotations

import argparse
import json
import lzma
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from certainty.json_lines import write_json_lines
from certainty.writing import whole_file

PARTS = (
    (0, "opinion"),  # blogs and their comments
    (14_790, "parliament"),  # debates of the Assemblée nationale
    (35_285, "talks"),  # TED, translated
    (58_455, "parliament"),  # sentences of debates to be read aloud, Common Voice
    (64_156, "literature"),  # sentences of novels and plays to be read aloud, Common Voice
    (118_000, "everyday"),  # Tatoeba
    (162_988, "official"),  # dossiers of bills; encyclopaedia
)
"""The first line, counted from 0, of each part of `opinion_and_general.txt`."""
PRESS = ("press", "paper", "regional", "agency", "magazine", "tabloid")
"""What the names of registers of the press contain, in `training/data/grammar.jsonl`."""
GRAMMAR = Path("training/data/grammar.jsonl")


def natural(constructions: Path, text: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of Europarl and of `opinion_and_general.txt`, with the domain as `corpus`."""
    with lzma.open(text, "rt", encoding="utf-8") as file:
        whole = file.read()
    starts, names = [first for first, _ in PARTS], [name for _, name in PARTS]
    for row in _rows(constructions):
        if row["corpus"] == "EuroparlText":
            yield {**row, "corpus": "parliament"}
        elif row["corpus"] == "OpinionText":
            line = whole.count("\n", 0, whole.index(row["text"]))
            yield {**row, "corpus": names[bisect_right(starts, line) - 1]}


def invented(grammar: Path = GRAMMAR) -> Iterator[dict[str, Any]]:
    """Yield the invented rows that do not imitate the press.

    No number of a quadruple is a multiple of 5, as training would hold that one out.
    """
    for row in _rows(grammar):
        if not any(word in row["register"] for word in PRESS):
            yield {**row, "corpus": "invented", "quad": 5 * int(row["quad"]) + 1}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.domains", description=__doc__.partition("\n")[0])
    parser.add_argument("--constructions", type=Path, required=True, help="train_constructions.jsonl, with the texts")
    parser.add_argument("--text", type=Path, required=True, help="opinion_and_general.txt.xz")
    parser.add_argument("--output", type=Path, required=True, help="file of the rows, never to be distributed")
    options = parser.parse_args(arguments)
    rows = [*natural(options.constructions, options.text), *invented()]
    with whole_file(options.output) as file:
        write_json_lines(rows, file)
    print(", ".join(f"{count} {name}" for name, count in Counter(row["corpus"] for row in rows).most_common()))


if __name__ == "__main__":
    main()
