r"""The French tokenizer over the pieces of a multilingual one: our rules of splitting, its pieces and their scores.

The normaliser makes typing not matter where it carries no meaning, and offsets still point into the original text:

* characters of format (soft hyphen, zero-width, directional marks; `\p{Cf}`) and control characters are dropped;
* apostrophes of every kind (’ ʼ ‘ ‛ ′, and ´ or ` between letters) become `'`, hyphens of every kind `-`;
* NFKC: ligatures (ﬁ), full-width letters and exotic spaces become the plain ones, letters and accents one character;
* a run of white space becomes one space.

Accents, case, œ and æ, « » are kept: they carry meaning.
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
    """Return the normaliser, whose parts an ordinary `tokenizer.json` can hold."""
    return normalizers.Sequence(
        [
            normalizers.Replace(Regex(UNSEEN), ""),
            normalizers.Replace(Regex(APOSTROPHES), "'"),
            normalizers.Replace(Regex(ACUTE_FOR_APOSTROPHE), "'"),  # before NFKC, which makes ´ a space and an accent
            normalizers.NFKC(),
            normalizers.Replace(Regex(HYPHENS), "-"),
            normalizers.Replace(Regex(r"\s+"), " "),
        ]
    )


def french_tokenizer(pieces: Sequence[tuple[str, float]]) -> Tokenizer:
    """Return a Unigram tokenizer with our rules of splitting; the special tokens have the ids 0 to 4.

    Args:
        pieces: The pieces after the special tokens, with their log probabilities.
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
    """Return each piece of a Unigram tokenizer with its score, by id."""
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
