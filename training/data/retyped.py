"""Retype a share of labelled sentences, with their cues and sources.

`python -m training.data.retyped --data train.jsonl --share 0.3 --output train_retyped.jsonl`

The result is trained on beside the originals, so that a model gives the same answer to a sentence in capitals or
without accents. Held-out groups are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from certainty.finetuning.splits import HELD_OUT_GROUPS
from certainty.json_lines import read_json_lines, write_json_lines
from certainty.writing import whole_file
from training.data.retyping import retyped
from training.program import tells_errors

SPANS = ("cues", "sources")


def retyped_rows(rows: Iterator[Mapping[str, Any]], share: float, seed: int) -> Iterator[dict[str, Any]]:
    """Retype a share of the rows and drop the others, those that no kind of typing changes, and held-out groups.

    Args:
        rows: Labelled rows, each with a `text`, and perhaps spans in `cues` and `sources`.
        share: Share of the rows to retype, from 0 to 1.
        seed: Seed for the choice of rows and kinds.

    Raises:
        CertaintyError: If the share is out of range.
    """
    for row in rows:
        result = retyped(row["text"], seed, share)
        quad = row.get("quad")
        if result.text == row["text"] or (quad is not None and int(quad) % HELD_OUT_GROUPS == 0):
            continue
        spans = {}
        for name in SPANS:
            if row.get(name) is not None:
                moved = (result.span(start, end) for start, end in row[name])
                spans[name] = [[start, end] for start, end in moved if end > start]
        yield {**row, "text": result.text, **spans}


@tells_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="JSONL", help="labelled sentences")
    parser.add_argument("--share", type=float, required=True, help="share of the sentences to retype")
    parser.add_argument("--seed", type=int, default=1, help="seed for the choice of sentences and kinds of typing")
    parser.add_argument("--output", type=Path, required=True, metavar="JSONL", help="file to write to")
    arguments = parser.parse_args(argv)
    rows = (row for path in arguments.data for _, row in read_json_lines(path))
    with whole_file(arguments.output, arguments.data) as out:
        write_json_lines(retyped_rows(rows, arguments.share, arguments.seed), out)


if __name__ == "__main__":
    sys.exit(main())
