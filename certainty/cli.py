"""The command line, such as `certainty score article.txt`."""

from __future__ import annotations

import argparse
import errno
import io
import logging
import os
import sys
from importlib import import_module

import certainty
from certainty.commands.help import Parser
from certainty.commands.output import FAILED, StandardError, interruption, report
from certainty.errors import CertaintyError
from certainty.messages import naming_options

COMMANDS = {
    name: f"certainty.commands.{name.replace('-', '_')}"
    for name in (
        *("score", "archive", "archive-summary", "view", "serve"),
        *("label", "threshold", "train", "evaluate", "doctor", "completion"),
    )
}
"""The module of each command; a process imports that of its own."""
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
    _open_streams()
    given = sys.argv[1:] if argv is None else argv
    if not given:
        build_parser().print_help()
        return 0
    if given[:2] == ["archive", "summary"]:  # argparse has no subcommand beside a list of files
        given = ["archive-summary", *given[2:]]
    args = build_parser(given[0]).parse_args(given)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    logging.lastResort = StandardError(logging.WARNING)  # for commands that set up no logging of their own
    told = interruption(getattr(args, "output", None))
    try:
        with naming_options():
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
        print(told(), file=sys.stderr)
        return _INTERRUPTED
    return status


def _open_streams() -> None:
    """Open the null device in place of standard streams that are closed, as with `>&-` or without a console."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (until the process ends)


def _discard_output() -> None:
    """Redirect standard output to the null device, so that Python's flush at exit does not report the error again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the argument parser with one command, or with all if that is none or has to know the others."""
    parser = Parser(
        prog="certainty",
        description="Label the claims of French sentences: asserted, probable, personal opinion or denied.",
        epilog="`certainty COMMAND --help` shows the options of a command, and examples.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"certainty {certainty.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name in [command] if command in COMMANDS and command != "completion" else COMMANDS:
        import_module(COMMANDS[name]).add_parser(commands)
    parser.set_defaults(parser=parser)  # which `completion` describes
    return parser
