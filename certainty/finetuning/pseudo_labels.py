"""Read and write pseudo-labels: the teachers' predictions on unlabelled sentences, used to train a student.

A file stores the sentences as token ids, from which the text can be restored, so publish it only if the text itself
may be published.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from tokenizers import Tokenizer

from certainty.errors import CertaintyError
from certainty.finetuning.features import IGNORED
from certainty.labels import CUED, LABELS
from certainty.writing import write_whole

_ROW = ("input_ids", "labels", "claim", "attributed", "second", "source", "cue")
_METADATA = "pseudo_labels"  # a single key, because safetensors writes several in no fixed order


@dataclass(frozen=True)
class TokenisedSentences:
    """Sentences of different lengths in one flat array.

    Attributes:
        ids: Concatenated token ids of all sentences, including special tokens.
        lengths: Number of tokens of each sentence, shape (n,).
    """

    ids: NDArray[np.int32]
    lengths: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: NDArray[np.int64]) -> TokenisedSentences:
        """Return the sentences at the given rows, in that order."""
        return TokenisedSentences(self.ids[positions(self.lengths, rows)], self.lengths[rows])


def positions(lengths: NDArray[np.int32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of the rows' tokens in the flat array, shape (tokens of the rows,)."""
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    chosen = lengths[rows].astype(np.int64)
    before = np.cumsum(chosen) - chosen
    return np.repeat(starts[rows] - before, chosen) + np.arange(chosen.sum())


@dataclass(frozen=True)
class Probabilities:
    """Probabilities that the teachers predict, averaged over the teachers.

    Attributes:
        labels: Shape (n, 4), float16.
        claim, attributed: Shape (n,), float16.
        second: No second claim, or its label, shape (n, 5), float16; NaN if no teacher has this head.
        source: First and last token of the words that name the source, counted from the first special token, which
            stands for "nobody"; shape (n, 2), int16; -1 if the teachers are unsure or none has this head.
        cue: Probability that each token of the flat array is a cue of each label in `CUED`, times 255, shape
            (tokens, 3), uint8; 0 for special ones.
    """

    labels: NDArray[np.float16]
    claim: NDArray[np.float16]
    attributed: NDArray[np.float16]
    second: NDArray[np.float16]
    source: NDArray[np.int16]
    cue: NDArray[np.uint8]

    def of(self, sentences: TokenisedSentences, rows: NDArray[np.int64]) -> Probabilities:
        """Return those of some rows of the sentences, in that order."""
        of_rows = {name: value[rows] for name, value in vars(self).items() if name != "cue"}
        return Probabilities(**of_rows, cue=self.cue[positions(sentences.lengths, rows)])


def write_pseudo_labels(
    path: str | Path, sentences: TokenisedSentences, probabilities: Probabilities, metadata: dict[str, Any]
) -> None:
    """Write the file atomically; token ids are stored in 16 bits if they fit."""
    small = not len(sentences.ids) or int(sentences.ids.max()) < 2**16
    tensors = {
        "ids": sentences.ids.astype(np.uint16 if small else np.int32),
        "lengths": sentences.lengths,
        **{name: np.ascontiguousarray(value) for name, value in vars(probabilities).items()},
    }
    write_whole(path, save(tensors, metadata={_METADATA: json.dumps(metadata, ensure_ascii=False)}))


def pseudo_label_metadata(path: str | Path) -> dict[str, Any]:
    """Return the names of the teachers, the sentence counts, the seed and the tokenizer's digest.

    Raises:
        CertaintyError: the file is missing, damaged, or not a pseudo-label file.
    """
    if not Path(path).is_file():
        raise CertaintyError(
            f"{path}: {'is a directory' if Path(path).is_dir() else 'no such file'}; give the file of pseudo-labels."
        )
    try:
        with safe_open(path, "np") as file:
            metadata: dict[str, Any] = json.loads((file.metadata() or {})[_METADATA])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CertaintyError(_damaged(path, error)) from error
    return metadata


def read_arrays(path: str | Path) -> tuple[TokenisedSentences, Probabilities, dict[str, Any]]:
    """Return the sentences, the teachers' probabilities, and the metadata of `pseudo_label_metadata`.

    Raises:
        CertaintyError: the file cannot be read.
    """
    metadata = pseudo_label_metadata(path)
    shapes = {
        "labels": (len(LABELS),),
        "claim": (),
        "attributed": (),
        "second": (1 + len(LABELS),),
        "source": (2,),
    }
    try:
        with safe_open(path, "np") as file:
            ids, lengths, cue = (file.get_tensor(name) for name in ("ids", "lengths", "cue"))
            of_sentences = {name: file.get_tensor(name) for name in shapes}
    except (OSError, SafetensorError) as error:
        raise CertaintyError(_damaged(path, error)) from error
    n, tokens = len(lengths), int(lengths.sum())
    fit = ids.shape == (tokens,) and cue.shape == (tokens, len(CUED)) and not (lengths < 1).any()
    if not fit or any(of_sentences[name].shape != (n, *shape) for name, shape in shapes.items()):
        raise CertaintyError(_damaged(path, "its arrays do not fit together"))
    return TokenisedSentences(ids, lengths), Probabilities(**of_sentences, cue=cue), metadata


def read_pseudo_labels(path: str | Path, tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """Return the sentences in the format of `SentenceFeatures.rows`; their arrays are slices of shared arrays.

    The label target of a sentence sums to P(claim). If P(claim) is below 0.5, the targets of cues, attribution, second
    claim and source are ignored. The source is ignored as well if the teachers were unsure of its words, and is nobody
    if they say that the claim is not attributed.

    Args:
        path: File written by `write_pseudo_labels`.
        tokenizer: The student's tokenizer, without truncation or padding.

    Raises:
        CertaintyError: the file cannot be read, or was made with another tokenizer.
    """
    sentences, found, metadata = read_arrays(path)
    if metadata["tokenizer"] != tokenizer_digest(tokenizer):
        raise CertaintyError(f"{path}: made with another tokenizer; use teachers that share the encoder's tokenizer.")
    lengths = sentences.lengths
    claim, second = found.claim.astype(np.float32), found.second.astype(np.float32)
    no_claim = claim < 0.5
    distribution = found.labels.astype(np.float32)
    distribution /= distribution.sum(axis=1, keepdims=True)
    attributed = np.where(no_claim, IGNORED, found.attributed).astype(np.float32)
    second[np.isnan(second) | no_claim[:, None]] = IGNORED
    source = found.source.astype(np.float32)
    source[attributed < 0.5] = 0.0
    source[no_claim | (source[:, 0] < 0)] = IGNORED
    cues = found.cue.astype(np.float32) / 255
    cues[np.repeat(no_claim, lengths)] = IGNORED
    cues[special_token_positions(lengths, tokenizer)] = IGNORED
    ids = sentences.ids.astype(np.int32)
    ends = np.cumsum(lengths, dtype=np.int64)
    bounds = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    heads = zip(distribution * claim[:, None], claim.tolist(), attributed.tolist(), second, source, strict=True)
    return [
        dict(zip(_ROW, (ids[a:b], *of_sentence, cues[a:b]), strict=True))
        for (a, b), of_sentence in zip(bounds, heads, strict=True)
    ]


def _damaged(path: str | Path, why: object) -> str:
    return f"{path}: not a pseudo-label file, or damaged ({why}). Make it again with the teachers."


def special_token_positions(lengths: NDArray[np.int32], tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Return the indices in the flat array of the special tokens before and after each sentence."""
    around = tokenizer.encode("a").special_tokens_mask
    before = next(i for i, special in enumerate(around) if not special)
    after = next(i for i, special in enumerate(reversed(around)) if not special)
    ends = np.cumsum(lengths, dtype=np.int64)
    starts = ends - lengths
    return np.concatenate([*(starts + i for i in range(before)), *(ends - 1 - i for i in range(after))])


def tokenizer_digest(tokenizer: Tokenizer) -> str:
    """Return the SHA-256 of the tokenizer's JSON."""
    return hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
