"""Score sentences with an ensemble of fine-tuned models, to train a student on the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from certainty import CertaintyError
from certainty.engines.modeling import CertaintyModel
from certainty.finetuning.fast_tokenizer import backend, load_tokenizer
from certainty.finetuning.precision import bf16_is_fast
from certainty.finetuning.pseudo_labels import (
    Probabilities,
    TokenisedSentences,
    positions,
    special_token_positions,
    tokenizer_digest,
)
from certainty.labels import LABELS
from certainty.model_folder import ModelSettings


class Teachers:
    """An ensemble of fine-tuned models with the same tokenizer.

    Args:
        folders: Model folders, as written by `certainty.finetuning.finetune`.

    Raises:
        CertaintyError: If a folder has no model, or the tokenizers differ.
    """

    def __init__(self, folders: Sequence[str | Path]) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        settings = [ModelSettings.load(Path(folder)) for folder in folders]
        tokenizers = [backend(load_tokenizer(str(folder))) for folder in folders]
        for folder, tokenizer in zip(folders, tokenizers, strict=True):
            if tokenizer_digest(tokenizer) != tokenizer_digest(tokenizers[0]):
                raise CertaintyError(
                    f"{folder}: its tokenizer differs from that of {folders[0]}; use teachers with the same tokenizer."
                )
        self.names = [Path(folder).resolve().name for folder in folders]
        self.tokenizer = tokenizers[0]
        self.pad_token_id = settings[0].pad_token_id
        self.max_length = min(s.max_length for s in settings)
        self.models = [CertaintyModel.from_pretrained(folder).to(self.device) for folder in folders]
        for model in self.models:
            model.classifier.set_attn_implementation("sdpa")

    def __call__(self, sentences: TokenisedSentences, batch_tokens: int = 16_384) -> Probabilities:
        """Return the mean of the models' probabilities, without those of the second claim and the source.

        Args:
            sentences: The sentences.
            batch_tokens: Maximum number of tokens per batch, including padding.
        """
        order = np.argsort(-sentences.lengths, kind="stable")
        ordered = sentences[order]
        ends = np.cumsum(ordered.lengths, dtype=np.int64)
        results: list[Tensor] = []
        bounds = list(_batches(ordered.lengths, batch_tokens))
        autocast = torch.autocast(self.device.type, torch.bfloat16) if bf16_is_fast(self.device) else nullcontext()
        bar = tqdm(total=len(sentences), disable=None, unit="sentence", desc="score")
        with torch.inference_mode(), autocast, bar:  # a single autocast casts the weights only once
            for start, end in bounds:
                lengths = ordered.lengths[start:end]
                real = np.arange(lengths[0]) < lengths[:, None]
                padded = np.full(real.shape, self.pad_token_id, dtype=np.int32)
                padded[real] = ordered.ids[ends[start] - lengths[0] : ends[end - 1]]
                results.append(self._mean(torch.from_numpy(padded)))
                bar.update(end - start)
            if self.device.type == "cuda":
                torch.cuda.synchronize()

        # Columns of a batch: the labels, claim, attributed, and the cue value of each token.
        heads = np.empty((len(sentences), len(LABELS) + 2), dtype=np.float16)
        cue = np.empty(len(sentences.ids), dtype=np.uint8)
        for (start, end), result in zip(bounds, results, strict=True):
            values, lengths = result.numpy(), ordered.lengths[start:end]
            heads[order[start:end]] = values[:, : heads.shape[1]]
            tokens = values[:, heads.shape[1] :][np.arange(lengths[0]) < lengths[:, None]]
            cue[ends[start] - lengths[0] : ends[end - 1]] = np.round(tokens.astype(np.float32) * 255)
        back = np.empty_like(cue)
        back[positions(sentences.lengths, order)] = cue
        back[special_token_positions(sentences.lengths, self.tokenizer)] = 0
        return Probabilities(heads[:, : len(LABELS)], heads[:, -2], heads[:, -1], back)

    def _mean(self, ids: Tensor) -> Tensor:
        """Return the mean probabilities of a padded batch, shape (rows, 6 + length), copied asynchronously to CPU."""
        if self.device.type == "cuda":
            ids = ids.pin_memory().to(self.device, non_blocking=True)
        ids = ids.long()
        mask = (ids != self.pad_token_id).long()
        total: Tensor | None = None
        for model in self.models:
            label, claim, attributed, cue = (logits.float() for logits in model(ids, mask)[:4])
            if cue.ndim == 3:  # one channel for each label; the file has the cues of any label
                cue = cue.amax(dim=-1)
            others = torch.cat([claim[:, None], attributed[:, None], cue], dim=1).sigmoid()
            probabilities = torch.cat([label.softmax(dim=1), others], dim=1)
            total = probabilities if total is None else total + probabilities
        assert total is not None
        return (total / len(self.models)).half().to("cpu", non_blocking=True)


def _batches(lengths: NDArray[np.int32], batch_tokens: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of batches for lengths in descending order; each batch has at least one sentence."""
    start = 0
    while start < len(lengths):
        end = min(len(lengths), start + max(1, batch_tokens // int(lengths[start])))
        yield start, end
        start = end
