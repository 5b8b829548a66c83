"""Leave out the sentences that are in held-out files, or nearly the same as one there.

`python -m training.data.apart --data corpus/train*.jsonl --held-out corpus/dev_natural.jsonl corpus/test.jsonl`

The files are written anew, each beside its number of dropped rows. Run it before anything is made of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from certainty.evaluation.leakage import near_duplicates
from certainty.json_lines import read_json_lines, write_json_lines
from certainty.labelled import LabelledSentence, read_labelled
from certainty.writing import whole_file
from training.program import tells_errors


def drop_held_out(path: Path, held_out: Sequence[LabelledSentence]) -> int:
    """Write a file of labelled sentences again without those that are held out; return how many were dropped.

    Raises:
        CertaintyError: If a file cannot be read or written.
    """
    dropped = {text for text, _ in near_duplicates(held_out, read_labelled(path))}
    rows = [row for _, row in read_json_lines(path)]
    kept = [row for row in rows if row["text"] not in dropped]
    if len(kept) < len(rows):
        with whole_file(path) as out:
            write_json_lines(kept, out)
    return len(rows) - len(kept)


@tells_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="JSONL", help="files to write anew")
    parser.add_argument(
        "--held-out", nargs="+", type=Path, required=True, metavar="JSONL", help="files to be apart from"
    )
    arguments = parser.parse_args(argv)
    held_out = read_labelled(arguments.held_out)
    for path in arguments.data:
        print(f"{path}: {drop_held_out(path, held_out)} dropped")


if __name__ == "__main__":
    sys.exit(main())
