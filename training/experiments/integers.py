"""Write the integer graph of a model anew, compare it with "onnx" on dev, and note the result in `certainty.json`."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

from certainty.batching import cut_windows
from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.dev_logits import DevSentences
from certainty.finetuning.integers import TYPICAL_SENTENCES, with_integers
from certainty.labelled import read_labelled
from certainty.model_folder import ModelSettings
from certainty.tokenising import SentenceTokenizer
from training.program import tells_errors


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m training.experiments.integers", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model folder, which is changed")
    parser.add_argument("--train", nargs="+", type=Path, required=True, metavar="JSONL", help="typical sentences")
    parser.add_argument("--dev", type=Path, required=True, metavar="JSONL", help="held-out sentences")
    args = parser.parse_args(arguments)

    settings, tokenizer = ModelSettings.load(args.model), SentenceTokenizer.from_folder(args.model)
    rows = read_labelled(args.train)
    typical = random.Random(0).sample(rows, min(TYPICAL_SENTENCES, len(rows)))
    encodings = tokenizer(row.text for row in typical)
    windows = cut_windows([encoding.ids for encoding in encodings], tokenizer.special, settings.max_length)
    ids = [window.ids for window in windows if window.start == 0]  # as training sees them
    dev = DevSentences(read_labelled(args.dev), tokenizer, settings.max_length, settings.pad_token_id)
    model = CertaintyModel.from_pretrained(args.model).eval()
    settings = with_integers(model, args.model, ids, dev, settings)
    settings.save(args.model)
    print(json.dumps({"engine": settings.engine, **(settings.training or {}).get("int8", {})}, indent=2))


if __name__ == "__main__":
    raise SystemExit(main())
