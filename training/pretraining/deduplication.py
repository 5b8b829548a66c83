"""Drop paragraphs that are exact or near duplicates of earlier ones.

Near duplicates share most of their five-word shingles; they are found by MinHash and locality-sensitive hashing (Broder
1997). For the benefit to language models, see Lee et al. (2022), https://arxiv.org/abs/2107.06499.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from rensa import RMinHash, RMinHashLSH

_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 5
_FEWEST_WORDS = 20
_PERMUTATIONS, _BANDS = 64, 8
_SIMILARITY = (1 / _BANDS) ** (_BANDS / _PERMUTATIONS)  # 0.77: at this similarity, half of the pairs share a band


class Deduplicator:
    """Drops duplicates within and between the files that it is called with."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()
        self._index = RMinHashLSH(_SIMILARITY, _PERMUTATIONS, _BANDS)
        self._kept = 0

    def __call__(self, paragraphs: Iterable[str]) -> Iterator[str]:
        """Yield the paragraphs that are not duplicates.

        A paragraph is a duplicate if an earlier one had the same letters and digits, regardless of case, spaces and
        punctuation, or, from 20 words on, if about three quarters of its shingles were in a single earlier one.
        """
        for paragraph in paragraphs:
            if not self._is_repeated(paragraph) and not self._is_alike(paragraph):
                yield paragraph

    def _is_repeated(self, paragraph: str) -> bool:
        normalised = "".join(filter(str.isalnum, paragraph.lower()))
        digest = hashlib.blake2b(normalised.encode(), digest_size=8).digest()
        known = digest in self._digests
        self._digests.add(digest)
        return known

    def _is_alike(self, paragraph: str) -> bool:
        words = _WORD.findall(paragraph.lower())
        if len(words) < _FEWEST_WORDS:
            return False
        signature = RMinHash(_PERMUTATIONS, 1)
        signature.update([" ".join(words[i : i + _SHINGLE_WORDS]) for i in range(len(words) - _SHINGLE_WORDS + 1)])
        if self._index.query(signature):
            return True
        self._index.insert(self._kept, signature)
        self._kept += 1
        return False
