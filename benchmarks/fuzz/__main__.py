"""Fuzz the targets one after the other, each in a process of its own.

python -m benchmarks.fuzz [TARGET …] [--seconds 180] [--corpus FOLDER]

A crash, a broken promise, an input that takes over 30 seconds or a process over 2 GB ends the run with status 1; the
input is saved in the corpus folder, and `--replay FILE` runs it again.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.fuzz.targets import TARGETS, seeds

_STATISTIC = re.compile(r"stat::(\w+):\s+(\d+)")
_COVERAGE = re.compile(r"cov: (\d+)")


def main() -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=180, help="of each target (default: %(default)s)")
    parser.add_argument("--corpus", type=Path, help="folder to keep the inputs in (default: a temporary one)")
    parser.add_argument("--replay", type=Path, help="run one input, on the only target that is given")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if options.replay:
        (target,) = options.targets
        TARGETS[target](options.replay.read_bytes())
        return 0
    with TemporaryDirectory(prefix="certainty-fuzz-") as temporary:
        failed = [
            name
            for name in options.targets or TARGETS
            if not _fuzz(name, options.seconds, options.corpus or Path(temporary))
        ]
    return 1 if failed else 0


def _fuzz(target: str, seconds: int, corpus: Path) -> bool:
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (folder / f"seed-{number}").write_bytes(seed)
    limits = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=30",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "benchmarks.fuzz.one",
        target,
        *limits,
        f"-artifact_prefix={corpus}/{target}-",
        folder,
    ]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace")
    found = dict(_STATISTIC.findall(run.stderr))
    coverage = (_COVERAGE.findall(run.stderr) or ["?"])[-1]
    print(
        f"{target}: {int(found.get('number_of_executed_units', 0)):,} inputs, {coverage} branches, "
        f"{found.get('peak_rss_mb', '?')} MB, {'no failure' if run.returncode == 0 else 'FAILED'}",
        flush=True,
    )
    if run.returncode:
        print(run.stderr[-4000:], file=sys.stderr)
    return run.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
