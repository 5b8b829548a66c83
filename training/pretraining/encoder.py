"""Create, open and save the encoder that is pretrained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import CamembertConfig, CamembertForMaskedLM
from transformers.models.camembert.modeling_camembert import CamembertLayer

from certainty import CertaintyError
from training.pretraining.settings import PretrainingSettings
from training.pretraining.tokenizer import for_transformers

# When compiled, eager attention is faster on CPUs than scaled_dot_product_attention, whose backward pass is slow there.
ATTENTION = "sdpa" if torch.cuda.is_available() else "eager"


def new_encoder(settings: PretrainingSettings) -> CamembertForMaskedLM:
    """Create an encoder with language-model head and random weights, or open `settings.initial` if it is given.

    Raises:
        CertaintyError: If `settings.initial` cannot be loaded.
    """
    torch.manual_seed(settings.seed)
    if settings.initial:
        encoder = open_encoder(settings.initial)
        if settings.keep_layers:
            keep_layers(encoder, settings.keep_layers)
        return encoder
    config = CamembertConfig(
        vocab_size=settings.vocab_size,
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.num_hidden_layers,
        num_attention_heads=settings.num_attention_heads,
        intermediate_size=4 * settings.hidden_size,
        # CamemBERT counts positions from pad_token_id + 1.
        max_position_embeddings=settings.row_lengths[-1] + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        attn_implementation=ATTENTION,
    )
    return CamembertForMaskedLM(config)


def open_encoder(folder: str) -> CamembertForMaskedLM:
    """Open an encoder with its language-model head, in 32-bit floats.

    Raises:
        CertaintyError: If the encoder cannot be loaded.
    """
    try:
        return CamembertForMaskedLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=ATTENTION)
    except (OSError, ValueError) as error:
        raise CertaintyError(f"{folder}: cannot load the encoder: {error}") from error


def keep_layers(encoder: CamembertForMaskedLM, layers: Sequence[int]) -> None:
    """Remove all layers except those with the given indices, to initialise a smaller encoder.

    See DistilBERT (https://arxiv.org/abs/1910.01108).

    Raises:
        CertaintyError: If the encoder has no such layer.
    """
    there = encoder.roberta.encoder.layer
    unknown = [index for index in layers if not 0 <= index < len(there)]
    if unknown:
        raise CertaintyError(f"keep_layers: the encoder has no layer {unknown[0]}, only 0 to {len(there) - 1}.")
    encoder.roberta.encoder.layer = nn.ModuleList([there[index] for index in layers])
    encoder.config.num_hidden_layers = len(layers)


def compile_layers(model: nn.Module) -> None:
    """Compile each layer separately; since all share one graph, this takes seconds instead of a minute."""
    for module in model.modules():
        if isinstance(module, CamembertLayer):
            module.compile(dynamic=False)


def save_encoder(encoder: CamembertForMaskedLM, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the encoder, its language-model head and its tokenizer in Hugging Face layout, as 16-bit floats."""
    encoder.half().save_pretrained(folder)
    for_transformers(tokenizer, encoder.config.max_position_embeddings - 2).save_pretrained(folder)
