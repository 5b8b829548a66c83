"""Average the weights of fine-tuned models of one shape, and judge the average beside its members.

`python -m training.soup --model runs/seed_1 runs/seed_2 runs/seed_3 --dev corpus/dev_natural.jsonl`

A model soup (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482) costs no more to run than one of its members. It
helps only where these lie in one valley of the loss, which is to be measured first: this program prints, and keeps no
model.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch

from certainty import CertaintyError
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS
from certainty.model_folder import ModelSettings
from certainty.modeling import CertaintyModel
from training import metrics
from training.calibrate import negative_log_likelihoods
from training.fast_tokenizer import backend, load_tokenizer
from training.features import SentenceFeatures
from training.thresholds import predict_logits

HEADER = "| weights | dev macro-F1 | negative log-likelihood |\n|---|---|---|"


def average(models: Sequence[CertaintyModel]) -> CertaintyModel:
    """Return the first model with the mean of the weights of all, changed in place.

    Raises:
        CertaintyError: the models are not of one shape.
    """
    states = [model.state_dict() for model in models]
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes[1:]):
        raise CertaintyError("The models differ in shape; take fine-tunings of one encoder by one recipe.")
    with torch.no_grad():
        mean = {
            name: torch.stack([state[name] for state in states]).mean(dim=0) if tensor.is_floating_point() else tensor
            for name, tensor in states[0].items()
        }
    models[0].load_state_dict(mean)
    return models[0]


def judge(model: CertaintyModel, features: SentenceFeatures, dev: Sequence[LabelledSentence], pad: int) -> str:
    """Return macro-F1 and negative log-likelihood of the labels on dev, as two cells of a table."""
    claims = [i for i, sentence in enumerate(dev) if sentence.label]
    gold = np.array([LABELS.index(sentence.label) for sentence in dev if sentence.label])
    logits = predict_logits(model, features, pad)["label"][claims]
    macro_f1 = float(metrics.macro_f1(gold, logits.argmax(axis=1)))
    return f"{macro_f1:.4f} | {negative_log_likelihoods(logits, gold).mean():.4f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.soup", description="Average fine-tuned models.")
    parser.add_argument("--model", nargs="+", required=True, metavar="DIR", help="model folders of one shape")
    parser.add_argument("--dev", nargs="+", required=True, metavar="FILE", help="what is scored")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if len(args.model) < 2:
            raise CertaintyError("--model names one folder; a soup needs two or more.")
        settings = ModelSettings.load(Path(args.model[0]))
        dev = read_labelled(args.dev)
        features = SentenceFeatures(dev, backend(load_tokenizer(args.model[0])), settings.max_length)
        print(HEADER, flush=True)
        for folder in args.model:
            model = CertaintyModel.from_pretrained(folder)
            print(f"| {folder} | {judge(model, features, dev, settings.pad_token_id)} |", flush=True)
        for members in list(accumulate([[folder] for folder in args.model]))[1:]:
            mean = average([CertaintyModel.from_pretrained(folder) for folder in members])
            row = judge(mean, features, dev, settings.pad_token_id)
            print(f"| mean of the first {len(members)} | {row} |", flush=True)
    except CertaintyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
