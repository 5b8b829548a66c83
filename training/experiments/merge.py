"""Add to a model what several fine-tunings that started from it changed, each times a factor.

The new weights are initial + sum of factor × (trained - initial), as in Ilharco et al. (2023), "Editing models with
task arithmetic", https://arxiv.org/abs/2212.04089. Prints the figures on dev and on held-out groups, which choose the
factors, and writes a folder to finish with `certainty train --initial`.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from certainty.engines.modeling import CertaintyModel
from certainty.errors import CertaintyError
from certainty.finetuning.calibration import negative_log_likelihoods
from certainty.finetuning.dev_logits import DevSentences, runner
from certainty.finetuning.export.onnx import export_onnx
from certainty.finetuning.precision import round_weights
from certainty.finetuning.splits import split_held_out_groups
from certainty.labelled import read_labelled
from certainty.model_folder import INT8_FILE, ModelSettings
from certainty.tokenising import SentenceTokenizer
from training.program import tells_errors


@torch.no_grad()
def merged(initial: Path, trained: Sequence[Path], factors: Sequence[float]) -> CertaintyModel:
    """Return the initial model with the changes of the trained ones, each times its factor."""
    model = CertaintyModel.from_pretrained(initial).eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for folder, factor in zip(trained, factors, strict=True):
        after = CertaintyModel.from_pretrained(folder).state_dict()
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor += factor * (after[name] - before[name])
    return round_weights(model)


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.experiments.merge", description=__doc__)
    parser.add_argument("--initial", type=Path, required=True, help="the model that the others started from")
    parser.add_argument("--trained", type=Path, nargs="+", required=True, help="model folders")
    parser.add_argument("--factors", type=float, nargs="+", required=True, help="one for each of them")
    parser.add_argument("--dev", type=Path, required=True, metavar="JSONL")
    parser.add_argument("--groups", type=Path, nargs="*", default=[], metavar="JSONL", help="files with `quad`")
    parser.add_argument("--output", type=Path, help="folder to write; without it, only the figures are printed")
    args = parser.parse_args(arguments)
    if len(args.trained) != len(args.factors):
        raise CertaintyError(f"{len(args.trained)} models and {len(args.factors)} factors; give one for each.")

    settings, tokenizer = ModelSettings.load(args.initial), SentenceTokenizer.from_folder(args.initial)
    model = merged(args.initial, args.trained, args.factors)
    judging = {args.dev.name: read_labelled(args.dev)} | {
        path.name: split_held_out_groups(read_labelled(path))[1] for path in args.groups
    }
    for name, sentences in judging.items():
        dev = DevSentences(sentences, tokenizer, settings.max_length, settings.pad_token_id)
        logits, claims = dev.logits(runner(model)).label, dev.gold >= 0
        loss = negative_log_likelihoods(logits[claims], dev.gold[claims]).mean()
        right = np.mean(logits[claims].argmax(axis=1) == dev.gold[claims])
        print(f"{name}: negative log-likelihood {loss:.4f}, accuracy of {claims.sum()} claims {right:.4f}", flush=True)
    if args.output:
        shutil.copytree(args.initial, args.output, ignore=shutil.ignore_patterns(INT8_FILE, "evaluation.json"))
        model.save_pretrained(args.output)
        export_onnx(model, args.output)


if __name__ == "__main__":
    raise SystemExit(main())
