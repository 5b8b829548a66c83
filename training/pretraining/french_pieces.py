"""Choose the pieces of multilingual-e5-small that French text uses, both as printed and as people type it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.data.retyping import retype
from training.pretraining.french_tokenizer import french_tokenizer, unigram_pieces
from training.pretraining.tokenizer import SPECIAL_TOKENS
from training.pretraining.trim_vocabulary import chosen_pieces, coverage, piece_counts

PRINTED = "as printed"
TYPED = ("capitals", "capitals_without_accents", "lower_case", "without_accents")
RETYPED_SHARE = 0.2
"""Weight of all retyped text together in the choice of pieces, relative to 1 for the text as printed."""
RETYPED_EVERY = 4
"""For retyped text, pieces are counted in one out of this many paragraphs."""
_XLMR_SPECIAL_IDS = (0, 1, 2, 3)  # <s>, <pad>, </s>, <unk>; the mask is the last piece


class FrenchPieces:
    """The pieces of a multilingual Unigram tokenizer, with their counts in a French text under our splitting rules.

    Attributes:
        counts: The count of each piece by id, for "as printed" and each of `TYPED`. Ids begin with our special tokens,
            followed by the other pieces in their original order.
    """

    def __init__(self, tokenizer_file: Path, paragraphs: Sequence[str]) -> None:
        """Count the pieces.

        Args:
            tokenizer_file: The `tokenizer.json` of multilingual-e5-small.
            paragraphs: French text as printed; the retyped versions are made from it.
        """
        original = unigram_pieces(Tokenizer.from_file(str(tokenizer_file)))
        special = {original[i][0] for i in _XLMR_SPECIAL_IDS} | {"<mask>"}
        plain = [(i, piece) for i, piece in enumerate(original) if piece[0] not in special]
        self._pieces = [piece for _, piece in plain]
        self._rows = [*_XLMR_SPECIAL_IDS, len(original) - 1, *(i for i, _ in plain)]
        self._whole = french_tokenizer(self._pieces)
        self.counts = self._counted(self._whole, paragraphs)

    def cut(self, size: int) -> tuple[Tokenizer, NDArray[np.int64]]:
        """Return a tokenizer with the `size` most frequent pieces, and the row of each piece in the embeddings.

        Args:
            size: Number of pieces, including the five special tokens.

        Raises:
            CertaintyError: If `size` is too small for the characters of the text.
        """
        kept = self._kept(size)
        pieces = [self._pieces[i - len(SPECIAL_TOKENS)] for i in kept[len(SPECIAL_TOKENS) :]]
        return french_tokenizer(pieces), np.array([self._rows[i] for i in kept])

    def report(self, size: int, paragraphs: Sequence[str]) -> str:
        """Return a Markdown table of how well a vocabulary of `size` pieces covers a text, by kind of typing.

        Its columns are the share of the text's pieces that are kept, the pieces per word (between white space) with all
        pieces and with the kept ones, and the share of unknown pieces with the kept ones.

        Args:
            size: Number of pieces, including the five special tokens.
            paragraphs: Text other than that in which pieces were counted.

        Raises:
            CertaintyError: If `size` is too small for the characters of the text.
        """
        kept, (tokenizer, _) = self._kept(size), self.cut(size)
        rows = [
            f"| {size} pieces: typing | pieces kept | pieces a word, of all | of the kept | unknown |",
            "|---|---|---|---|---|",
        ]
        before, cut = self._counted(self._whole, paragraphs), self._counted(tokenizer, paragraphs)
        for kind, counts in before.items():
            after = cut[kind]
            words = sum(len(text.split()) for text in paragraphs[:: 1 if kind == PRINTED else RETYPED_EVERY])
            unknown = after[SPECIAL_TOKENS.index("<unk>")] / max(1, after.total())
            rows.append(
                f"| {kind.replace('_', ' ')} | {100 * coverage(counts, kept):.2f} % | {counts.total() / words:.3f} | "
                f"{after.total() / words:.3f} | {100 * unknown:.3f} % |"
            )
        return "\n".join(rows)

    @staticmethod
    def _counted(tokenizer: Tokenizer, paragraphs: Sequence[str]) -> dict[str, Counter[int]]:
        some = paragraphs[::RETYPED_EVERY]
        typed = {kind: piece_counts(tokenizer, [retype(text, kind).text for text in some]) for kind in TYPED}
        return {PRINTED: piece_counts(tokenizer, paragraphs)} | typed

    def _kept(self, size: int) -> list[int]:
        mixed: Counter[int] = Counter(self.counts[PRINTED])
        for kind in TYPED:
            counts = self.counts[kind]
            scale = RETYPED_SHARE / len(TYPED) * self.counts[PRINTED].total() / max(1, counts.total())
            mixed.update({piece: round(scale * n) for piece, n in counts.items()})
        return chosen_pieces(self._whole, mixed, size, range(len(SPECIAL_TOKENS)))
