"""The layout of the help of a command, and the answer to a misspelt one."""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from typing import Any


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Wrap descriptions to the width of the terminal, but keep the lines of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


class Parser(argparse.ArgumentParser):
    """Names the command or the value of an option that was probably meant, as Python does from 3.15 on."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        allowed = [str(choice) for choice in action.choices]
        close = get_close_matches(str(value).lower(), allowed, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise argparse.ArgumentError(action, f"invalid choice: {value!r}.{hint} Allowed: {', '.join(allowed)}")
