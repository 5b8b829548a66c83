"""Train the heads that read the whole sentence (claim, attributed, second) again, on an encoder that does not change.

What the encoder says of each sentence is computed once, so that each epoch takes seconds. Of each head, the epoch with
the least loss is kept: the sum of its losses on dev and on held-out groups of files with `quad`, each divided by that
of the initial head. A head that is nowhere better stays. Prints both losses, and writes a folder to finish with
`certainty train --initial`.
"""

from __future__ import annotations

import argparse
import copy
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn

from certainty.batching import batches
from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.export.onnx import export_onnx
from certainty.finetuning.features import IGNORED, Collator, SentenceFeatures
from certainty.finetuning.objective import binary_loss, distribution_loss
from certainty.finetuning.precision import round_weights
from certainty.finetuning.splits import split_held_out_groups
from certainty.labelled import LabelledSentence, read_labelled
from certainty.model_folder import INT8_FILE, ModelSettings
from certainty.tokenising import SentenceTokenizer
from training.program import tells_errors

HEADS = ("claim", "attributed", "second")
_TOKENS = 4096  # of a batch

Rows = tuple[Tensor, Mapping[str, Tensor]]
"""What the encoder says of each sentence, shape (n, hidden), and the targets of each head."""


@torch.no_grad()
def encoded(model: CertaintyModel, sentences: Sequence[LabelledSentence], folder: Path) -> Rows:
    """Run the encoder on sentences, of which long ones are cut at the model's maximum length."""
    settings = ModelSettings.load(folder)
    features = SentenceFeatures(sentences, SentenceTokenizer.from_folder(folder), settings.max_length)
    collate = Collator(settings.pad_token_id)
    hidden = torch.empty(len(sentences), model.config.hidden_size)
    for rows in track(batches(features.lengths, _TOKENS), f"{len(sentences)} sentences"):
        batch = collate([features[i] for i in rows])
        output = model.classifier(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True
        )
        hidden[rows] = output.hidden_states[-1][:, 0]
    targets = {head: torch.tensor(np.stack([row[head] for row in features.rows])).float() for head in HEADS}
    return hidden, targets


def loss(head: nn.Module, hidden: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of the rows whose target is known."""
    logits = head(hidden)
    return distribution_loss(logits, targets) if targets.ndim == 2 else binary_loss(logits.squeeze(-1), targets)


def trained(
    initial: nn.Module,
    rows: tuple[Tensor, Tensor],
    judging: Mapping[str, tuple[Tensor, Tensor]],
    args: argparse.Namespace,
) -> nn.Module:
    """Return the head of the best epoch; see the description of the program."""
    hidden, targets = rows

    def losses(head: nn.Module) -> Mapping[str, float]:
        with torch.inference_mode():
            return {name: float(loss(head, *held)) for name, held in judging.items()}

    before = losses(initial)
    best, least = initial, float(len(before))
    print("before:", ", ".join(f"{name} {value:.4f}" for name, value in before.items()))
    head = copy.deepcopy(initial)
    optimizer = torch.optim.AdamW(head.parameters(), lr=args.learning_rate, weight_decay=args.weight_decay)
    generator = torch.Generator().manual_seed(args.seed)
    steps = args.epochs * -(-len(hidden) // args.batch_size)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for epoch in range(1, args.epochs + 1):
        for chosen in torch.randperm(len(hidden), generator=generator).split(args.batch_size):
            optimizer.zero_grad()
            loss(head, hidden[chosen], targets[chosen]).backward()
            optimizer.step()
            schedule.step()
        now = losses(head)
        relative = sum(now[name] / before[name] for name in before)
        print(f"epoch {epoch}:", ", ".join(f"{name} {value:.4f}" for name, value in now.items()), f"({relative:.4f})")
        if relative < least:
            best, least = copy.deepcopy(head), relative
    return best


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.experiments.sentence_heads", description=__doc__)
    parser.add_argument("--initial", type=Path, required=True, help="model folder")
    parser.add_argument(
        "--train", type=Path, nargs="+", required=True, metavar="JSONL", help="with the files of --groups"
    )
    parser.add_argument("--dev", type=Path, required=True, metavar="JSONL")
    parser.add_argument("--groups", type=Path, nargs="*", default=[], metavar="JSONL", help="files with `quad`")
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=HEADS)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    args = parser.parse_args(arguments)

    torch.manual_seed(args.seed)
    model = CertaintyModel.from_pretrained(args.initial)
    train, _ = split_held_out_groups(read_labelled(args.train))
    held = {args.dev.stem: read_labelled(args.dev)}
    held |= {path.stem: split_held_out_groups(read_labelled(path))[1] for path in args.groups}
    rows = encoded(model, train, args.initial)
    judging = {name: encoded(model, sentences, args.initial) for name, sentences in held.items()}
    for head in args.heads:
        print(f"{head}:")
        of_head = {name: (hidden, targets[head]) for name, (hidden, targets) in judging.items()}
        of_head = {name: held for name, held in of_head.items() if (held[1] != IGNORED).any()}
        model.heads[head] = trained(model.heads[head], (rows[0], rows[1][head]), of_head, args)
    shutil.copytree(args.initial, args.output, ignore=shutil.ignore_patterns(INT8_FILE, "evaluation.json"))
    round_weights(model).save_pretrained(args.output)
    export_onnx(model, args.output)


if __name__ == "__main__":
    raise SystemExit(main())
