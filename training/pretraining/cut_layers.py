"""Keep some layers of an encoder and write it without training: `python -m training.pretraining.cut_layers`.

To take away the topmost layers costs least before a fine-tuning (Sajjad et al. 2023, https://arxiv.org/abs/2004.03844);
every second layer is the usual start of a distillation (https://arxiv.org/abs/1910.01108).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from certainty.finetuning.origin import inherit_origin
from training.pretraining.encoder import keep_layers, open_encoder, save_encoder
from training.program import tells_errors


def cut_layers(encoder: str, layers: Sequence[int], output: str | Path) -> None:
    """Write an encoder with some of its layers, its tokenizer and what it is built on.

    Args:
        encoder: Folder of a CamemBERT with its language-model head.
        layers: Indices of the layers to keep, from the bottom.
        output: Folder to write.

    Raises:
        CertaintyError: the encoder cannot be loaded, or has no such layer.
    """
    model = open_encoder(encoder)
    keep_layers(model, layers)
    tokenizer = Tokenizer.from_file(str(Path(encoder) / "tokenizer.json"))
    save_encoder(model, tokenizer, Path(output))
    inherit_origin(encoder, Path(output))


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.pretraining.cut_layers", description="Keep some layers of an encoder."
    )
    parser.add_argument("--encoder", required=True, help="folder of a CamemBERT")
    parser.add_argument("--keep-layers", nargs="+", type=int, required=True, help="indices, from 0 at the bottom")
    parser.add_argument("--output", required=True, help="folder to write")
    args = parser.parse_args(arguments)
    cut_layers(args.encoder, args.keep_layers, args.output)


if __name__ == "__main__":
    sys.exit(main())
