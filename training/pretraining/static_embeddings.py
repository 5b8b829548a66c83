"""Compute static embeddings of subwords, to initialise the word embeddings of the encoder.

They are the positive pointwise mutual information of neighbours, factorised by a truncated SVD (Levy & Goldberg 2014,
https://papers.nips.cc/paper/5477).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from training.pretraining.tokenizer import SPECIAL_TOKENS


def static_embeddings(
    sources: list[NDArray[np.uint16]], vocab_size: int, size: int, window: int = 4, max_tokens: int = 12_000_000
) -> NDArray[np.float32]:
    """Compute an embedding of each subword from its neighbours.

    Args:
        sources: Token arrays.
        vocab_size: Number of subwords.
        size: Number of dimensions.
        window: Number of neighbours on each side, weighted by 1/distance.
        max_tokens: Maximum number of tokens to read, taken from all sources in proportion to their length.

    Returns:
        Array of shape (vocab_size, size), with mean 0 and standard deviation 1 over all values. Special tokens have
        random embeddings.
    """
    total = sum(map(len, sources))
    counts = sp.csr_matrix((vocab_size, vocab_size), dtype=np.float32)
    for source in sources:
        tokens = np.asarray(source[: int(len(source) * min(1.0, max_tokens / total))]).astype(np.int32)
        for block in np.array_split(tokens, max(1, len(tokens) // 2_000_000)):
            for distance in range(1, window + 1):
                left, right = block[:-distance], block[distance:]
                keep = (left >= len(SPECIAL_TOKENS)) & (right >= len(SPECIAL_TOKENS))
                weights = np.full(int(keep.sum()), 1.0 / distance, dtype=np.float32)
                counts += sp.csr_matrix((weights, (left[keep], right[keep])), shape=counts.shape)
    counts = (counts + counts.T).tocoo()
    marginal = np.asarray(counts.sum(axis=1)).ravel() + 1e-9
    smoothed = marginal**0.75 / (marginal**0.75).sum()
    pmi = np.log(counts.data / (marginal[counts.row] * smoothed[counts.col]))
    positive = pmi > 0
    ppmi = sp.csr_matrix(
        (pmi[positive].astype(np.float32), (counts.row[positive], counts.col[positive])), shape=counts.shape
    )
    u, s, _ = randomized_svd(ppmi, n_components=size, n_iter=3, random_state=0)
    embeddings = (u * np.sqrt(s)).astype(np.float32)
    embeddings -= embeddings.mean(axis=0)
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    # Rare subwords get short vectors from the SVD, but the encoder needs the same scale for all.
    embeddings /= np.maximum(norms, 1e-6) / np.sqrt(size)
    embeddings[: len(SPECIAL_TOKENS)] = np.random.default_rng(0).normal(size=(len(SPECIAL_TOKENS), size))
    return np.asarray(embeddings)
