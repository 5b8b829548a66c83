"""What the routes share: the classifier with its batcher, and the limits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from itertools import accumulate
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from certainty.classifier import CertaintyClassifier
from certainty.model_info import ModelInfo
from certainty.results import Document
from certainty.sentences import Sentence
from certainty.server.batcher import Batcher
from certainty.server.limits import Gate, check_sentences, check_texts, split_within
from certainty.server.metrics import Metrics
from certainty.server.problems import ProblemError
from certainty.server.settings import ServerSettings

T = TypeVar("T")


class Service:
    """Score the texts of requests.

    Attributes:
        settings: The limits.
        gate: Counts the requests under way.
        metrics: The metrics of the app.
        batcher: Queue of the texts that wait.
    """

    def __init__(self, classifier: CertaintyClassifier, settings: ServerSettings) -> None:
        self._classifier = classifier
        self.settings = settings
        self.gate = Gate(settings)
        self.metrics = Metrics()
        self.batcher = Batcher(classifier, settings, self.metrics, lambda: self.gate.under_way)
        self.metrics.watch(lambda: len(self.batcher), lambda: self.gate.under_way)

    async def score(self, texts: Sequence[str]) -> list[Document]:
        """Score texts within the limits.

        Raises:
            ProblemError: 413 if a limit is exceeded; 500 if the classifier fails on a text; 504 if the texts are not
                scored in time.
        """
        check_texts(texts, self.settings)
        return await self._scored(texts, await split_within(texts, self.settings))

    async def score_sentences(self, sentences: Sequence[str]) -> Document:
        """Score sentences that are already split, as one text in which line feeds join them.

        Raises:
            ProblemError: See `score`.
        """
        check_sentences(sentences, self.settings)
        ends = accumulate(len(sentence) + 1 for sentence in sentences)
        placed = [Sentence(s, end - 1 - len(s), end - 1) for s, end in zip(sentences, ends, strict=True)]
        [document] = await self._scored(["\n".join(sentences)], [placed])
        return document

    async def model(self) -> ModelInfo:
        """Return which model scores; its digest is computed at the first call."""
        return await asyncio.to_thread(lambda: self._classifier.model)

    async def _scored(self, texts: Sequence[str], split: Sequence[list[Sentence]]) -> list[Document]:
        waiting = [self.batcher.submit(text, sentences) for text, sentences in zip(texts, split, strict=True)]
        timeout = self.settings.timeout
        try:
            if waiting:
                await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_EXCEPTION)
            for failure in [document.exception() for document in waiting if document.done()]:
                if failure is not None:
                    raise failure
            if all(document.done() for document in waiting):
                return [document.result() for document in waiting]
            detail = f"The text was not scored within {timeout:g} seconds (timeout); send less, or ask again later."
            raise ProblemError(504, detail, limit="timeout", maximum=timeout)
        finally:
            for document in waiting:
                document.cancel()


async def while_connected(request: Request, work: Coroutine[None, None, T]) -> T:
    """Return the result of the work, or cancel the work if the client disconnects.

    Raises:
        ClientDisconnect: If the client disconnects first.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
