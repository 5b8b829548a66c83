"""`certainty label`: tasks for annotation tools and back, agreement, what to label next, likely errors, corrections.

An action is a module: `add_parser` declares it, `_run` takes the arguments apart, one function carries it out.
"""

from __future__ import annotations

from typing import Any

from certainty.commands.help import HelpFormatter
from certainty.commands.label import agreement, audit, correct, export_tasks, import_labels, merge, suggest

ACTIONS = (suggest, export_tasks, import_labels, agreement, merge, audit, correct)


def add_parser(commands: Any) -> None:
    """Declare the command and its own subcommands."""
    parser = commands.add_parser(
        "label",
        help="make and check labelled data",
        description="Make and check labelled data.",
        epilog="examples:\n"
        "  certainty label suggest articles/*.txt --count 200 -o next.jsonl\n"
        "  certainty label export next.jsonl --to label-studio --predict -o tasks.json\n"
        "  certainty label import export.json --from label-studio -o rows.jsonl\n"
        "  certainty label agreement rows.jsonl\n"
        "  certainty label merge rows.jsonl --disagreements open.csv -o merged.jsonl\n"
        "  certainty label audit merged.jsonl -o suspects.csv\n"
        "  certainty label correct merged.jsonl --corrections suspects.csv -o corrected.jsonl",
        formatter_class=HelpFormatter,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for action in ACTIONS:
        action.add_parser(actions)
