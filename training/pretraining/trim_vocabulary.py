"""Reduce the vocabulary of an encoder to the pieces that a text uses, such as a multilingual one to one language.

`python -m training.pretraining.trim_vocabulary --encoder NAME --text FILE … --vocab-size 16000 --output FOLDER`

Most weights of a multilingual encoder are embeddings, and one language uses a tenth of them. The most frequent pieces
of the text are kept, with their embeddings and their part of the language-model head, as well as the single characters
that occur. Layers, splitting and scores do not change. This works for Unigram (XLM-R, CamemBERT, multilingual E5),
WordPiece (BERT, DistilBERT) and BPE (RoBERTa) vocabularies (Abdaoui et al. 2020, arXiv:2010.05609).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, PreTrainedTokenizerFast

from certainty import CertaintyError
from certainty.finetuning.fast_tokenizer import backend, load_tokenizer
from training.data.text import read_paragraphs, text_files
from training.program import tells_errors

logger = logging.getLogger(__name__)

WORD_MARKS = ("▁", "##", "Ġ")
ROLES = ("bos_token", "cls_token", "eos_token", "sep_token", "pad_token", "unk_token", "mask_token")
_BATCH = 2048


def piece_counts(tokenizer: Tokenizer, paragraphs: Iterable[str]) -> Counter[int]:
    """Count the pieces of the paragraphs by id, without special tokens."""
    counts: Counter[int] = Counter()
    paragraphs = iter(paragraphs)
    while batch := list(islice(paragraphs, _BATCH)):
        for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
            counts.update(encoding.ids)
    return counts


def chosen_pieces(tokenizer: Tokenizer, counts: Counter[int], size: int, always: Iterable[int] = ()) -> list[int]:
    """Return the ids of the pieces to keep, ascending: `always`, the characters of the text, the most frequent pieces.

    Other pieces can be spelled with shorter ones, down to single characters. If the text uses fewer pieces than `size`,
    only these are kept.

    Args:
        tokenizer: The full tokenizer.
        counts: The result of `piece_counts`.
        size: Maximum number of pieces in the new vocabulary.
        always: Ids to keep even if they do not occur.

    Raises:
        CertaintyError: If `size` is too small for the characters.
    """
    kept = set(always)
    pieces = {i: _bare(piece) for piece, i in tokenizer.get_vocab(with_added_tokens=False).items()}
    occurring = {character for i, n in counts.items() if n for character in pieces.get(i, "")}
    characters = {i for i, piece in pieces.items() if len(piece) <= 1 and (piece in occurring or counts[i])}
    if len(kept | characters) > size:
        raise CertaintyError(
            f"--vocab-size is {size}, but the text has {len(kept | characters)} special tokens and single characters; "
            "ask for more pieces."
        )
    kept |= characters
    for piece, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if len(kept) >= size:
            break
        kept.add(piece)
    return sorted(kept)


def coverage(counts: Counter[int], kept: Iterable[int]) -> float:
    """Return the share of the counted pieces that are kept, from 0 to 1."""
    return sum(counts[i] for i in kept) / max(1, counts.total())


def cut_tokenizer(spec: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """Return the content of a `tokenizer.json` with only the given pieces.

    Args:
        spec: The content of the full `tokenizer.json`.
        kept: Ids of the pieces to keep, in their new order and including special tokens.

    Raises:
        CertaintyError: If this kind of tokenizer is not supported.
    """
    spec, new_id = deepcopy(spec), {old: new for new, old in enumerate(kept)}
    model = spec["model"]
    if model.get("type") == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in kept if old < len(model["vocab"])]
        model["unk_id"] = None if model["unk_id"] is None else new_id[model["unk_id"]]
    elif model.get("type") in ("WordPiece", "BPE"):
        model["vocab"] = {piece: new_id[old] for piece, old in model["vocab"].items() if old in new_id}
        if model["type"] == "BPE":
            model["merges"] = [merge for merge in model["merges"] if _whole(merge, model["vocab"])]
    else:
        raise CertaintyError(
            f"The vocabulary is of type {model.get('type')}; only Unigram, WordPiece and BPE are supported."
        )
    spec["added_tokens"] = [
        {**token, "id": new_id[token["id"]]} for token in spec["added_tokens"] if token["id"] in new_id
    ]
    _renumber(spec["post_processor"], new_id)
    return spec


def with_parts(spec: dict[str, Any], counts: Counter[int]) -> Counter[int]:
    """Add the count of each piece of a BPE vocabulary to the counts of the pieces that it is merged from.

    The counts of other kinds of vocabulary are returned unchanged.
    """
    model = spec["model"]
    if model.get("type") != "BPE":
        return counts
    counts, ids = Counter(counts), model["vocab"]
    for merge in reversed(model["merges"]):  # later merges are built from earlier ones
        left, right = _parts(merge)
        whole = counts[ids.get(left + right, -1)]
        for part in (left, right) if whole else ():
            counts[ids[part]] += whole
    return counts


def cut_embeddings(model: Any, kept: Sequence[int]) -> None:
    """Reduce the embeddings and the language-model head of an encoder to the given pieces, in the given order."""
    rows = torch.tensor(kept)
    vocabulary = model.get_input_embeddings().num_embeddings
    old = model.get_input_embeddings()
    new = nn.Embedding(len(kept), old.embedding_dim)
    new.weight.data = old.weight.data[rows].clone()
    head: Any = getattr(model, "get_output_embeddings", lambda: None)()
    model.set_input_embeddings(new)
    if head is not None:
        head.weight = new.weight if head.weight is old.weight else nn.Parameter(head.weight.data[rows].clone())
        head.out_features = len(kept)
    biases: dict[int, nn.Parameter] = {}  # keep a bias shared if both the head and its parent have it
    for module in model.modules():
        bias = getattr(module, "bias", None)
        if isinstance(bias, nn.Parameter) and bias.shape == (vocabulary,):
            module.bias = biases.setdefault(id(bias), nn.Parameter(bias.data[rows].clone()))
    model.config.vocab_size = len(kept)


def trim_vocabulary(encoder: str, paragraphs: Iterable[str], size: int, output: str | Path) -> float:
    """Write a copy of an encoder with only the most frequent pieces of the paragraphs.

    Args:
        encoder: Folder or hub id of an encoder with a fast tokenizer.
        paragraphs: Text in the language to keep; it is read once.
        size: Number of pieces in the new vocabulary, including special tokens.
        output: Folder to write, in Hugging Face layout.

    Returns:
        The share of the text's pieces that are kept; the others are spelled with shorter pieces.

    Raises:
        CertaintyError: If the encoder cannot be loaded, its vocabulary is not supported, or `size` is too small.
    """
    wrapped = load_tokenizer(encoder)
    tokenizer = backend(wrapped)
    spec = json.loads(tokenizer.to_str())
    special = {token["id"] for token in spec["added_tokens"]}
    kinds = cut_tokenizer(spec, sorted(special | set(range(tokenizer.get_vocab_size()))))  # raises for other types
    assert kinds["model"]["type"] == spec["model"]["type"]
    try:
        config = AutoConfig.from_pretrained(encoder)
        masked = any(name.endswith("ForMaskedLM") for name in config.architectures or [])
        model: Any = (AutoModelForMaskedLM if masked else AutoModel).from_pretrained(encoder)
    except (OSError, ValueError) as error:
        raise CertaintyError(f"{encoder}: cannot load the encoder: {error}") from error
    counts = with_parts(spec, piece_counts(tokenizer, paragraphs))
    # RoBERTa and similar encoders count positions from the padding id, which must therefore not change.
    padding = model.config.pad_token_id or 0
    always = special | set(range(padding + 1)) | _bytes(spec)
    kept = chosen_pieces(tokenizer, counts, min(size, tokenizer.get_vocab_size()), always)
    cut = cut_tokenizer(spec, kept)
    cut_embeddings(model, kept)
    for name in ("bos_token_id", "eos_token_id", "pad_token_id", "cls_token_id", "sep_token_id", "mask_token_id"):
        if (old := getattr(model.config, name, None)) in kept:
            setattr(model.config, name, kept.index(old))
    model.save_pretrained(output)
    roles = {role: getattr(wrapped, role) for role in ROLES if getattr(wrapped, role, None)}
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(cut)), model_max_length=wrapped.model_max_length, **roles
    ).save_pretrained(output)
    return coverage(counts, kept)


def _bare(piece: str) -> str:
    for mark in WORD_MARKS:
        piece = piece.removeprefix(mark)
    return piece


def _parts(merge: Any) -> tuple[str, str]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


def _whole(merge: Any, vocabulary: dict[str, int]) -> bool:
    left, right = _parts(merge)
    return left in vocabulary and right in vocabulary and left + right in vocabulary


def _bytes(spec: dict[str, Any]) -> set[int]:
    """Return the ids of the single characters of a BPE vocabulary, which are needed to spell bytes."""
    if spec["model"].get("type") != "BPE":
        return set()
    return {i for piece, i in spec["model"]["vocab"].items() if len(piece) == 1}


def _renumber(processor: Any, new_id: dict[int, int]) -> None:
    """Update the ids of special tokens in a post-processor of any kind."""
    if isinstance(processor, list):
        for part in processor:
            _renumber(part, new_id)
    elif isinstance(processor, dict):
        for role in ("sep", "cls"):
            if isinstance(processor.get(role), list):
                processor[role][1] = new_id[processor[role][1]]
        tokens = processor.get("special_tokens")
        for token in tokens.values() if isinstance(tokens, dict) else ():
            token["ids"] = [new_id[i] for i in token["ids"]]
        _renumber(processor.get("processors", []), new_id)


def paragraphs_of(files: Sequence[str]) -> Iterator[str]:
    """Yield the paragraphs of .txt and .txt.xz files, or folders of them."""
    return chain.from_iterable(read_paragraphs(path) for path in text_files(files))


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.pretraining.trim_vocabulary", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--encoder", required=True, help="folder or hub id of an encoder")
    parser.add_argument("--text", nargs="+", required=True, help=".txt and .txt.xz files, or folders of them")
    parser.add_argument(
        "--vocab-size", type=int, required=True, help="number of pieces to keep, including special tokens"
    )
    parser.add_argument("--output", required=True, help="folder for the smaller encoder")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    share = trim_vocabulary(args.encoder, paragraphs_of(args.text), args.vocab_size, args.output)
    print(f"{args.output}: {100 * share:.2f} % of the pieces of the text are kept.")


if __name__ == "__main__":
    sys.exit(main())
