"""The command line, such as `certainty score article.txt`."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys

import certainty
from certainty.commands import evaluate, label, score, serve, threshold, train, view
from certainty.commands.output import FAILED, report
from certainty.errors import CertaintyError

COMMANDS = (score, view, serve, label, threshold, train, evaluate)
_FULL = {errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}
_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments. None uses those of the process.

    Returns:
        The exit status: 0 on success, 1 if `evaluate` finds that a model does not reach the required score, 2 on an
        error, 130 after Ctrl-C.
    """
    args = build_parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except CertaintyError as error:
        report(error)
        return FAILED
    except BrokenPipeError:
        _discard_output()  # the reader, such as `head`, has stopped reading
        return 0
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _discard_output()
        report(CertaintyError(f"cannot write ({error.strerror}); free some space or give another output."))
        return FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _discard_output() -> None:
    """Redirect standard output to the null device, so that Python's flush at exit does not report the error again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def build_parser() -> argparse.ArgumentParser:
    """Return the argument parser with all subcommands."""
    parser = argparse.ArgumentParser(
        prog="certainty",
        description="Label the claims of French sentences: asserted, probable, personal opinion or denied.",
    )
    parser.add_argument("--version", action="version", version=f"certainty {certainty.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser
