"""`certainty completion`: what a shell needs to complete commands, options and files by the Tab key."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from certainty.commands.help import HelpFormatter
from certainty.extras import needs

SHELLS = ("bash", "zsh", "fish")
# What an argument is called in the help tells what may stand there.
_FILES = ("FILE", "INPUT", "PAGE", "ROWS", "TEXT")
_FOLDERS = ("FOLDER", "MODEL")


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "completion",
        help="let a shell complete commands and options",
        description="Print a script that lets a shell complete commands, options and file names by the Tab key.",
        epilog="examples:\n"
        "  certainty completion bash > ~/.local/share/bash-completion/completions/certainty\n"
        "  certainty completion zsh > ~/.zfunc/_certainty      (a folder in $fpath)\n"
        "  certainty completion fish > ~/.config/fish/completions/certainty.fish",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script and return the exit status."""
    sys.stdout.write(script(args.parser, args.shell))
    return 0


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script by which a shell completes the arguments of a program.

    Args:
        parser: The program's parser, whose descriptions become short.
        shell: One of `SHELLS`.

    Raises:
        MissingExtraError: If shtab is not installed.
    """
    needs("shtab", extra="completion", user="shell completion")
    import shtab

    kinds = {**dict.fromkeys(_FILES, shtab.FILE), **dict.fromkeys(_FOLDERS, shtab.DIRECTORY)}
    for action in _arguments(parser):
        if action.metavar in kinds:
            action.complete = kinds[action.metavar]  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of its subcommands, whose descriptions it makes short."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for listed in action._choices_actions:
                action.choices[listed.dest].description = listed.help  # the short one, as a shell shows it in a list
            for subparser in action.choices.values():
                yield from _arguments(subparser)
        else:
            yield action
