"""Measure how much could be saved by deciding the easiest sentences after a lower layer.

`python -m training.experiments.early_exit --model models/certainty-fr-small --fit FILE --choose dev_natural.jsonl`

For each lower layer, two logistic regressions on the states of that layer (of the first token, and the mean) learn from
the finished model, on the sentences of --fit: one its label or "no claim", the other whether its answer is plain, that
is, an assertion of the author without cues, source or second claim. Only plain answers can leave early, since all else
needs the heads for words at the top. The threshold is the lowest with which the answers on the sentences of --choose
still pass the gate of the engines: labels, and all other outputs, equal in 99.5 % of the sentences; macro-F1 within
0.003, calibration error within 0.005. The saving is the share of those that leave times the share of layers that they
do not need: an upper bound, as the exit itself costs time, and batches are split in two.

After Schwartz et al. 2020, The Right Tool for the Job (https://aclanthology.org/2020.acl-main.593).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoTokenizer

import certainty
from certainty.engines.modeling import CertaintyModel
from certainty.errors import CertaintyError
from certainty.finetuning.export.int8_check import LEAST_AGREEMENT, are_close, metric_differences
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS, Label
from certainty.sentence_score import SentenceScore
from training.program import tells_errors

BATCH = 32


@dataclass(frozen=True)
class Exit:
    """What leaving after one layer would give.

    Attributes:
        layers: Layers below the exit.
        threshold: Least probability of a plain answer to leave; above 1 if none passes the gate.
        leaving: Share of the sentences that leave.
        saving: Largest share of the encoder's work that this saves.
    """

    layers: int
    threshold: float
    leaving: float
    saving: float


def is_plain(score: SentenceScore) -> bool:
    """Return whether a score is an assertion of the author with nothing else to show."""
    return score.label is Label.ASSERTED and not (score.attributed or score.cues or score.second or score.source)


def layer_states(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the first and the mean state of each text after each layer, shape (layers, texts, 2 × size)."""
    model = CertaintyModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found: list[NDArray[np.float32] | None] = [None] * len(texts)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        batch = tokenizer([texts[i] for i in rows], return_tensors="pt", padding=True, truncation=True, max_length=512)
        mask = batch["attention_mask"]
        with torch.inference_mode():
            states = torch.stack(
                model.classifier(
                    input_ids=batch["input_ids"], attention_mask=mask, output_hidden_states=True
                ).hidden_states[1:]
            )
        mean = (states * mask[None, :, :, None]).sum(2) / mask.sum(1)[None, :, None]
        both = torch.cat([states[:, :, 0], mean], dim=-1).numpy()
        for row, i in enumerate(rows):
            found[i] = both[:, row]
    return np.stack([state for state in found if state is not None], axis=1)


def passes(
    gold: NDArray[np.int64], full: NDArray[np.float64], early: NDArray[np.float64], plain: NDArray[np.bool_]
) -> bool:
    """Return whether probabilities of which some come from an exit pass the gate.

    Args:
        gold: Label indices, shape (n,); -1 without a claim.
        full: Probabilities of the labels by the whole model, shape (n, 4).
        early: The same with exits.
        plain: Whether a sentence that left has a plain answer of the whole model, or did not leave, shape (n,).
    """
    return bool(plain.mean() >= LEAST_AGREEMENT) and are_close(*metric_differences(full, early, gold))


def exits(
    folder: Path, fit: Sequence[LabelledSentence], choose: Sequence[LabelledSentence], seed: int = 0
) -> list[Exit]:
    """Return what leaving after each layer but the last would give.

    Args:
        folder: A fine-tuned model.
        fit: Sentences to learn from; their labels are not used.
        choose: Labelled sentences to choose the threshold on.
        seed: Seed of the regressions.

    Raises:
        CertaintyError: If the model gives none of the sentences to learn from one of the labels.
    """
    classifier = certainty.load(folder)
    texts = [[sentence.text for sentence in part] for part in (fit, choose)]
    scores = [classifier.score_sentences(part) for part in texts]
    states = [layer_states(folder, part) for part in texts]
    plain = [np.array([is_plain(score) for score in part]) for part in scores]
    labels = np.array([str(score.label) for score in scores[0]])
    if missing := sorted({*map(str, LABELS)} - {*labels}):
        raise CertaintyError(f"the model calls no sentence to learn from {missing[0]}; give more sentences.")
    full = np.array([[score.probabilities[label] for label in LABELS] for score in scores[1]])
    gold = np.array([-1 if s.label is None else LABELS.index(s.label) for s in choose])
    found = []
    for layer in range(len(states[0]) - 1):
        of_label, of_plain = (
            make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300, random_state=seed)).fit(
                states[0][layer], target
            )
            for target in (labels, plain[0])
        )
        sure = of_plain.predict_proba(states[1][layer])[:, 1]
        exit_full = of_label.predict_proba(states[1][layer])[:, [list(of_label.classes_).index(x) for x in LABELS]]
        exit_full /= exit_full.sum(axis=1, keepdims=True)
        best = Exit(layer + 1, 1.01, 0.0, 0.0)
        for threshold in np.linspace(0.5, 0.999, 500)[::-1]:
            leaves = sure >= threshold
            early = np.where(leaves[:, None], exit_full, full)
            if leaves.any() and passes(gold, full, early, ~leaves | plain[1]):
                share = float(leaves.mean())
                best = Exit(layer + 1, float(threshold), share, share * (1 - (layer + 1) / len(states[0])))
        found.append(best)
    return found


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.experiments.early_exit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of a fine-tuned model")
    parser.add_argument("--fit", nargs="+", required=True, help="sentences to learn the exits from")
    parser.add_argument("--choose", required=True, help="labelled sentences to choose thresholds on")
    args = parser.parse_args(arguments)
    print("| layers | threshold | sentences that leave | largest saving |\n|---|---|---|---|")
    for one in exits(args.model, read_labelled(args.fit), read_labelled(args.choose)):
        print(f"| {one.layers} | {one.threshold:.3f} | {one.leaving:.1%} | {one.saving:.1%} |")


if __name__ == "__main__":
    sys.exit(main())
