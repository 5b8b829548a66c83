r"""A French tokenizer with the pieces and scores of a multilingual one, but our own rules for splitting.

The normaliser removes differences in typing that carry no meaning; offsets still point into the original text:

* format characters (soft hyphen, zero-width and directional characters; `\p{Cf}`) and control characters are dropped;
* apostrophes of all kinds (’ ʼ ‘ ‛ ′, and ´ or ` between letters) become `'`, and hyphens of all kinds `-`;
* NFKC replaces ligatures (ﬁ), full-width letters and special spaces by plain ones, and composes letters and accents;
* a run of white space becomes a single space.

Accents, case, œ, æ and « » are kept, because they carry meaning.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tokenizers import Regex, Tokenizer, models, normalizers, processors

from training.pretraining.tokenizer import SPECIAL_TOKENS, splitting

APOSTROPHES = "[’ʼ‘‛′＇]"
ACUTE_FOR_APOSTROPHE = r"(?<=\p{L})[´`](?=\p{L})"
HYPHENS = "[‐‑]"
UNSEEN = r"\p{Cf}|[\x00-\x08\x0e-\x1f\x7f]"


def normaliser() -> normalizers.Normalizer:
    """Return the normaliser, which can be saved in a standard `tokenizer.json`."""
    return normalizers.Sequence(
        [
            normalizers.Replace(Regex(UNSEEN), ""),
            normalizers.Replace(Regex(APOSTROPHES), "'"),
            normalizers.Replace(Regex(ACUTE_FOR_APOSTROPHE), "'"),  # before NFKC, which splits ´ into space and accent
            normalizers.NFKC(),
            normalizers.Replace(Regex(HYPHENS), "-"),
            normalizers.Replace(Regex(r"\s+"), " "),
        ]
    )


def french_tokenizer(pieces: Sequence[tuple[str, float]]) -> Tokenizer:
    """Return a Unigram tokenizer with our splitting rules; the special tokens have ids 0 to 4.

    Args:
        pieces: The pieces that follow the special tokens, with their log probabilities.
    """
    vocabulary = [(token, 0.0) for token in SPECIAL_TOKENS] + list(pieces)
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=SPECIAL_TOKENS.index("<unk>"), byte_fallback=False))
    tokenizer.normalizer = normaliser()
    tokenizer.pre_tokenizer, tokenizer.decoder = splitting()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def unigram_pieces(tokenizer: Tokenizer) -> list[tuple[str, float]]:
    """Return the pieces of a Unigram tokenizer with their scores, ordered by id."""
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
