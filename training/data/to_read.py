"""Draw sentences from raw text for readers to label: those of which a model is unsure, and others at random.

    python -m training.data.to_read --text text/news.txt.xz --name NewsText --sentences 34000 --random 1300 \
      --uncertain 5000 --claim 700 --not-asserted 2700 --exclude corpus/*.jsonl --output to_read.jsonl

One sentence is drawn from each paragraph, and scored by the shipped model if its doubt is to choose. With `--matching`,
only sentences in which a regular expression occurs are drawn. What was chosen, and why (`construction`), goes into
portions for readers with `training.data.readings`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import certainty
from certainty.evaluation.leakage import text_key
from certainty.json_lines import write_json_lines
from certainty.labelled import read_labelled
from certainty.labels import Label
from certainty.sentence_score import SentenceScore
from certainty.sentences import split_sentences
from certainty.writing import whole_file
from training.data.standoff import digest, single_spaced
from training.data.text import read_paragraphs
from training.program import tells_errors

SHORTEST, LONGEST = 4, 70  # in words
_UNSURE_CLAIM = 0.45  # the largest distance of P(claim) from 0.5
_PLAIN = 0.9  # from this P(asserted) on


def draw(paragraphs: Iterable[str], count: int, excluded: set[str], seed: int, matching: str = "") -> Iterator[str]:
    """Yield up to `count` distinct sentences of `SHORTEST` to `LONGEST` words, at most one from each paragraph.

    Args:
        paragraphs: The text.
        count: Number of sentences.
        excluded: Keys (`certainty.evaluation.leakage.text_key`) of sentences not to draw; it grows with those drawn.
        seed: Seed for the order of the paragraphs and the choice of sentences.
        matching: Regular expression that must occur in a sentence.
    """
    chance = random.Random(seed)
    pattern = re.compile(matching)
    shuffled = list(paragraphs)
    chance.shuffle(shuffled)
    for paragraph in shuffled:
        if count <= 0:
            return
        sentences = [sentence for sentence in split_sentences(paragraph) if pattern.search(sentence.text)]
        if not sentences:  # for example nothing but white space or invisible characters
            continue
        text = single_spaced(chance.choice(sentences).text)
        key = text_key(text)
        if SHORTEST <= len(text.split()) <= LONGEST and key not in excluded:
            excluded.add(key)
            count -= 1
            yield text


def choose(scores: Sequence[SentenceScore], counts: dict[str, int], seed: int) -> dict[int, str]:
    """Return the indices of the chosen sentences, each with the reason for which it was chosen first.

    Args:
        scores: Scores of the sentences.
        counts: How many to choose for each reason: `random`; `uncertain`, the smallest margins between the two most
            likely labels; `claim`, unsure whether there is a claim; `not_asserted`, at random among those that are
            probably not plain assertions.
        seed: Seed of the random choices.
    """

    def margin(i: int) -> float:
        first, second, *_ = sorted(scores[i].probabilities.values(), reverse=True)
        return first - second

    # A model that cannot tell claims is not unsure of one.
    claims = [1.0 if score.claim_probability is None else score.claim_probability for score in scores]

    def doubt(i: int) -> float:
        return abs(claims[i] - 0.5)

    shuffled = list(range(len(scores)))
    random.Random(seed).shuffle(shuffled)
    reasons: dict[str, Callable[[], Iterable[int]]] = {
        "random": lambda: shuffled,
        "uncertain": lambda: sorted((i for i in shuffled if claims[i] > 0.3), key=margin),
        "claim": lambda: sorted((i for i in shuffled if doubt(i) < _UNSURE_CLAIM), key=doubt),
        "not_asserted": lambda: (
            i for i in shuffled if claims[i] > 0.5 and scores[i].probabilities[Label.ASSERTED] < _PLAIN
        ),
    }
    chosen: dict[int, str] = {}
    for reason, order in reasons.items():
        free = (i for i in order() if i not in chosen)
        chosen |= dict.fromkeys([i for i, _ in zip(free, range(counts[reason]), strict=False)], reason)
    return chosen


@tells_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--text", type=Path, required=True, help="a .txt or .txt.xz file, one paragraph per line")
    parser.add_argument("--name", required=True, help="name of the corpus, for the ids and the column `corpus`")
    parser.add_argument("--sentences", type=int, required=True, help="how many to draw and score")
    for reason in ("random", "uncertain", "claim", "not-asserted"):
        parser.add_argument(f"--{reason}", type=int, default=0, metavar="N", help="how many to choose, see `choose`")
    parser.add_argument("--matching", default="", metavar="REGEX", help="draw only sentences in which this occurs")
    parser.add_argument("--exclude", nargs="*", default=[], metavar="JSONL", help="labelled sentences not to draw")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random choices")
    parser.add_argument("--output", type=Path, required=True, metavar="JSONL", help="file to write to")
    arguments = parser.parse_args(argv)
    excluded = {text_key(row.text) for row in read_labelled(arguments.exclude)} if arguments.exclude else set()
    paragraphs = read_paragraphs(arguments.text)
    texts = list(draw(paragraphs, arguments.sentences, excluded, arguments.seed, arguments.matching))
    counts = {reason: getattr(arguments, reason) for reason in ("random", "uncertain", "claim", "not_asserted")}
    if any(count for reason, count in counts.items() if reason != "random"):
        chosen = choose(certainty.load().score_sentences(texts), counts, arguments.seed)
    else:  # the draw was at random already
        chosen = dict.fromkeys(range(min(len(texts), counts["random"] or len(texts))), "random")
    if arguments.matching:
        chosen = {i: "matching" if reason == "random" else reason for i, reason in chosen.items()}
    rows: Iterator[dict[str, Any]] = (
        {
            "id": f"{arguments.name}-{digest(texts[i])[:12]}",
            "text": texts[i],
            "corpus": arguments.name,
            "construction": chosen[i],
        }
        for i in sorted(chosen)
    )
    with whole_file(arguments.output, [arguments.text]) as out:
        write_json_lines(rows, out)


if __name__ == "__main__":
    sys.exit(main())
