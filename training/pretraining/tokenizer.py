"""Train the Unigram tokenizer (Kudo 2018, https://arxiv.org/abs/1804.10959).

It has these rules for French, which are all part of the saved `tokenizer.json`:

* Text is normalised to NFC; `’` becomes `'`, and a run of white space a single space. Offsets still point into the
  original text.
* Accents, œ and æ, capitals and « » are kept, because they carry meaning.
* An elided word and its apostrophe are split off (`l'`, `n'`, `qu'`), so that a cue can end there.
* A run of digits is split from its surroundings; hyphenated words (`peut-être`, `a-t-il`) may be a single piece.

sentencepiece learns the pieces from word counts and from our own list of frequent substrings. Its own seed list omits
pieces that are always followed by the same character; as the end of a word counts as one, this is most words.
"""

from __future__ import annotations

import io
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # ids 0 to 4, as in CamembertConfig
WORD_START = "▁"
_ELISION = r"▁?(?i:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|presqu|quelqu)'(?=\p{L})"
_WORD = r"▁?[\p{L}\p{M}]+(?:-[\p{L}\p{M}]+)*"
_OTHER = r"▁?\p{N}+|▁?\.{2,}|▁?[^\p{L}\p{M}\p{N}▁]|▁"
_LONGEST_PIECE = 20


def _untrained() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace("’", "'"), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer, tokenizer.decoder = splitting()
    return tokenizer


def splitting() -> tuple[pre_tokenizers.PreTokenizer, decoders.Decoder]:
    """Return the pre-tokenizer, which splits text into words, elisions, digits and marks, and the matching decoder."""
    rules = pre_tokenizers.Split(Regex(f"{_ELISION}|{_WORD}|{_OTHER}"), "isolated")
    words = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    return pre_tokenizers.Sequence([words, rules]), decoders.Metaspace()


def sample_paragraphs(paragraphs: Iterable[str], words: int, seed: int) -> Iterator[str]:
    """Yield paragraphs in random order until they have `words` words."""
    shuffled = list(paragraphs)
    random.Random(seed).shuffle(shuffled)
    count = 0
    for paragraph in shuffled:
        if count >= words:
            return
        count += paragraph.count(" ") + 1
        yield paragraph


def train_tokenizer(paragraphs: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train a Unigram tokenizer with `vocab_size` pieces, including the five special tokens."""
    import sentencepiece

    tokenizer = _untrained()
    words: Counter[str] = Counter()
    for paragraph in paragraphs:
        normalised = tokenizer.normalizer.normalize_str(paragraph)
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalised))
    words.pop("\t", None)

    with tempfile.TemporaryDirectory() as folder:
        word_file, seed_file = Path(folder, "words.tsv"), Path(folder, "seeds.tsv")
        word_file.write_text("".join(f"{w.replace(WORD_START, ' ')}\t{n}\n" for w, n in words.items()), "utf-8")
        seed_file.write_text("".join(f"{piece}\t{n}\n" for piece, n in _seed_pieces(words)), "utf-8")
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            input=str(word_file),
            input_format="tsv",
            seed_sentencepieces_file=str(seed_file),
            model_writer=model,
            model_type="unigram",
            vocab_size=vocab_size,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            split_by_unicode_script=False,
            split_by_number=False,
            max_sentencepiece_length=_LONGEST_PIECE,
            character_coverage=0.9998,
            bos_id=0,
            pad_id=1,
            eos_id=2,
            unk_id=3,
            bos_piece=SPECIAL_TOKENS[0],
            pad_piece=SPECIAL_TOKENS[1],
            eos_piece=SPECIAL_TOKENS[2],
            unk_piece=SPECIAL_TOKENS[3],
            control_symbols=[SPECIAL_TOKENS[4]],
            minloglevel=2,
        )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [(processor.id_to_piece(i), processor.get_score(i)) for i in range(processor.get_piece_size())]
    tokenizer.model = models.Unigram(pieces, unk_id=SPECIAL_TOKENS.index("<unk>"), byte_fallback=False)
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def for_transformers(tokenizer: Tokenizer, max_length: int) -> PreTrainedTokenizerFast:
    """Wrap a trained tokenizer for transformers, and set the roles of its special tokens.

    Args:
        tokenizer: The result of `train_tokenizer`.
        max_length: Maximum length of the encoder's input in tokens, including special tokens.
    """
    bos, pad, eos, unk, mask = SPECIAL_TOKENS
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        bos_token=bos,
        cls_token=bos,
        pad_token=pad,
        eos_token=eos,
        sep_token=eos,
        unk_token=unk,
        mask_token=mask,
    )


def _seed_pieces(words: Counter[str], limit: int = 400_000) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for word, n in words.items():
        if n < 2:
            continue
        for start in range(len(word)):
            for end in range(start + 2, min(len(word), start + _LONGEST_PIECE) + 1):
                counts[word[start:end]] += n
    frequent = [(piece, n) for piece, n in counts.items() if n >= 10 and WORD_START not in piece[1:]]
    frequent.sort(key=lambda item: (-item[1] * len(item[0]), item[0]))
    return frequent[:limit]
