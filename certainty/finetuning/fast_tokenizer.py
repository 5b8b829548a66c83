"""Load the tokenizer of an encoder or a model, and its Rust backend."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from certainty import CertaintyError

FEWEST_TOKENS = 20
"""For a folder without a tokenizer, transformers makes one that has only a few special tokens."""


def load_tokenizer(encoder: str | Path) -> PreTrainedTokenizerBase:
    """Load the encoder's tokenizer.

    Raises:
        CertaintyError: it cannot be loaded, or has no fast version, which scoring needs.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(encoder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise CertaintyError(
            f"{encoder}: cannot load the tokenizer ({reason}). Give a folder that has the encoder's tokenizer.json."
        ) from error
    if len(tokenizer) < FEWEST_TOKENS:
        raise CertaintyError(f"{encoder}: has no tokenizer. Give a folder that has the encoder's tokenizer.json.")
    if not tokenizer.is_fast:
        raise CertaintyError(f"{encoder}: its tokenizer has no fast version (tokenizer.json).")
    return tokenizer


def backend(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return a copy of the Rust tokenizer, without truncation or padding."""
    fast = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    fast.no_truncation()
    fast.no_padding()
    return fast
