"""Fuzz the targets, each in processes of its own.

python -m benchmarks.fuzz [TARGET …] [--seconds 180] [--corpus FOLDER]
python -m benchmarks.fuzz [TARGET …] --inputs 10000000 --jobs 2 --corpus FOLDER

The first fuzzes each target once. The second goes on, in rounds of --seconds, until FOLDER/log.jsonl has so many inputs
in all and every target has had the same time; stopped and started again, it goes on from there.

A crash, a broken promise, an input that takes over 30 seconds or a process over 2 GB ends the rounds of its target, and
the run with status 1; the input is saved in the corpus folder, and `--replay FILE` runs it again. A failure in the log
counts for later runs too: once it is mended, delete its line from log.jsonl.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.fuzz.rounds import Round, fuzz, read_log, rounds_until
from benchmarks.fuzz.targets import TARGETS


def main() -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=180, help="of a round (default: %(default)s)")
    parser.add_argument("--corpus", type=Path, help="folder to keep the inputs in (default: a temporary one)")
    parser.add_argument("--inputs", type=int, metavar="N", help="go on until the log in --corpus has N inputs in all")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time, with --inputs (default: %(default)s)")
    parser.add_argument("--replay", type=Path, help="run one input, on the only target that is given")
    options = parser.parse_args()
    targets = options.targets or list(TARGETS)
    if unknown := set(targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if options.inputs is not None and options.corpus is None:
        parser.error("--inputs needs --corpus, a folder that is kept")
    if options.replay:
        (target,) = options.targets
        TARGETS[target](options.replay.read_bytes())
        return 0
    failed = False
    with TemporaryDirectory(prefix="certainty-fuzz-") as temporary:
        corpus = options.corpus or Path(temporary)
        corpus.mkdir(parents=True, exist_ok=True)
        log = corpus / "log.jsonl"
        rounds: Iterator[Round] = (fuzz(target, options.seconds, corpus) for target in targets)
        if options.inputs is not None:
            for one in (one for one in read_log(log) if one.failed and one.target in targets):
                print(f"{one} on {one.date}", flush=True)
                failed = True
            rounds = rounds_until(options.inputs, targets, options.seconds, options.jobs, corpus, log)
        try:
            for one in rounds:
                total = (
                    f"; {sum(each.inputs for each in read_log(log)):,} of {options.inputs:,}" if options.inputs else ""
                )
                print(f"{one}{total}", flush=True)
                failed = failed or one.failed
        except KeyboardInterrupt:
            print("stopped; with --inputs, the same command goes on.", file=sys.stderr)
            return 130
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
