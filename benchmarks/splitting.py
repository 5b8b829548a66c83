"""How well and how fast sentence splitters find the sentence boundaries of French treebanks.

The sentences of each group of a treebank are joined by single spaces; the boundaries that a splitter finds in this text
are compared with the true ones. Groups are parts of a treebank of one kind (Sequoia: press, parliament, Wikipedia,
medicine), told by the beginning of their sentence ids; F1 is averaged over groups.

    python -m benchmarks.splitting --data fr_gsd-ud-test.conllu fr_sequoia-ud-test.conllu --output splitting.json
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from certainty import CertaintyError
from certainty.sentences import split_sentences
from certainty.writing import write_whole

Splitter = Callable[[str], Iterable[str]]
Groups = dict[str, list[str]]


@dataclass(frozen=True)
class Boundaries:
    """Counts of boundaries: predicted ones, true ones, and predicted ones that are true."""

    predicted: int
    gold: int
    correct: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, in [0, 1]."""
        return 2 * self.correct / max(1, self.predicted + self.gold)


@dataclass(frozen=True)
class Result:
    """What one splitter reached.

    Attributes:
        splitter: Its name.
        f1: Boundary F1, averaged over groups.
        mchars_per_second: Millions of characters split in one second of CPU time, the best of several runs.
        groups: Counts and F1 of each group.
    """

    splitter: str
    f1: float
    mchars_per_second: float
    groups: dict[str, dict[str, float]] = field(default_factory=dict)


def certainty() -> Splitter:
    """Ours."""
    return lambda text: [sentence.text for sentence in split_sentences(text)]


def syntok() -> Splitter:
    """https://github.com/fnl/syntok."""
    from syntok import segmenter

    return lambda text: [
        "".join(token.spacing + token.value for token in sentence)
        for paragraph in segmenter.analyze(text)
        for sentence in paragraph
    ]


def pysbd() -> Splitter:
    """https://github.com/nipunsadvilkar/pySBD."""
    from pysbd import Segmenter

    segment: Splitter = Segmenter(language="fr", clean=False).segment
    return segment


def blingfire() -> Splitter:
    """https://github.com/microsoft/BlingFire."""
    from blingfire import text_to_sentences

    return lambda text: text_to_sentences(text).split("\n")


def spacy() -> Splitter:
    """The rule-based `sentencizer` of https://spacy.io."""
    from spacy import blank

    nlp = blank("fr")
    nlp.add_pipe("sentencizer")
    nlp.max_length = 10**9
    return lambda text: [sentence.text for sentence in nlp(text).sents]


SPLITTERS: dict[str, Callable[[], Splitter]] = {
    make.__name__: make for make in (certainty, syntok, pysbd, blingfire, spacy)
}


def read_groups(paths: Sequence[Path], corpus_prefix: str) -> Groups:
    """Read the true sentences of each group, in document order (CoNLL-U) or in the order of their ids (labelled JSONL).

    Args:
        paths: CoNLL-U files, or labelled files whose rows have `id`, `text` and `corpus`.
        corpus_prefix: Rows of a labelled file count where `corpus` begins with it: other corpora were split by machine.

    Raises:
        CertaintyError: a file cannot be read, or there are no sentences in it.
    """
    groups: Groups = defaultdict(list)
    for path in paths:
        sentences = list(_read_conllu(path) if path.suffix == ".conllu" else _read_labelled(path, corpus_prefix))
        if not sentences:
            raise CertaintyError(
                f"{path}: no sentences. A .conllu file needs `# sent_id` and `# text` comments, a labelled file "
                f"rows whose `corpus` begins with {corpus_prefix!r}; choose another with --corpus-prefix."
            )
        for corpus, sentence_id, text in sentences:
            groups[f"{corpus}/{re.split('[._-]', sentence_id)[0]}"].append(text)
    return groups


def _read_conllu(path: Path) -> Iterable[tuple[str, str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CertaintyError(f"{path}: cannot be read: {error}. Give a CoNLL-U file in UTF-8.") from error
    sentence_id = ""
    for line in lines:
        name, _, value = line.partition(" = ")
        if name == "# sent_id":
            sentence_id = value
        elif name == "# text":
            yield path.stem.partition("-")[0], sentence_id, value


def _read_labelled(path: Path, corpus_prefix: str) -> Iterable[tuple[str, str, str]]:
    from certainty.labelled import read_labelled

    rows = sorted((row.id, row.corpus, row.text) for row in read_labelled(path) if row.corpus.startswith(corpus_prefix))
    for row_id, corpus, text in rows:
        yield corpus, row_id.rpartition(":")[2], text


def boundaries(sentences: Iterable[str], text: str) -> set[int]:
    """Return where each sentence but the last ends in `text`, counted in characters that are not white space.

    A sentence that is not in the text as it stands (some splitters change characters) is passed over.
    """
    text = "".join(text.split())
    ends, position, passed = set(), 0, 0
    for sentence in sentences:
        sentence = "".join(sentence.split())
        found = text.find(sentence, position, position + passed + len(sentence) + 20)
        if found < 0:
            passed += len(sentence)
        else:
            position, passed = found + len(sentence), 0
            ends.add(position)
    return ends - {0, len(text)}


def evaluate(name: str, splitter: Splitter, groups: Groups, seconds: float = 3.0) -> Result:
    """Compare a splitter's boundaries with the true ones, and repeat for up to `seconds` to time it."""
    texts = {group: " ".join(sentences) for group, sentences in groups.items()}
    best, spent = float("inf"), 0.0
    while spent < seconds:
        begin = time.process_time()
        split = {group: list(splitter(text)) for group, text in texts.items()}
        best = min(best, time.process_time() - begin)
        spent += time.process_time() - begin
    counts = {}
    for group, sentences in groups.items():
        gold, predicted = boundaries(sentences, texts[group]), boundaries(split[group], texts[group])
        counts[group] = Boundaries(len(predicted), len(gold), len(gold & predicted))
    return Result(
        splitter=name,
        f1=sum(count.f1 for count in counts.values()) / len(counts),
        mchars_per_second=sum(map(len, texts.values())) / 1e6 / best,
        groups={group: {**asdict(count), "f1": count.f1} for group, count in counts.items()},
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.splitting", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", type=Path, required=True, help="CoNLL-U files or labelled JSONL files")
    parser.add_argument("--corpus-prefix", default="UD_", help="rows of JSONL files to use (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="also write the results to this JSON file")
    options = parser.parse_args(arguments)
    try:
        groups = read_groups(options.data, options.corpus_prefix)
    except CertaintyError as error:
        parser.error(str(error))

    console = Console()
    results = []
    for name, make in SPLITTERS.items():
        try:
            splitter = make()
        except ImportError:
            console.print(f"{name}: skipped, not installed.")
            continue
        results.append(evaluate(name, splitter, groups))

    table = Table("F1", *(result.splitter for result in results))
    for group, sentences in groups.items():
        table.add_row(f"{group} ({len(sentences)})", *(f"{result.groups[group]['f1']:.3f}" for result in results))
    table.add_section()
    table.add_row("mean", *(f"{result.f1:.4f}" for result in results))
    table.add_row("Mchar/s", *(f"{result.mchars_per_second:.2f}" for result in results))
    console.print(table)
    if options.output:
        write_whole(options.output, json.dumps([asdict(result) for result in results], indent=2) + "\n")


if __name__ == "__main__":
    main()
