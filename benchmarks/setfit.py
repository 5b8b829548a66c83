"""The recipe of SetFit on an encoder: contrastive training of the embeddings, then logistic regression on them.

Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts", https://arxiv.org/abs/2209.11055. As there: the
embedding is the mean of the tokens, each sentence is paired with 20 others of its label and 20 of another, and the
cosine of a pair is fitted to 1 or 0 in one epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModel

from certainty.finetuning.fast_tokenizer import load_tokenizer
from certainty.finetuning.progress import quiet_transformers
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

PAIRS = 20
BATCH, RATE, MAX_LENGTH = 16, 2e-5, 128


class SetFit:
    """A classifier made by the recipe of SetFit.

    Args:
        encoder: Folder of the encoder.
        seed: Seed of the pairs and their order.
    """

    def __init__(self, encoder: str | Path, seed: int) -> None:
        torch.manual_seed(seed)
        self._rng = np.random.default_rng(seed)
        self._tokenizer = load_tokenizer(Path(encoder))
        with quiet_transformers():  # which would report the missing pooling layer, of no use here
            self._encoder = AutoModel.from_pretrained(encoder).float()

    def fit(self, sentences: Sequence[LabelledSentence]) -> SetFit:
        """Train on the sentences with a label."""
        claims = [s for s in sentences if s.label is not None]
        texts, gold = [s.text for s in claims], np.array([LABELS.index(s.label) for s in claims if s.label])
        first, second, same = self._pairs(gold)
        optimiser = torch.optim.AdamW(self._encoder.parameters(), lr=RATE)
        self._encoder.train()
        for start in range(0, len(same), BATCH):
            part = slice(start, start + BATCH)
            one, other = (self._embed([texts[i] for i in rows[part]]) for rows in (first, second))
            loss = F.mse_loss(F.cosine_similarity(one, other), torch.tensor(same[part], dtype=torch.float32))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        self._head = LogisticRegression(max_iter=1000).fit(self._embeddings(texts), gold)
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each label, shape (n, 4); 0 for labels that do not occur in training."""
        result = np.zeros((len(texts), len(LABELS)))
        result[:, self._head.classes_] = self._head.predict_proba(self._embeddings(texts))
        return result

    def _pairs(self, gold: NDArray[np.int64]) -> tuple[list[int], list[int], list[bool]]:
        pairs = []
        for row, label in enumerate(gold):
            for is_same in (True, False):
                others = np.flatnonzero((gold == label) == is_same)
                others = others[others != row]
                if len(others):
                    pairs += [(row, int(other), is_same) for other in self._rng.choice(others, PAIRS)]
        order = self._rng.permutation(len(pairs))
        first, second, same = zip(*(pairs[i] for i in order), strict=True)
        return list(first), list(second), list(same)

    def _embed(self, texts: Sequence[str]) -> Tensor:
        length = min(MAX_LENGTH, self._tokenizer.model_max_length)
        batch = self._tokenizer(list(texts), padding=True, truncation=True, max_length=length, return_tensors="pt")
        hidden: Tensor = self._encoder(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        mask: Tensor = batch["attention_mask"][..., None]
        return (hidden * mask).sum(dim=1) / mask.sum(dim=1)

    @torch.inference_mode()
    def _embeddings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._encoder.eval()
        parts = [self._embed(texts[start : start + 64]) for start in range(0, len(texts), 64)]
        return torch.cat(parts).numpy()
