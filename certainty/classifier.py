"""The classifier, which turns texts into scored documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from certainty.engines import ONNX_FILES, EngineName, chosen_engine, open_engine
from certainty.engines.base import Engine
from certainty.engines.cores import available_cores
from certainty.errors import CertaintyError
from certainty.inputs import checked_pair, checked_sequence, checked_text, given_sentences
from certainty.labels import LABELS
from certainty.model_folder import TOKENIZER_FILE, ModelSettings, copy_model, find_model
from certainty.model_info import ModelInfo, has_quick_digest, scoring_files
from certainty.progress import Count, ShowProgress, counting, uncounted
from certainty.results import Document
from certainty.running import CHUNK, Runner
from certainty.scoring import sentence_scores, softmax
from certainty.sentence_score import SentenceScore, checked_probability
from certainty.sentences import Sentence, split_sentences
from certainty.tokenising import Encoding, SentenceTokenizer

_STREAM_CHARACTERS = 250_000  # amount of text that `stream` collects before scoring it

Context = TypeVar("Context")


class CertaintyClassifier:
    """Label the claims of French sentences: asserted, probable, personal opinion or denied.

    Open a classifier with `certainty.load`. It can be shared between threads and pickled, and works after `fork`. The
    score of a sentence depends on that sentence alone, not on its neighbours, their order or the number of threads.

    Attributes:
        classes_: The labels of claims, in the column order of `predict_proba`; shape (4,).
    """

    def __init__(
        self, folder: Path, engine: EngineName = "auto", threads: int | None = None, device: str | None = None
    ) -> None:
        self._folder = folder
        self._settings = ModelSettings.load(folder)
        engine = chosen_engine(engine, folder, device, self._settings.engine, self._settings.exact_sums)
        self._options = (engine, threads, device)
        if engine in ONNX_FILES and available_cores() > 1:
            with ThreadPoolExecutor(2) as pool:  # most of the opening runs without Python's lock
                digest = pool.submit(copy_context().run, self._quick_digest)  # with the options of the command
                opened = pool.submit(copy_context().run, self._opened_engine, digest.result)
                self._tokenizer = SentenceTokenizer.from_folder(folder)
                self._engine = opened.result()
        else:
            self._tokenizer = SentenceTokenizer.from_folder(folder)
            self._engine = self._opened_engine(self._quick_digest)
        self._runner = Runner(self._engine, self._tokenizer, self._settings)
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
        """Copy the model to a folder that `certainty.load` and transformers can open.

        The folder only appears once the copy is complete. An existing model in this place is replaced.

        Raises:
            CertaintyError: If the folder cannot be written, or already holds something that is not a model.
        """
        copy_model(self._folder, Path(folder), self._settings)

    @property
    def folder(self) -> Path:
        """The local folder of the model."""
        return self._folder

    @property
    def settings(self) -> ModelSettings:
        """The model's thresholds and origin. Use `with_thresholds` to get a classifier with other thresholds."""
        return self._settings

    @property
    def engine(self) -> EngineName:
        """Name of the engine that runs the model, such as "onnx"."""
        return self._options[0]

    @cached_property
    def model(self) -> ModelInfo:
        """Name, version and digest of the model; weights of over 200 MB are read when it is first asked for."""
        return ModelInfo.of_folder(self._folder, self._settings)

    @cached_property
    def files(self) -> Mapping[str, str]:
        """SHA-256 of each file that the engine and the tokenizer read, besides weights and settings, by its name."""
        return scoring_files(self._folder, self.engine)

    def _quick_digest(self) -> str | None:
        # Weights that are quickly read are not left for later, when the folder may have changed.
        return self.model.digest if has_quick_digest(self._folder) else None

    def _opened_engine(self, digest: Callable[[], str | None]) -> Engine:
        engine, threads, device = self._options

        def of_weights() -> str | None:
            try:
                return digest()
            except CertaintyError:
                open_engine(engine, self._folder, threads, device)  # what is wrong with the engine is told first
                raise

        opened = open_engine(engine, self._folder, threads, device, weights_digest=of_weights)
        digest()  # now at the latest, so that it is that of the weights that were opened
        return opened

    def with_thresholds(
        self,
        *,
        claim: float | None = None,
        attributed: float | None = None,
        cue: float | None = None,
        second: float | None = None,
        source: float | None = None,
    ) -> CertaintyClassifier:
        """Return a classifier with other thresholds that shares the loaded model with this one.

        A threshold of None is left unchanged.

        Args:
            claim: Minimum `claim_probability` for a sentence to count as a claim.
            attributed: Minimum probability for a claim to count as attributed.
            cue: Minimum probability for a word to count as a cue.
            second: Minimum probability of a second claim for it to be shown.
            source: Minimum probability that words name the source for them to be shown.

        Raises:
            CertaintyError: If a threshold is not between 0 and 1.
        """
        given = {"claim": claim, "attributed": attributed, "cue": cue, "second": second, "source": source}
        changes = {
            f"{name}_threshold": checked_probability(value, name) for name, value in given.items() if value is not None
        }
        other = object.__new__(type(self))  # copy.copy would open the model again
        vars(other).update(vars(self), _settings=replace(self._settings, **changes))  # type: ignore[arg-type]
        return other

    @overload
    def score(self, texts: str, show_progress: ShowProgress = ...) -> Document: ...  # type: ignore[overload-overlap]
    @overload
    def score(self, texts: Iterable[str], show_progress: ShowProgress = ...) -> list[Document]: ...
    def score(self, texts: str | Iterable[str], show_progress: ShowProgress = False) -> Document | list[Document]:
        """Split texts into sentences and score each sentence.

        Args:
            texts: A text, or several.
            show_progress: True shows the number of sentences scored, the rate and the time left: as a bar on a terminal
                or in a notebook, if the work takes longer than a second; elsewhere as an occasional log line
                (`logging`, INFO). A function is called instead with the number of sentences done and the total.

        Returns:
            A `Document` for a single text, a list of them otherwise.

        Raises:
            CertaintyError: If a text is not a string.
        """
        if isinstance(texts, str):
            return self._score([texts], show_progress)[0]
        given = enumerate(checked_sequence(texts, "texts"))
        return self._score([checked_text(text, f"texts[{i}]") for i, text in given], show_progress)

    def _score(self, texts: list[str], show_progress: ShowProgress) -> list[Document]:
        split = [split_sentences(text) for text in texts]
        with counting(show_progress, sum(map(len, split))) as count:
            return list(self._scored(texts, split, count))

    @overload
    def stream(
        self,
        texts: Iterable[str],
        *,
        as_tuples: Literal[False] = ...,
        batch_size: int | None = ...,
        show_progress: ShowProgress = ...,
    ) -> Iterator[Document]: ...
    @overload
    def stream(
        self,
        texts: Iterable[tuple[str, Context]],
        *,
        as_tuples: Literal[True],
        batch_size: int | None = ...,
        show_progress: ShowProgress = ...,
    ) -> Iterator[tuple[Document, Context]]: ...
    def stream(
        self,
        texts: Iterable[Any],
        *,
        as_tuples: bool = False,
        batch_size: int | None = None,
        show_progress: ShowProgress = False,
    ) -> Iterator[Any]:
        """Score texts lazily, in order and in constant memory.

        Each text is scored as a whole, so the document of a huge text is yielded at its end; split it first if the
        results of its parts are needed sooner.

        Args:
            texts: Any iterable of texts. It is read slightly ahead of the documents that are yielded.
            as_tuples: If True, `texts` holds tuples (text, context), and tuples (document, context) are yielded.
            batch_size: Maximum number of texts to read ahead and score together. None reads about 250,000 characters
                ahead, which is also the limit for any number of texts.
            show_progress: As for `score`; the total, and so the time left, is unknown.

        Raises:
            CertaintyError: If a text is not a string, or `batch_size` is less than 1.
        """
        if isinstance(texts, str):
            raise CertaintyError("texts is a str; give a list or another iterable of texts, or use `score`.")
        if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
            raise CertaintyError(f"batch_size is {batch_size!r}; give an integer of at least 1, or None.")
        pairs = (
            checked_pair(given, f"texts[{i}]") if as_tuples else (checked_text(given, f"texts[{i}]"), None)
            for i, given in enumerate(texts)
        )
        with counting(show_progress, None) as count:
            for gathered in _gathered(pairs, batch_size):
                read = [text for text, _ in gathered]
                documents = self._scored(read, [split_sentences(text) for text in read], count)
                yield from zip(documents, (context for _, context in gathered), strict=True) if as_tuples else documents

    def score_sentences(self, sentences: Iterable[str], show_progress: ShowProgress = False) -> list[SentenceScore]:
        """Score sentences without splitting them; `start` and `end` are offsets into the given sentence.

        Args:
            sentences: The sentences.
            show_progress: As for `score`.

        Raises:
            CertaintyError: If a sentence is not a string, or is empty or only white space.
        """
        given = given_sentences(sentences)
        with counting(show_progress, len(given)) as count:
            return list(self._scores(given, count))

    def predict_proba(self, sentences: Iterable[str], show_progress: ShowProgress = False) -> NDArray[np.float64]:
        """Return the calibrated probabilities of the four labels of claims, given that each sentence makes a claim.

        Args:
            sentences: The sentences.
            show_progress: As for `score`.

        Returns:
            Array of shape (n, 4), with columns in the order of `classes_`.

        Raises:
            CertaintyError: If a sentence is not a string, or is empty or only white space.
        """
        given = given_sentences(sentences)
        with counting(show_progress, len(given)) as count:
            logits = [logits.label for _, _, logits in self._runner.chunks(given, count)]
        return softmax(np.concatenate(logits)) if logits else np.empty((0, len(LABELS)))

    def predict(self, sentences: Iterable[str], show_progress: ShowProgress = False) -> NDArray[np.str_]:
        """Return the label of each sentence, shape (n,): one of `classes_`, or "no_claim" if it makes no claim.

        Args:
            sentences: The sentences.
            show_progress: As for `score`.

        Raises:
            CertaintyError: If a sentence is not a string, or is empty or only white space.
        """
        return np.array([score.label.value for score in self.score_sentences(sentences, show_progress)], dtype=np.str_)

    @property
    def mask_token_id(self) -> int:
        """Id of the mask token, which replaced words in the encoder's pretraining.

        Raises:
            CertaintyError: If the tokenizer has no mask token.
        """
        if (token := self._tokenizer.mask_token_id) is None:
            raise CertaintyError(f"{self._folder / TOKENIZER_FILE}: has no mask token.")
        return token

    def tokenize(self, sentences: Iterable[str]) -> list[Encoding]:
        """Tokenise sentences without special tokens; each result has `ids`, `offsets` (characters) and `word_ids`.

        Offsets refer to the sentence as given; see `certainty.tokenising.SentenceTokenizer`.
        """
        return self._tokenizer(sentences)

    def predict_proba_of_tokens(self, token_ids: Sequence[list[int]]) -> NDArray[np.float64]:
        """Return the same as `predict_proba` for tokenised sentences, so that single tokens can be changed.

        Args:
            token_ids: Token ids of each sentence, as returned by `tokenize`. A sentence may be empty.

        Returns:
            Array of shape (n, 4), with columns in the order of `classes_`.
        """
        chunks = (token_ids[start : start + CHUNK] for start in range(0, len(token_ids), CHUNK))
        logits = [self._runner.logits(chunk).label for chunk in chunks]
        return softmax(np.concatenate(logits)) if logits else np.empty((0, len(LABELS)))

    def score_split(self, texts: Sequence[str], split: Sequence[Sequence[Sentence]]) -> list[Document]:
        """Score texts that have already been split into sentences.

        Args:
            texts: The texts.
            split: The result of `certainty.sentences.split_sentences` for each text.
        """
        return list(self._scored(texts, split))

    def _scored(
        self, texts: Sequence[str], split: Sequence[Sequence[Sentence]], count: Count = uncounted
    ) -> Iterator[Document]:
        scores = self._scores([sentence for sentences in split for sentence in sentences], count)
        for text, sentences in zip(texts, split, strict=True):
            yield Document(text, tuple(islice(scores, len(sentences))), self.model)

    def _scores(self, sentences: list[Sentence], count: Count) -> Iterator[SentenceScore]:
        for chunk, encodings, logits in self._runner.chunks(sentences, count):
            yield from sentence_scores(chunk, encodings, logits, self.settings)


def _gathered(pairs: Iterable[tuple[str, Any]], batch_size: int | None) -> Iterator[list[tuple[str, Any]]]:
    """Group the pairs into lists that are large enough to score fast and small enough to fit in memory."""
    gathered: list[tuple[str, Any]] = []
    characters = 0
    for pair in pairs:
        gathered.append(pair)
        characters += len(pair[0])
        if characters >= _STREAM_CHARACTERS or len(gathered) == batch_size:
            yield gathered
            gathered, characters = [], 0
    yield gathered
