"""Choose the authored sentences that the package replays in training, and write `certainty/finetuning/replay.jsonl`.

Held-out groups are left out, as are columns that training does not read. Run `python -m training.data.replay`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certainty.finetuning.replay import REPLAY_FILE
from certainty.finetuning.splits import split_held_out_groups
from certainty.labelled import LabelledSentence, read_labelled
from certainty.writing import write_whole

__all__ = ["GROUPS", "chosen", "row"]

FILES = ("contrast.jsonl", "contrast_hard.jsonl", "contrast_more.jsonl", "grammar.jsonl")
GROUPS = 3
"""Of the groups of each file, every third is chosen: about a thousand sentences, which fit into the package."""


def chosen(folder: Path) -> list[LabelledSentence]:
    """Return every third group of each authored file in a folder, without the held-out ones."""
    sentences: list[LabelledSentence] = []
    for name in FILES:
        train, _ = split_held_out_groups(read_labelled(folder / name))
        groups = sorted({s.group for s in train if s.group is not None})[::GROUPS]
        kept = set(groups)
        sentences += [s for s in train if s.group in kept]
    return sentences


def row(sentence: LabelledSentence) -> dict[str, Any]:
    """Return what training reads of a sentence."""
    values: dict[str, Any] = {"text": sentence.text, "label": sentence.label or "no_claim"}
    if sentence.attributed is not None and sentence.claim:
        values["attributed"] = sentence.attributed
    for name in ("cues", "sources"):
        if (spans := getattr(sentence, name)) is not None:
            values[name] = [list(span) for span in spans]
    if sentence.second_known:
        values["second"] = sentence.second
    return values


def write(sentences: Sequence[LabelledSentence], path: Path = REPLAY_FILE) -> None:
    """Write sentences as JSON Lines."""
    lines = (json.dumps(row(s), ensure_ascii=False, separators=(",", ":")) + "\n" for s in sentences)
    write_whole(path, "".join(lines))


if __name__ == "__main__":
    write(chosen(Path(__file__).parent))
