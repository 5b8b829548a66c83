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
from certainty.labels import CUED, LABELS
from certainty.model_folder import FIRST_HEADS, ModelSettings

SURE_OF_SOURCE = 0.5
"""Smallest mean probability of the first and the last token of a source that a student learns."""
_SECOND = slice(len(LABELS) + 2, 2 * len(LABELS) + 3)


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
        for folder, setting in zip(folders, settings, strict=True):
            if missing := [head for head in FIRST_HEADS if head not in setting.heads]:
                raise CertaintyError(f"{folder}: it was not taught {', '.join(missing)}; a teacher needs these heads.")
        tokenizers = [backend(load_tokenizer(str(folder))) for folder in folders]
        for folder, tokenizer in zip(folders, tokenizers, strict=True):
            if tokenizer_digest(tokenizer) != tokenizer_digest(tokenizers[0]):
                raise CertaintyError(
                    f"{folder}: its tokenizer differs from that of {folders[0]}; use teachers with the same tokenizer."
                )
        self._taught = [s.heads for s in settings]
        self.names = [Path(folder).resolve().name for folder in folders]
        self.tokenizer = tokenizers[0]
        self.pad_token_id = settings[0].pad_token_id
        self.max_length = min(s.max_length for s in settings)
        self.models = [CertaintyModel.from_pretrained(folder).to(self.device) for folder in folders]
        for model in self.models:
            model.classifier.set_attn_implementation("sdpa")

    def __call__(self, sentences: TokenisedSentences, batch_tokens: int = 16_384) -> Probabilities:
        """Return the mean of the models' probabilities.

        Args:
            sentences: The sentences.
            batch_tokens: Maximum number of tokens per batch, including padding.
        """
        order = np.argsort(-sentences.lengths, kind="stable")
        ordered = sentences[order]
        ends = np.cumsum(ordered.lengths, dtype=np.int64)
        results: list[tuple[Tensor, ...]] = []
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

        heads = np.empty((len(sentences), _SECOND.stop), dtype=np.float16)
        source = np.empty((len(sentences), 2), dtype=np.int16)
        cue = np.empty((len(sentences.ids), len(CUED)), dtype=np.uint8)
        for (start, end), (of_sentences, of_tokens, of_sources) in zip(bounds, results, strict=True):
            lengths = ordered.lengths[start:end]
            heads[order[start:end]] = of_sentences.numpy()
            source[order[start:end]] = of_sources.numpy()
            tokens = of_tokens.numpy()[np.arange(lengths[0]) < lengths[:, None]]
            cue[ends[start] - lengths[0] : ends[end - 1]] = np.round(tokens.astype(np.float32) * 255)
        back = np.empty_like(cue)
        back[positions(sentences.lengths, order)] = cue
        back[special_token_positions(sentences.lengths, self.tokenizer)] = 0
        claim, attributed = heads[:, len(LABELS)], heads[:, len(LABELS) + 1]
        return Probabilities(heads[:, : len(LABELS)], claim, attributed, heads[:, _SECOND], source, back)

    def _mean(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mean probabilities of a padded batch, copied asynchronously to CPU.

        Those are labels, claim, attributed and second (rows, 11); cues (rows, length, 3); and the first and last token
        of the source (rows, 2).
        """
        if self.device.type == "cuda":
            ids = ids.pin_memory().to(self.device, non_blocking=True)
        ids = ids.long()
        mask = (ids != self.pad_token_id).long()
        sentences, cues, seconds, sources = [], [], [], []
        for model, taught in zip(self.models, self._taught, strict=True):
            logits = {name: x.float() for name, x in zip(model.outputs, model(ids, mask), strict=True)}
            label = logits["label"].softmax(dim=1)
            others = torch.stack([logits["claim"], logits["attributed"]], dim=1).sigmoid()
            sentences.append(torch.cat([label, others], dim=1))
            cue = logits["cue"].sigmoid()
            if cue.ndim == 2:  # one channel, made before release 0.5: a cue is of a label if the sentence is
                cue = cue[..., None] * label[:, None, [LABELS.index(cued) for cued in CUED]]
            cues.append(cue)
            if "second" in taught:
                seconds.append(logits["second"].softmax(dim=1))
            if "source" in taught:
                real = logits["source"].masked_fill(mask[..., None] == 0, -torch.inf)
                sources.append(real.softmax(dim=1))
        rows = len(ids)
        second = _mean(seconds) if seconds else torch.full((rows, 1 + len(LABELS)), torch.nan, device=ids.device)
        source = sure_spans(_mean(sources)) if sources else torch.full((rows, 2), -1, device=ids.device)
        result = torch.cat([_mean(sentences), second], dim=1).half(), _mean(cues).half(), source.short()
        of_sentences, cue, of_source = (tensor.to("cpu", non_blocking=True) for tensor in result)
        return of_sentences, cue, of_source


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).mean(dim=0)


def sure_spans(probabilities: Tensor) -> Tensor:
    """Return the most likely first and last token of each row, shape (rows, 2), or -1 if the teachers are unsure.

    Args:
        probabilities: Those of each token to be the first and the last, shape (rows, length, 2).
    """
    likely, tokens = probabilities.max(dim=1)
    in_order = (tokens[:, 0] <= tokens[:, 1]) & ((tokens[:, 0] > 0) == (tokens[:, 1] > 0))
    sure = in_order & (likely.min(dim=1).values >= SURE_OF_SOURCE)
    return torch.where(sure[:, None], tokens, -1)


def _batches(lengths: NDArray[np.int32], batch_tokens: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of batches for lengths in descending order; each batch has at least one sentence."""
    start = 0
    while start < len(lengths):
        end = min(len(lengths), start + max(1, batch_tokens // int(lengths[start])))
        yield start, end
        start = end
