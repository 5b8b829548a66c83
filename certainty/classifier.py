"""The classifier: texts in, scored documents out."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from certainty.batching import batches, cut_windows, pad
from certainty.engines import EngineName, open_engine
from certainty.engines.base import Logits
from certainty.errors import CertaintyError
from certainty.forking import native
from certainty.inputs import checked_pair, checked_sequence, checked_text, given_sentences
from certainty.labels import LABELS
from certainty.model_folder import TOKENIZER_FILE, ModelSettings, copy_model, find_model
from certainty.normalising import reading_form
from certainty.progress import track
from certainty.results import Document
from certainty.scoring import Encoding, SentenceLogits, sentence_scores, softmax
from certainty.sentence_score import SCORED_CHARACTERS, SentenceScore, checked_probability
from certainty.sentences import Sentence, split_sentences

_CHUNK = 2048  # sentences tokenised, sorted and held in memory at a time
_STREAM_CHARACTERS = 250_000  # text gathered before a stream scores it
_SURROGATES = re.compile("[\ud800-\udfff]")
_MASKS = ("<mask>", "[MASK]")

Context = TypeVar("Context")

logger = logging.getLogger(__name__)


class _Tokens(NamedTuple):
    """An encoding whose offsets were moved."""

    ids: list[int]
    offsets: Sequence[tuple[int, int]]
    word_ids: Sequence[int | None]


class CertaintyClassifier:
    """Scores how French sentences commit themselves to what they claim.

    Open one with `certainty.load`. It is safe to share between threads, can be pickled, and works after `fork`. A
    score depends on the sentence alone, not on its neighbours, their order or the number of threads.

    Attributes:
        classes_: Shape (4,): the labels of claims, in the column order of `predict_proba`.
    """

    def __init__(
        self, folder: Path, engine: EngineName = "auto", threads: int | None = None, device: str | None = None
    ) -> None:
        self._folder, self._options = folder, (engine, threads, device)
        self._settings = ModelSettings.load(folder)
        self._tokenizer = _load_tokenizer(folder)
        special = self._tokenizer.encode("").ids
        if len(special) != 2:
            raise CertaintyError(
                f"{folder / TOKENIZER_FILE}: expected one special token before and one after, found {len(special)}."
            )
        self._special = (special[0], special[1])
        self._engine = open_engine(engine, folder, threads, device, self._settings.engine)
        self.classes_: NDArray[np.str_] = np.array([label.value for label in LABELS])

    def __repr__(self) -> str:
        return f"CertaintyClassifier({str(self._folder)!r}, engine={self._options[0]!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return CertaintyClassifier, (self._folder, *self._options), {"_settings": self._settings}

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        engine: EngineName = "auto",
        threads: int | None = None,
        device: str | None = None,
    ) -> CertaintyClassifier:
        """Open a model; see `certainty.load`."""
        return cls(find_model(model), engine, threads, device)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Copy the model to a folder, which `certainty.load` and transformers can open.

        The folder appears when it is complete. One that holds a model is replaced.

        Raises:
            CertaintyError: it cannot be written, or something else is there already.
        """
        copy_model(self._folder, Path(folder), self._settings)

    @property
    def settings(self) -> ModelSettings:
        """The model's thresholds and where it comes from; `with_thresholds` gives a classifier that has others."""
        return self._settings

    def with_thresholds(
        self, *, claim: float | None = None, attributed: float | None = None, cue: float | None = None
    ) -> CertaintyClassifier:
        """Return a classifier with other thresholds, which shares the opened model with this one.

        Args:
            claim: A sentence makes a claim if its probability to do so is at least this; None leaves it as it is.
            attributed: The same for attribution.
            cue: A word is a cue if its probability to be one is at least this.

        Raises:
            CertaintyError: one is not between 0 and 1.
        """
        given = {"claim_threshold": claim, "attributed_threshold": attributed, "cue_threshold": cue}
        changes = {
            name: checked_probability(value, name.removesuffix("_threshold"))
            for name, value in given.items()
            if value is not None
        }
        other = object.__new__(type(self))  # copy.copy would open the model again
        vars(other).update(vars(self), _settings=replace(self._settings, **changes))  # type: ignore[arg-type]
        return other

    @overload
    def score(self, texts: str, show_progress: bool = ...) -> Document: ...  # type: ignore[overload-overlap]
    @overload
    def score(self, texts: Iterable[str], show_progress: bool = ...) -> list[Document]: ...
    def score(self, texts: str | Iterable[str], show_progress: bool = False) -> Document | list[Document]:
        """Split into sentences and score each.

        Args:
            texts: A text, or a list of texts.
            show_progress: Show a bar on a terminal or in a notebook.

        Returns:
            A `Document` for a text, a list of them for a list.

        Raises:
            CertaintyError: something that is given is not a string.
        """
        if isinstance(texts, str):
            sentences = split_sentences(texts)
            return Document(texts, tuple(track(self._scores(sentences), len(sentences), show_progress)))
        given = checked_sequence(texts, "texts")
        total = len(given) if isinstance(given, Sized) else None
        return list(track(self.stream(given), total, show_progress))

    @overload
    def stream(
        self, texts: Iterable[str], *, as_tuples: Literal[False] = ..., batch_size: int | None = ...
    ) -> Iterator[Document]: ...
    @overload
    def stream(
        self, texts: Iterable[tuple[str, Context]], *, as_tuples: Literal[True], batch_size: int | None = ...
    ) -> Iterator[tuple[Document, Context]]: ...
    def stream(self, texts: Iterable[Any], *, as_tuples: bool = False, batch_size: int | None = None) -> Iterator[Any]:
        """Score texts lazily, in order and in constant memory.

        Args:
            texts: Any iterable of texts; it is read a little ahead of what is yielded.
            as_tuples: The iterable is one of (text, context), and (document, context) is yielded.
            batch_size: Texts that are read ahead and scored together, at most; None is about 250,000 characters.

        Raises:
            CertaintyError: something that is given is not a string, or `batch_size` is not at least 1.
        """
        if isinstance(texts, str):
            raise CertaintyError("texts is a str; give a list or another iterable of texts, or use `score`.")
        if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
            raise CertaintyError(f"batch_size is {batch_size!r}; give an integer of at least 1, or None.")
        pairs = (
            checked_pair(given, f"texts[{i}]") if as_tuples else (checked_text(given, f"texts[{i}]"), None)
            for i, given in enumerate(texts)
        )
        for gathered in _gathered(pairs, batch_size):
            documents = self._documents([text for text, _ in gathered])
            yield from zip(documents, (context for _, context in gathered), strict=True) if as_tuples else documents

    def score_sentences(self, sentences: Iterable[str]) -> list[SentenceScore]:
        """Score given sentences, without splitting; `start` and `end` are offsets into each sentence.

        Raises:
            CertaintyError: a sentence is not a string, or holds nothing but white space.
        """
        return list(self._scores(given_sentences(sentences)))

    def predict_proba(self, sentences: Iterable[str]) -> NDArray[np.float64]:
        """Return the calibrated probabilities of the four labels of claims, given that each sentence makes one.

        Returns:
            Shape (n, 4), columns in `classes_` order.

        Raises:
            CertaintyError: a sentence is not a string, or holds nothing but white space.
        """
        given = given_sentences(sentences)
        logits = [logits.label for _, _, logits in self._chunks(given)]
        return softmax(np.concatenate(logits)) if logits else np.empty((0, len(LABELS)))

    def predict(self, sentences: Iterable[str]) -> NDArray[np.str_]:
        """Return the label of each given sentence, shape (n,): of `classes_`, or "no_claim" if it claims nothing.

        Raises:
            CertaintyError: a sentence is not a string, or holds nothing but white space.
        """
        return np.array([score.label.value for score in self.score_sentences(sentences)], dtype=np.str_)

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
        """Return the tokens of given sentences, without special tokens: `ids`, `offsets` (characters), `word_ids`.

        What is tokenised is `certainty.normalising.reading_form` of a sentence; the offsets are those of the sentence.
        Of a sentence of more than 5,000 characters, which is a table or encoded data, the first 5,000 are read, so that
        one such does not take minutes.
        """
        forms = [reading_form(_SURROGATES.sub("\ufffd", sentence[:SCORED_CHARACTERS])) for sentence in sentences]
        with native:
            encodings = self._tokenizer.encode_batch([form.text for form in forms], add_special_tokens=False)
        return [
            encoding if form.is_given else _Tokens(encoding.ids, form.spans(encoding.offsets), encoding.word_ids)
            for form, encoding in zip(forms, encodings, strict=True)
        ]

    def predict_proba_of_tokens(self, token_ids: Sequence[list[int]]) -> NDArray[np.float64]:
        """Do `predict_proba` for sentences given by their tokens, so that single tokens can be changed.

        Args:
            token_ids: Ids of each sentence as `tokenize` gives them; a sentence may be empty.

        Returns:
            Shape (n, 4), columns in `classes_` order.
        """
        chunks = [self._logits(token_ids[start : start + _CHUNK]) for start in range(0, len(token_ids), _CHUNK)]
        return softmax(np.concatenate([chunk.label for chunk in chunks])) if chunks else np.empty((0, len(LABELS)))

    def score_split(self, texts: Sequence[str], split: Sequence[Sequence[Sentence]]) -> list[Document]:
        """Score texts that are split already.

        Args:
            texts: The texts.
            split: What `certainty.sentences.split_sentences` gives for each of them.
        """
        return list(self._scored(texts, split))

    def _documents(self, texts: list[str]) -> Iterator[Document]:
        return self._scored(texts, [split_sentences(text) for text in texts])

    def _scored(self, texts: Sequence[str], split: Sequence[Sequence[Sentence]]) -> Iterator[Document]:
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
            if longest := max((s for s in chunk if len(s.text) > SCORED_CHARACTERS), key=_length, default=None):
                logger.warning(
                    "a sentence of %d characters, at %d, is scored by its first %d",
                    _length(longest),
                    longest.start,
                    SCORED_CHARACTERS,
                )
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


def _length(sentence: Sentence) -> int:
    return len(sentence.text)


def _gathered(pairs: Iterable[tuple[str, Any]], batch_size: int | None) -> Iterator[list[tuple[str, Any]]]:
    """Yield the pairs in lists that are large enough to be scored fast and small enough to be held."""
    gathered: list[tuple[str, Any]] = []
    characters = 0
    for pair in pairs:
        gathered.append(pair)
        characters += len(pair[0])
        if characters >= _STREAM_CHARACTERS or len(gathered) == batch_size:
            yield gathered
            gathered, characters = [], 0
    yield gathered
