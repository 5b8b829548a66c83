"""Prepare a training run: load the model and the tokenizer, and encode the sentences."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from certainty.finetuning.fast_tokenizer import backend
from certainty.finetuning.features import SentenceFeatures, taught_heads
from certainty.finetuning.pseudo_labels import read_pseudo_labels
from certainty.finetuning.replay import replayed
from certainty.finetuning.settings import FinetuningSettings
from certainty.finetuning.start import Start
from certainty.finetuning.trainer import CertaintyTrainer, build_trainer, training_device
from certainty.labelled import LabelledSentence
from certainty.tokenising import SentenceTokenizer

__all__ = ["Setup", "set_up"]

logger = logging.getLogger(__name__)


class Setup(NamedTuple):
    """A prepared training run.

    Attributes:
        trainer: The trainer, with the model, train and dev.
        tokenizer: The tokenizer.
        max_length: Maximum input length in tokens.
        heads: The heads, other than the label head, that the training data can train.
    """

    trainer: CertaintyTrainer
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    heads: tuple[str, ...]


def set_up(
    settings: FinetuningSettings,
    start: Start,
    train: Sequence[LabelledSentence],
    dev: Sequence[LabelledSentence] | None,
    checkpoints: Path | None,
    *,
    held_out: Sequence[LabelledSentence] = (),
    heads: tuple[str, ...] | None = None,
) -> Setup:
    """Load the model to start from and encode the sentences.

    Args:
        settings: The fine-tuning settings.
        start: The encoder or model to start from.
        train: The training sentences.
        dev: The sentences used to choose the checkpoint; None to train for all epochs.
        checkpoints: Folder for the checkpoints; None to save none.
        held_out: Further sentences that are not replayed.
        heads: The heads to train besides the label head; None for those that train can teach.

    Raises:
        CertaintyError: a file cannot be used, or the device is not available.
    """
    device = training_device(settings)
    tokenizer = start.tokenizer()
    transformers.set_seed(settings.seed)
    model = start.weights(settings)
    if settings.attention_weight or device.type == "cpu":
        # The attention loss needs the attention weights; on CPUs the backward pass of fused attention is slower.
        model.classifier.set_attn_implementation("eager")
    longest = start.model.max_length if start.model else longest_input(model.config, tokenizer)
    max_length = min(settings.max_length or longest, longest)
    fast = backend(tokenizer)
    reader = SentenceTokenizer(fast)
    features = SentenceFeatures(train, reader, max_length, settings.second_weight)
    dev_features = None if dev is None else SentenceFeatures(dev, reader, max_length)
    extend_by_pseudo_labels(features, fast, max_length, settings)
    heads = taught_heads(features) if heads is None else heads
    again = replayed(settings.replay, [*(dev or ()), *held_out], settings.seed)
    if again:  # only the replayed sentences teach a head for which the data has too few, or one-sided, answers
        features.ignore(set(start.heads) - set(heads))
    features.extend(SentenceFeatures(again, reader, max_length, settings.second_weight).rows)
    kept = start.heads if again else ()
    trainer = build_trainer(settings, model, features, dev_features, heads, tokenizer.pad_token_id, checkpoints, kept)
    return Setup(trainer, tokenizer, max_length, heads)


def extend_by_pseudo_labels(
    features: SentenceFeatures, tokenizer: Tokenizer, max_length: int, settings: FinetuningSettings
) -> None:
    """Repeat the labelled sentences and add the pseudo-labelled ones of at most `max_length` tokens.

    Raises:
        CertaintyError: the file cannot be read, or was made with another tokenizer.
    """
    rows = read_pseudo_labels(settings.pseudo_labels, tokenizer) if settings.pseudo_labels else []
    short = [row for row in rows if len(row["input_ids"]) <= max_length]
    if len(short) < len(rows):
        logger.warning(
            "%d pseudo-labelled sentences are longer than %d tokens and are left out.",
            len(rows) - len(short),
            max_length,
        )
    features.extend(short, settings.labelled_repeats)


def longest_input(config: Any, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the maximum input length of the encoder in tokens, at most 512."""
    offset = config.pad_token_id + 1 if config.model_type in ("camembert", "roberta", "xlm-roberta") else 0
    return int(min(tokenizer.model_max_length, config.max_position_embeddings - offset, 512))
