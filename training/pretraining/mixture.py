"""Mix the text for adapting an encoder, and retype a share of it.

`python -m training.pretraining.mixture --text FOLDER --shares news.txt.xz=0.5 … --words 19000000 --output runs/mixture`

Paragraphs are drawn at random from each file up to its share of the words, so that the largest file does not dominate.
A share of the paragraphs is replaced by a retyped version (`training.data.retyping`). The output files have the
names of the input files.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from certainty import CertaintyError
from training.data.retyping import retyped
from training.data.text import read_paragraphs, text_files
from training.pretraining.tokenizer import sample_paragraphs
from training.program import tells_errors

logger = logging.getLogger(__name__)

SHARES = {"news.txt.xz": 0.5, "opinion_and_general.txt.xz": 0.3, "europarl.txt.xz": 0.2}
RETYPED = 0.15


def mix(
    files: Sequence[Path], shares: Mapping[str, float], words: int, output: Path, retyped_share: float, seed: int
) -> dict[str, dict[str, int]]:
    """Write the mixture.

    Args:
        files: Text files with one paragraph per line.
        shares: Share of the words for each file name. A file that is too short is used completely.
        words: Number of words of all files together.
        output: Folder to write to; all files are uncompressed .txt.
        retyped_share: Share of the paragraphs to retype.
        seed: Seed for the choice and the retyping.

    Returns:
        For each file, the number of `paragraphs` written, and how many of these were `retyped`.

    Raises:
        CertaintyError: If a share is given for a file that does not exist, or a file has no share.
    """
    names = {file.name for file in files}
    if names != set(shares):
        raise CertaintyError(f"--shares names {sorted(shares)}, the text is {sorted(names)}; name each file once.")
    output.mkdir(parents=True, exist_ok=True)
    report = {}
    for file in files:
        drawn = sample_paragraphs(read_paragraphs(file), round(words * shares[file.name]), seed)
        counts = {"paragraphs": 0, "retyped": 0}
        with (output / file.name.removesuffix(".xz")).open("w", encoding="utf-8") as lines:
            for paragraph in drawn:
                typed = retyped(paragraph, seed, retyped_share).text
                counts["paragraphs"] += 1
                counts["retyped"] += typed != paragraph
                lines.write(typed + "\n")
        report[file.name] = counts
        logger.info("%s: %d paragraphs, %d of them retyped", file.name, counts["paragraphs"], counts["retyped"])
    return report


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.pretraining.mixture", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--text", nargs="+", required=True, help=".txt and .txt.xz files, or folders of them")
    parser.add_argument("--shares", nargs="+", metavar="NAME=SHARE", help=f"share of each file (default: {SHARES})")
    parser.add_argument("--words", type=int, default=19_000_000, help="number of words of all files together")
    parser.add_argument("--retyped", type=float, default=RETYPED, help="share of the paragraphs to retype")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    shares = dict(_share(value) for value in args.shares) if args.shares else SHARES
    mix(text_files(args.text), shares, args.words, args.output, args.retyped, args.seed)


def _share(value: str) -> tuple[str, float]:
    name, _, share = value.rpartition("=")
    try:
        return name, float(share)
    except ValueError:
        raise CertaintyError(f"--shares: {value!r} is not NAME=SHARE, such as news.txt.xz=0.5.") from None


if __name__ == "__main__":
    sys.exit(main())
