"""Draw a random sample of the distinct sentences of raw text, as token ids."""

from __future__ import annotations

import logging
import lzma
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tqdm.auto import tqdm

from certainty import CertaintyError
from certainty.evaluation.leakage import text_key
from certainty.finetuning.pseudo_labels import TokenisedSentences
from certainty.sentences import split_sentences
from training.data.text import read_paragraphs

logger = logging.getLogger(__name__)

SHORTEST, LONGEST = 5, 96  # in tokens, including special tokens
_PARAGRAPHS = 1000  # number passed to a worker at a time
_SENTENCES = 16_384  # number tokenised at a time

_excluded: frozenset[str] = frozenset()  # set in each worker


def sample_sentences(
    files: Sequence[Path],
    tokenizer: Tokenizer,
    sentences: int,
    per_file: int | None = None,
    excluded: frozenset[str] = frozenset(),
    longest: int = LONGEST,
    pad_token_id: int | None = None,
    seed: int = 1,
) -> TokenisedSentences:
    """Split texts into sentences and sample from these, in random order.

    Args:
        files: Text files with one paragraph per line.
        tokenizer: A tokenizer that adds the special tokens.
        sentences: Number of sentences to draw. If there are fewer, all are drawn.
        per_file: Maximum number of sentences from one file. None sets no limit.
        excluded: Keys (`certainty.evaluation.leakage.text_key`) of sentences that must not be drawn.
        longest: Maximum length of a sentence in tokens.
        pad_token_id: Sentences that contain this token are not drawn.
        seed: Seed for the choice and the order.

    Raises:
        CertaintyError: If a file is not UTF-8 text, or no sentences are left.
    """
    origin = _distinct_sentences(files, excluded)
    texts = list(origin)
    random_order = np.random.default_rng(seed).permutation(len(texts)).tolist()
    drawn: Counter[int] = Counter()
    ids: list[NDArray[np.int32]] = []
    lengths: list[int] = []
    with tqdm(total=sentences, disable=None, unit="sentence", desc="tokenise") as bar:
        for start in range(0, len(texts), _SENTENCES):
            block = [texts[i] for i in random_order[start : start + _SENTENCES]]
            if per_file is not None:
                block = [text for text in block if drawn[origin[text]] < per_file]
            kept: list[list[int]] = []
            for text, encoding in zip(block, tokenizer.encode_batch_fast(block), strict=True):
                tokens = encoding.ids
                if not SHORTEST <= len(tokens) <= longest or len(lengths) + len(kept) == sentences:
                    continue
                if pad_token_id in tokens or (per_file is not None and drawn[origin[text]] == per_file):
                    continue
                drawn[origin[text]] += 1
                kept.append(tokens)
            lengths.extend(map(len, kept))
            ids.append(np.fromiter(chain.from_iterable(kept), dtype=np.int32))
            bar.update(len(kept))
            if len(lengths) == sentences:
                break
    if not lengths:
        raise CertaintyError(f"No sentence of {SHORTEST} to {longest} tokens in the text; give more text.")
    for i, file in enumerate(files):
        logger.info("%s: %d sentences drawn", file.name, drawn[i])
    return TokenisedSentences(np.concatenate(ids), np.array(lengths, dtype=np.int32))


def _distinct_sentences(files: Sequence[Path], excluded: frozenset[str]) -> dict[str, int]:
    """Return the distinct sentences, each with the index of the first file that contains it."""
    origin: dict[str, int] = {}
    with Pool(os.cpu_count(), _initialise, (excluded,)) as pool:
        for i, file in enumerate(files):
            total, before = 0, len(origin)
            parts = pool.imap(_split, _blocks(file))
            for part in tqdm(parts, disable=None, unit="k paragraphs", desc=f"split {file.name}"):
                total += len(part)
                for text in part:
                    origin.setdefault(text, i)
            logger.info("%s: %d sentences, %d of them new", file.name, total, len(origin) - before)
    return origin


def _blocks(file: Path) -> Iterator[list[str]]:
    paragraphs = read_paragraphs(file)
    try:
        while block := list(islice(paragraphs, _PARAGRAPHS)):
            yield block
    except (UnicodeDecodeError, lzma.LZMAError, EOFError) as error:
        raise CertaintyError(f"{file}: cannot be read as UTF-8 text ({error}).") from error


def _initialise(excluded: frozenset[str]) -> None:
    global _excluded
    _excluded = excluded


def _split(paragraphs: list[str]) -> list[str]:
    texts = [sentence.text for paragraph in paragraphs for sentence in split_sentences(paragraph)]
    return [text for text in texts if text_key(text) not in _excluded] if _excluded else texts
