"""Join the published labels with your own copies of the public corpora, or create such labels from labelled files.

    python -m training.data.corpus --source UD_French-GSD=UD_French-GSD --source OrangeSum=OrangeSum --output corpus
    python -m training.data.corpus --write-labels train.jsonl dev.jsonl --output training/data/labels

Corpora contain whole articles, and sentences are found without a sentence splitter: every substring that has the length
of a labelled sentence and starts at a word or a punctuation mark is a candidate, which its digest confirms.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tqdm.auto import tqdm

from certainty import CertaintyError
from certainty.writing import make_folder, write_whole
from training.data.passages import Passage, read_passages
from training.data.standoff import (
    OPENING,
    SUFFIX,
    StandoffLabel,
    digest,
    json_lines,
    opening_checksum,
    read_labels,
    read_sources,
    single_spaced,
    write_labels,
)

LABELS = Path(__file__).parent / "labels"
SOURCES = Path(__file__).parent / "sources.jsonl.gz"
_START = re.compile(r"\b\w|[^\w\s]")
_SHOWN = 10


@dataclass(frozen=True)
class Outcome:
    """The result for the labels of one corpus in one split.

    Attributes:
        split, corpus: Names of the split and the corpus.
        labels: Number of labels.
        has_source: Whether a source was given for the corpus.
        changed: Ids whose sentence or article is in the source, but with a different text.
        missing: Ids of the other sentences that were not found.
    """

    split: str
    corpus: str
    labels: int
    has_source: bool
    changed: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def found(self) -> int:
        """Number of labels whose sentences were found."""
        return self.labels - len(self.changed) - len(self.missing)


def find_sentences(
    labels: Iterable[StandoffLabel], passages: Iterable[Passage]
) -> tuple[dict[str, str], set[str | None]]:
    """Search passages of text for the labelled sentences, until all are found.

    Returns:
        The sentences by digest, and the names of the passages searched.
    """
    index: dict[int, dict[int, set[tuple[int, str]]]] = {}
    for label in labels:
        openings = index.setdefault(min(OPENING, label.length), {})
        openings.setdefault(label.opening, set()).add((label.length, label.sha256))
    wanted = {sha256 for openings in index.values() for group in openings.values() for _, sha256 in group}
    texts: dict[str, str] = {}
    names: set[str | None] = set()
    for passage in passages:
        names.add(passage.name)
        text = single_spaced(passage.text)
        for match in _START.finditer(text):
            start = match.start()
            for size, openings in index.items():
                for length, sha256 in openings.get(opening_checksum(text[start : start + size]), ()):
                    candidate = text[start : start + length]
                    if digest(candidate) == sha256:
                        texts[sha256] = candidate
        if len(texts) == len(wanted):
            break
    return texts, names


def join(
    sources: Mapping[str, Sequence[str | Path]],
    output: str | Path,
    splits: Sequence[str] | None = None,
    labels: str | Path = LABELS,
) -> list[Outcome]:
    """Write the labelled sentences that are found to `SPLIT.jsonl`, unless a split has none.

    Args:
        sources: Paths for `read_passages`, by the name of the corpus.
        output: The folder to write to.
        splits: The label files to join. None joins all.
        labels: The folder with the label files.

    Raises:
        CertaintyError: If a corpus or a split is unknown, or a file cannot be read or written.
    """
    files = {file.name.removesuffix(SUFFIX): read_labels(file) for file in sorted(Path(labels).glob(f"*{SUFFIX}"))}
    _check_names("split", splits or (), files)
    _check_names("corpus", sources, {label.corpus for rows in files.values() for label in rows})
    chosen = {split: files[split] for split in splits or files}
    found: dict[str, tuple[dict[str, str], set[str | None]]] = {}
    for corpus, paths in sources.items():
        wanted = [label for rows in chosen.values() for label in rows if label.corpus == corpus]
        passages = (passage for path in paths for passage in read_passages(path))
        # disable=None shows a bar on a terminal, but not in a pipe
        found[corpus] = find_sentences(wanted, tqdm(passages, corpus, unit=" passages", disable=None))
    spans = read_sources(SOURCES)
    outcomes = []
    for split, rows in chosen.items():
        joined = []
        absent: dict[str, list[StandoffLabel]] = {label.corpus: [] for label in rows}
        for label in rows:
            text = found[label.corpus][0].get(label.sha256) if label.corpus in found else None
            if text is None:
                absent[label.corpus].append(label)
            else:
                joined.append(label.with_text(text, spans.get((split, label.id))))
        if joined:
            write_whole(make_folder(output) / f"{split}.jsonl", json_lines(joined))
        for corpus, group in sorted(absent.items()):
            known = found[corpus][1] if corpus in found else set()
            changed = tuple(label.id for label in group if label.names() & known)
            missing = tuple(label.id for label in group if not label.names() & known)
            total = sum(label.corpus == corpus for label in rows)
            outcomes.append(Outcome(split, corpus, total, corpus in sources, changed, missing))
    return outcomes


def report(outcomes: Sequence[Outcome], verbose: bool = False) -> str:
    """Return a table of the outcomes, followed by the ids whose text has changed (and, if verbose, all missing ids)."""
    row = "{:<12} {:<18} {:>7} {:>7} {:>8} {:>8}{}"
    lines = [row.format("split", "corpus", "labels", "found", "changed", "missing", "")]
    for o in outcomes:
        note = "" if o.has_source else "  no source given"
        lines.append(row.format(o.split, o.corpus, o.labels, o.found, len(o.changed), len(o.missing), note))
    changed = [id for o in outcomes for id in o.changed]
    missing = [id for o in outcomes for id in o.missing]
    if changed:
        shown = changed if verbose else changed[:_SHOWN]
        rest = f" and {len(changed) - len(shown)} more (--verbose)" if len(shown) < len(changed) else ""
        lines.append(f"Digest check failed, as the source has a different text: {', '.join(shown)}{rest}")
    if missing:
        lines.append(f"Warning: {len(missing)} sentences are missing" + (f": {', '.join(missing)}" if verbose else "."))
    return "\n".join(lines)


def _check_names(kind: str, names: Iterable[str], allowed: Iterable[str]) -> None:
    for name in names:
        if name not in allowed:
            close = get_close_matches(name, allowed, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise CertaintyError(f"unknown {kind} {name!r}.{hint} Allowed: {', '.join(sorted(allowed)) or 'none'}.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 if a digest check failed and 0 otherwise. Exits with 2 on invalid input."""
    parser = argparse.ArgumentParser(prog="python -m training.data.corpus", description=__doc__.split("\n")[0])
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument(
        "--source", action="append", metavar="NAME=PATH", help="a corpus and its file or folder; repeatable"
    )
    task.add_argument("--write-labels", nargs="+", metavar="JSONL", help="labelled files to create labels from")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--split", nargs="+", help="only join these label files (default: all)")
    parser.add_argument("--labels", default=LABELS, metavar="DIR", help="folder with the label files")
    parser.add_argument("--verbose", action="store_true", help="list the ids of all missing sentences")
    args = parser.parse_args(argv)
    try:
        if args.write_labels:
            print(*write_labels(args.write_labels, args.output), sep="\n")
            return 0
        sources: dict[str, list[str]] = {}
        for source in args.source:
            name, equals, path = source.partition("=")
            if not equals:
                raise CertaintyError(f"--source {source}: write NAME=PATH.")
            sources.setdefault(name, []).append(path)
        outcomes = join(sources, args.output, args.split, args.labels)
    except CertaintyError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(report(outcomes, args.verbose))
    return int(any(outcome.changed for outcome in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
