"""Tokenise sentences in the same way for scoring, for training and for choosing thresholds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from tokenizers import Tokenizer

from certainty.errors import CertaintyError
from certainty.forking import native
from certainty.model_folder import TOKENIZER_FILE
from certainty.unread import read_form

_SURROGATES = re.compile("[\ud800-\udfff]")
_MASKS = ("<mask>", "[MASK]")


class Encoding(Protocol):
    """A tokenised sentence: the id, the character span and the word of every token."""

    @property
    def ids(self) -> list[int]: ...  # noqa: D102
    @property
    def offsets(self) -> Sequence[tuple[int, int]]: ...  # noqa: D102
    @property
    def word_ids(self) -> Sequence[int | None]: ...  # noqa: D102


class _Tokens(NamedTuple):
    """An encoding whose offsets were moved."""

    ids: list[int]
    offsets: Sequence[tuple[int, int]]
    word_ids: Sequence[int | None]


class SentenceTokenizer:
    """Tokenise sentences as the model reads them.

    Attributes:
        special: Ids of the special tokens before and after a sentence.

    Args:
        tokenizer: The tokenizer, without truncation and padding.

    Raises:
        CertaintyError: it does not add exactly one special token before a sentence and one after.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        special = tokenizer.encode("").ids
        if len(special) != 2:
            raise CertaintyError(
                f"tokenizer: expected one special token before a sentence and one after, found {len(special)}."
            )
        self.special = (special[0], special[1])

    @classmethod
    def from_folder(cls, folder: Path) -> SentenceTokenizer:
        """Open the tokenizer of a model folder.

        Raises:
            CertaintyError: it is missing, damaged, or of another kind.
        """
        path = folder / TOKENIZER_FILE
        if not path.is_file():
            raise CertaintyError(f"{path}: missing. Copy the model folder again.")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the Rust library raises plain Exception
            raise CertaintyError(f"{path}: damaged ({error}). Copy the model folder again.") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        try:
            return cls(tokenizer)
        except CertaintyError as error:
            raise CertaintyError(f"{path}: {error}") from error

    @property
    def mask_token_id(self) -> int | None:
        """Id of the mask token, which replaced words in the encoder's pretraining; None if there is none."""
        ids = (self._tokenizer.token_to_id(name) for name in _MASKS)
        return next((token for token in ids if token is not None), None)

    def __call__(self, sentences: Iterable[str]) -> list[Encoding]:
        """Tokenise sentences without special tokens; each result has `ids`, `offsets` (characters) and `word_ids`.

        The tokenizer reads `certainty.unread.read_form` of each sentence; the offsets refer to the sentence itself.
        Encoded data, and what follows 5,000 characters, are not tokenised, as they could take minutes; nothing may be
        left.
        """
        forms = [read_form(_SURROGATES.sub("\ufffd", sentence)) for sentence in sentences]
        with native:
            encodings = self._tokenizer.encode_batch([form.text for form in forms], add_special_tokens=False)
        return [
            encoding if form.is_given else _Tokens(encoding.ids, form.spans(encoding.offsets), encoding.word_ids)
            for form, encoding in zip(forms, encodings, strict=True)
        ]
