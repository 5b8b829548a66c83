"""The tokenizer of an encoder's or a model's folder, and its Rust form."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from certainty import CertaintyError


def load_tokenizer(encoder: str | Path) -> PreTrainedTokenizerBase:
    """Load the encoder's tokenizer; it must have the fast form that scoring uses."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(encoder)
    except (OSError, ValueError) as error:
        raise CertaintyError(f"{encoder}: cannot load the tokenizer: {error}") from error
    if not tokenizer.is_fast:
        raise CertaintyError(f"{encoder}: its tokenizer has no fast form (tokenizer.json).")
    return tokenizer


def backend(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return the Rust tokenizer without truncation and padding."""
    fast = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    fast.no_truncation()
    fast.no_padding()
    return fast
