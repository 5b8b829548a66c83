"""Fuzz one target until libFuzzer ends the process: `python -m benchmarks.fuzz.one TARGET [libFuzzer's options]`."""

from __future__ import annotations

import logging
import sys

import atheris

with atheris.instrument_imports(include=["certainty"]):
    from benchmarks.fuzz.targets import TARGETS


def main() -> None:
    """Run the command line."""
    logging.disable(logging.CRITICAL)
    program, target, *options = sys.argv
    atheris.Setup([program, *options], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
