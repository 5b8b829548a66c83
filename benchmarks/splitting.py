"""Compare the quality and speed of sentence splitters on French texts.

There are two kinds of text: treebanks (`--data`), whose sentences are joined by single spaces, and 300 paragraphs that
resemble scraped text (`benchmarks/data/paragraphs.jsonl`), each split separately. The boundaries found by a splitter
are compared with the true ones. F1 is averaged over the groups of the treebanks, and over the kinds of paragraphs.

    python -m benchmarks.splitting --data fr_gsd-ud-test.conllu fr_sequoia-ud-test.conllu --output splitting.json
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.passages import Passage, read_paragraphs, read_treebanks
from benchmarks.splitters import SPLITTERS, Splitter
from certainty import CertaintyError
from certainty.writing import write_whole

# Splitters may drop invisible characters.
_UNSEEN = re.compile(r"[\s\xad\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")


@dataclass
class Boundaries:
    """Numbers of predicted boundaries, true boundaries, and predicted boundaries that are true."""

    predicted: int = 0
    gold: int = 0
    correct: int = 0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, in [0, 1]."""
        return 2 * self.correct / max(1, self.predicted + self.gold)


@dataclass(frozen=True)
class Result:
    """The result of a splitter on a set of passages.

    Attributes:
        splitter: Name of the splitter.
        passages: Name of the set of passages.
        f1: Boundary F1, averaged over groups.
        whole: Share of passages in which exactly the true boundaries were found.
        mchars_per_second: Millions of characters split per second of CPU time, in the best of several runs.
        groups: Counts and F1 of each group.
    """

    splitter: str
    passages: str
    f1: float
    whole: float
    mchars_per_second: float
    groups: dict[str, dict[str, float]] = field(default_factory=dict)


def boundaries(sentences: Iterable[str], text: str) -> set[int]:
    """Return the end of each sentence but the last in `text`, counted in visible characters.

    A sentence that is not found in the text is skipped, since some splitters change characters.
    """
    text = _UNSEEN.sub("", text)
    ends, position, passed = set(), 0, 0
    for sentence in sentences:
        sentence = _UNSEEN.sub("", sentence)
        found = text.find(sentence, position, position + passed + len(sentence) + 20)
        if found < 0:
            passed += len(sentence)
        else:
            position, passed = found + len(sentence), 0
            ends.add(position)
    return ends - {0, len(text)}


def evaluate(name: str, part: str, passages: Sequence[Passage], splitter: Splitter, seconds: float) -> Result:
    """Compare the boundaries of a splitter with the true ones; repeat for about `seconds` to measure its speed."""
    best, spent = float("inf"), 0.0
    while spent < seconds:
        begin = time.process_time()
        split = [list(splitter(passage.text)) for passage in passages]
        took = time.process_time() - begin
        best, spent = min(best, took), spent + max(took, 1e-3)
    counts: dict[str, Boundaries] = defaultdict(Boundaries)
    whole = 0
    for passage, found in zip(passages, split, strict=True):
        gold, predicted = boundaries(passage.sentences, passage.text), boundaries(found, passage.text)
        count = counts[passage.group]
        count.predicted += len(predicted)
        count.gold += len(gold)
        count.correct += len(gold & predicted)
        whole += gold == predicted
    return Result(
        splitter=name,
        passages=part,
        f1=sum(count.f1 for count in counts.values()) / len(counts),
        whole=whole / len(passages),
        mchars_per_second=sum(len(passage.text) for passage in passages) / 1e6 / best,
        groups={group: {**asdict(count), "f1": count.f1} for group, count in counts.items()},
    )


def _table(name: str, results: Sequence[Result]) -> Table:
    table = Table(f"F1 on {name}", *(result.splitter for result in results))
    for group, counts in results[0].groups.items():
        table.add_row(f"{group} ({counts['gold']:.0f})", *(f"{result.groups[group]['f1']:.3f}" for result in results))
    table.add_section()
    table.add_row("mean", *(f"{result.f1:.4f}" for result in results))
    table.add_row("passages without errors", *(f"{result.whole:.3f}" for result in results))
    table.add_row("Mchar/s", *(f"{result.mchars_per_second:.2f}" for result in results))
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.splitting", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", type=Path, default=[], help="CoNLL-U files or labelled JSONL files")
    parser.add_argument("--corpus-prefix", default="UD_", help="rows of JSONL files to use (default: %(default)s)")
    parser.add_argument("--splitters", nargs="+", choices=SPLITTERS, default=list(SPLITTERS), help="default: all")
    parser.add_argument("--seconds", type=float, default=3.0, help="time spent on each splitter (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="also write the results to this JSON file")
    options = parser.parse_args(arguments)
    try:
        treebanks = read_treebanks(options.data, options.corpus_prefix)
    except CertaintyError as error:
        parser.error(str(error))
    parts = {
        "treebanks": treebanks,
        "paragraphs": read_paragraphs(held_out=False),
        "held-out paragraphs": read_paragraphs(held_out=True),
    }

    console = Console()
    results: dict[str, list[Result]] = {part: [] for part, passages in parts.items() if passages}
    for name in options.splitters:
        try:
            splitter = SPLITTERS[name]()
        except ImportError as error:
            console.print(f"{name}: skipped, not installed ({error}).")
            continue
        for part, of_part in results.items():
            of_part.append(evaluate(name, part, parts[part], splitter, options.seconds))
    for part, of_part in results.items():
        console.print(_table(part, of_part))
    if options.output:
        content = [asdict(result) for of_part in results.values() for result in of_part]
        write_whole(options.output, json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
