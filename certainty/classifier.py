"""The classifier: texts in, scored documents out."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from certainty.batching import batches, cut_windows, pad
from certainty.engines import open_engine
from certainty.engines.base import Logits
from certainty.errors import CertaintyError
from certainty.labels import LABELS
from certainty.model_folder import TOKENIZER_FILE, ModelSettings, find_model
from certainty.results import Document, SentenceScore
from certainty.scoring import SentenceLogits, sentence_scores, softmax
from certainty.sentences import Sentence, split_sentences

_CHUNK = 2048  # sentences tokenised, sorted and held in memory at a time
_STREAM_CHARACTERS = 250_000  # text gathered before a stream scores it
_SURROGATES = re.compile("[\ud800-\udfff]")
_MASKS = ("<mask>", "[MASK]")


class CertaintyClassifier:
    """Scores how French sentences commit themselves to what they claim.

    Open one with `certainty.load`. It is safe to share between threads, can be pickled, and works after `fork`. A
    score depends on the sentence alone, not on its neighbours, their order or the number of threads.

    Attributes:
        classes_: Shape (4,): the label names, in the column order of `predict_proba`.
    """

    def __init__(self, folder: Path, engine: str = "auto", threads: int | None = None) -> None:
        self._folder, self._engine_name, self._threads = folder, engine, threads
        self.settings = ModelSettings.load(folder)
        self._tokenizer = _load_tokenizer(folder)
        special = self._tokenizer.encode("").ids
        if len(special) != 2:
            raise CertaintyError(
                f"{folder / TOKENIZER_FILE}: expected one special token before and one after, found {len(special)}."
            )
        self._special = (special[0], special[1])
        self._engine = open_engine(engine, folder, threads, self.settings.engine)
        self.classes_: NDArray[np.str_] = np.array([label.value for label in LABELS])

    def __repr__(self) -> str:
        return f"CertaintyClassifier({str(self._folder)!r}, engine={self._engine_name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return CertaintyClassifier, (self._folder, self._engine_name, self._threads)

    @classmethod
    def from_pretrained(
        cls, model: str | os.PathLike[str] | None = None, engine: str = "auto", threads: int | None = None
    ) -> CertaintyClassifier:
        """Open a model; see `certainty.load`."""
        return cls(find_model(model), engine, threads)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Copy the model to a new folder, which `certainty.load` and transformers can open."""
        shutil.copytree(self._folder, folder, dirs_exist_ok=True)

    @overload
    def score(self, texts: str) -> Document: ...  # type: ignore[overload-overlap]  # a str is an Iterable[str]
    @overload
    def score(self, texts: Iterable[str]) -> list[Document]: ...
    def score(self, texts: str | Iterable[str]) -> Document | list[Document]:
        """Split into sentences and score each.

        Args:
            texts: A text, or a list of texts.

        Returns:
            A `Document` for a text, a list of them for a list.

        Raises:
            CertaintyError: something that is given is not a string.
        """
        if isinstance(texts, str):
            return next(self.stream([texts]))
        return list(self.stream(_sequence(texts, "texts")))

    def stream(self, texts: Iterable[str]) -> Iterator[Document]:
        """Score texts lazily, in order and in constant memory.

        Args:
            texts: Any iterable of texts; it is read a little ahead of what is yielded.

        Raises:
            CertaintyError: something that is given is not a string.
        """
        if isinstance(texts, str):
            raise CertaintyError("texts is a str; give a list or another iterable of texts, or use `score`.")
        gathered: list[str] = []
        characters = 0
        for i, text in enumerate(texts):
            gathered.append(_checked(text, f"texts[{i}]"))
            characters += len(text)
            if characters >= _STREAM_CHARACTERS:
                yield from self._documents(gathered)
                gathered, characters = [], 0
        yield from self._documents(gathered)

    def score_sentences(self, sentences: Iterable[str]) -> list[SentenceScore]:
        """Score given sentences, without splitting; `start` and `end` are offsets into each sentence.

        Raises:
            CertaintyError: a sentence is not a string, or holds nothing but white space.
        """
        return list(self._scores(_sentences(sentences)))

    def predict_proba(self, sentences: Iterable[str]) -> NDArray[np.float64]:
        """Return the calibrated probabilities of given sentences.

        Returns:
            Shape (n, 4), columns in `classes_` order.

        Raises:
            CertaintyError: a sentence is not a string, or holds nothing but white space.
        """
        given = _sentences(sentences)
        logits = [logits.label for _, _, logits in self._chunks(given)]
        return softmax(np.concatenate(logits)) if logits else np.empty((0, len(LABELS)))

    def predict(self, sentences: Iterable[str]) -> NDArray[np.str_]:
        """Return the most probable label of each given sentence, shape (n,).

        Raises:
            CertaintyError: a sentence is not a string, or holds nothing but white space.
        """
        return np.asarray(self.classes_[self.predict_proba(sentences).argmax(axis=1)])

    @property
    def mask_token_id(self) -> int:
        """Id of the token that hides a word, as in the encoder's pretraining.

        Raises:
            CertaintyError: the tokenizer has none.
        """
        for name in _MASKS:
            if (token := self._tokenizer.token_to_id(name)) is not None:
                return int(token)
        raise CertaintyError(f"{self._folder / TOKENIZER_FILE}: has no mask token ({' or '.join(_MASKS)}).")

    def tokenize(self, sentences: Iterable[str]) -> list[Encoding]:
        """Return the tokens of given sentences, without special tokens: `ids`, `offsets` (characters), `word_ids`."""
        return self._tokenizer.encode_batch([_SURROGATES.sub("\ufffd", s) for s in sentences], add_special_tokens=False)

    def predict_proba_of_tokens(self, token_ids: Sequence[list[int]]) -> NDArray[np.float64]:
        """Do `predict_proba` for sentences given by their tokens, so that single tokens can be changed.

        Args:
            token_ids: Ids of each sentence as `tokenize` gives them; a sentence may be empty.

        Returns:
            Shape (n, 4), columns in `classes_` order.
        """
        chunks = [self._logits(token_ids[start : start + _CHUNK]) for start in range(0, len(token_ids), _CHUNK)]
        return softmax(np.concatenate([chunk.label for chunk in chunks])) if chunks else np.empty((0, len(LABELS)))

    def _documents(self, texts: list[str]) -> Iterator[Document]:
        split = [split_sentences(text) for text in texts]
        scores = self._scores([sentence for sentences in split for sentence in sentences])
        for text, sentences in zip(texts, split, strict=True):
            yield Document(text, tuple(islice(scores, len(sentences))))

    def _scores(self, sentences: list[Sentence]) -> Iterator[SentenceScore]:
        for chunk, encodings, logits in self._chunks(sentences):
            yield from sentence_scores(chunk, encodings, logits, self.settings)

    def _chunks(self, sentences: list[Sentence]) -> Iterator[tuple[list[Sentence], Sequence[Encoding], SentenceLogits]]:
        """Yield the sentences in order, so many at a time, with their encodings and logits."""
        for start in range(0, len(sentences), _CHUNK):
            chunk = sentences[start : start + _CHUNK]
            encodings = self.tokenize(sentence.text for sentence in chunk)
            yield chunk, encodings, self._logits([encoding.ids for encoding in encodings])

    def _logits(self, token_ids: Sequence[list[int]]) -> SentenceLogits:
        windows = cut_windows(token_ids, self._special, self.settings.max_length)
        logits = SentenceLogits(windows, len(token_ids))
        for indices, output in self._run([window.ids for window in windows]):
            logits.add(indices, output)
        return logits

    def _run(self, rows: list[list[int]]) -> Iterator[tuple[list[int], Logits]]:
        """Run the engine on rows of token ids; yield the indices of each batch and its logits, in any order."""

        def run(indices: list[int]) -> tuple[list[int], Logits]:
            ids, mask = pad([rows[i] for i in indices], self.settings.pad_token_id)
            return indices, self._engine.run(ids, mask, alone=len(made) == 1)

        made = batches([len(row) for row in rows], self._engine.token_budget, self._engine.workers)
        if len(made) == 1 or self._engine.workers == 1:
            yield from map(run, made)
            return
        with ThreadPoolExecutor(self._engine.workers) as pool:
            yield from pool.map(run, made)


def _load_tokenizer(folder: Path) -> Tokenizer:
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise CertaintyError(f"{path}: missing. Copy the model folder again.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust library raises plain Exception
        raise CertaintyError(f"{path}: damaged ({error}). Copy the model folder again.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _checked(text: object, where: str) -> str:
    if isinstance(text, str):
        return text
    mend = "Give a str, and leave missing values out."
    if isinstance(text, (bytes, bytearray)):
        mend = "Decode it first: text.decode('utf-8')."
    raise CertaintyError(f"{where} is {type(text).__name__} ({str(text)[:40]!r}). {mend}")


def _sequence(texts: object, name: str) -> Iterable[Any]:
    if isinstance(texts, (bytes, bytearray, dict)) or not isinstance(texts, Iterable):
        _checked(texts, name)
    if (dimensions := getattr(texts, "ndim", 1)) != 1:
        raise CertaintyError(f"{name} is {type(texts).__name__} of {dimensions} dimensions. Give one column of it.")
    return texts  # type: ignore[return-value]


def _sentences(sentences: object) -> list[Sentence]:
    if isinstance(sentences, str):
        raise CertaintyError("sentences is one str; give a list of sentences, or use score() for a text.")
    given = []
    for i, sentence in enumerate(_sequence(sentences, "sentences")):
        text = _checked(sentence, f"sentences[{i}]")
        if not text.strip():
            raise CertaintyError(f"sentences[{i}] is empty ({text[:20]!r}). Leave it out.")
        given.append(Sentence(text, 0, len(text)))
    return given


_default: CertaintyClassifier | None = None
_default_lock = threading.Lock()


def load(
    model: str | os.PathLike[str] | None = None, engine: str = "auto", threads: int | None = None
) -> CertaintyClassifier:
    """Open a model.

    Args:
        model: A model folder, or `owner/name` on the Hugging Face hub; None opens the model that ships with the
            package.
        engine: "auto", "onnx" (CPU), "onnx-int8" (about twice as fast; about one label in a hundred differs), "torch"
            (needs `certainty-fr[train]`; uses a GPU where there is one) or "torch-compile" (slower to start).
        threads: CPU threads to use; None takes all cores.

    Raises:
        CertaintyError: the folder, a file in it or the engine cannot be used; the message says which and why.
    """
    return CertaintyClassifier.from_pretrained(model, engine, threads)


@overload
def score(texts: str) -> Document: ...  # type: ignore[overload-overlap]  # a str is an Iterable[str]
@overload
def score(texts: Iterable[str]) -> list[Document]: ...
def score(texts: str | Iterable[str]) -> Document | list[Document]:
    """Score with the default model, opened at the first call; see `CertaintyClassifier.score`."""
    global _default
    if _default is None:
        with _default_lock:
            if _default is None:
                _default = load()
    return _default.score(texts)
