"""Choose the claim threshold of a model on texts of kinds that dev has not, where dev loses nothing by it.

What has no verb is mostly a heading in the edited press, of which dev is, and mostly a claim in notes and messages. On
dev, many thresholds are equally good. Of those at which at most three in a thousand of its answers are lost, less than
half a standard error, the one is chosen at which most answers to the other rows are right. Prints both shares by
threshold; the answer to a sentence is its label, or `no_claim`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import certainty
from certainty.classifier import CertaintyClassifier
from certainty.finetuning.splits import split_held_out_groups
from certainty.labelled import LabelledSentence, read_labelled
from certainty.model_folder import ModelSettings
from training.program import tells_errors

THRESHOLDS = np.arange(1, 20) / 20
LOSS = 0.003


class Answers(NamedTuple):
    """What a model says of labelled sentences.

    Attributes:
        claim: Probability of a claim, shape (n,).
        is_right: Whether the most probable label is that of the sentence, shape (n,); of no use without a claim.
        is_claim: Whether the sentence makes a claim, shape (n,).
    """

    claim: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    is_claim: NDArray[np.bool_]

    def accuracy(self, threshold: float) -> float:
        """Return the share of right answers with a claim threshold."""
        claimed = self.claim >= threshold
        return float(np.where(self.is_claim, claimed & self.is_right, ~claimed).mean())


def answers(classifier: CertaintyClassifier, sentences: Sequence[LabelledSentence]) -> Answers:
    """Score the sentences."""
    scores = classifier.score_sentences([s.text for s in sentences])
    best = [max(score.probabilities, key=score.probabilities.__getitem__) for score in scores]
    return Answers(
        np.array([score.claim_probability for score in scores], dtype=np.float64),
        np.array([label == s.label for label, s in zip(best, sentences, strict=True)]),
        np.array([s.claim for s in sentences]),
    )


def chosen(dev: Answers, others: Answers) -> float:
    """Return the threshold, see above; of several, the middle one."""
    on_dev = np.array([dev.accuracy(threshold) for threshold in THRESHOLDS])
    allowed = THRESHOLDS[on_dev >= on_dev.max() - LOSS]
    right = np.array([others.accuracy(threshold) for threshold in allowed])
    best = allowed[right == right.max()]
    return float(best[len(best) // 2])


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.experiments.claim_threshold", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--dev", type=Path, required=True, metavar="JSONL", help="held-out sentences")
    parser.add_argument(
        "--others", nargs="+", type=Path, required=True, metavar="JSONL", help="invented ones; held-out groups count"
    )
    parser.add_argument("--write", action="store_true", help="write the threshold to certainty.json")
    args = parser.parse_args(arguments)

    classifier = certainty.load(args.model)
    dev = answers(classifier, read_labelled(args.dev))
    others = answers(classifier, split_held_out_groups(read_labelled(args.others))[1])
    for threshold in THRESHOLDS:
        shares = f"{args.dev.name} {dev.accuracy(threshold):.3f}, others {others.accuracy(threshold):.3f}"
        print(f"{threshold:.2f}: right answers {shares}")
    found = chosen(dev, others)
    print(f"claim threshold: {found:g}; it was {classifier.settings.claim_threshold:g}")
    if args.write:
        replace(ModelSettings.load(args.model), claim_threshold=found).save(args.model)


if __name__ == "__main__":
    raise SystemExit(main())
