"""Score the waiting texts of all clients together, in one call of the classifier."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from certainty.classifier import CertaintyClassifier
from certainty.results import Document
from certainty.sentences import Sentence
from certainty.server.access import log_bug
from certainty.server.metrics import Metrics
from certainty.server.problems import ProblemError
from certainty.server.settings import ServerSettings


class _Job(NamedTuple):
    text: str
    sentences: list[Sentence]
    document: asyncio.Future[Document]


class Batcher:
    """Collect texts for the classifier, which runs in one thread because it uses all cores by itself.

    While a batch is scored, the next one is collected, so batches grow with the load. A text that is alone waits for
    those of other requests, if there are any.

    Args:
        classifier: Scores the batches.
        settings: The settings of the server.
        metrics: Counts the batches.
        under_way: Returns the number of requests that are not answered yet.
    """

    def __init__(
        self,
        classifier: CertaintyClassifier,
        settings: ServerSettings,
        metrics: Metrics,
        under_way: Callable[[], int],
    ) -> None:
        self._classifier, self._settings, self._metrics = classifier, settings, metrics
        self._under_way = under_way
        self._waiting: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="certainty-score")
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        """Start scoring, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Score the texts that still wait, then stop."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        self._worker.shutdown()

    def submit(self, text: str, sentences: list[Sentence]) -> asyncio.Future[Document]:
        """Queue a text and its sentences; the text is skipped if its future is cancelled before its turn."""
        document = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(text, sentences, document))
        self._arrived.set()
        return document

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._arrived.wait()
            if len(self._waiting) == 1 and self._under_way() > 1:
                await asyncio.sleep(self._settings.batch_delay)
            if batch := self._take():
                await self._score(batch)

    def _take(self) -> list[_Job]:
        batch: list[_Job] = []
        characters = 0
        while self._waiting:
            job = self._waiting[0]
            if batch and characters + len(job.text) > self._settings.batch_characters:
                return batch
            self._waiting.popleft()
            if not job.document.done():
                batch.append(job)
                characters += len(job.text)
        self._arrived.clear()
        return batch

    async def _score(self, batch: list[_Job]) -> None:
        try:
            documents = await self._classify(batch)
        except Exception as error:
            if len(batch) == 1:
                log_bug(error)
                if not batch[0].document.done():
                    # Not the error itself, which may quote the text.
                    batch[0].document.set_exception(
                        ProblemError(500, "The server failed on this text; its log says where.")
                    )
                return
            # One text is at fault; the others must still be scored.
            for job in batch:
                await self._score([job])
            return
        self._metrics.batch_texts.observe(len(batch))
        self._metrics.sentences.inc(sum(map(len, documents)))
        for job, document in zip(batch, documents, strict=True):
            if not job.document.done():
                job.document.set_result(document)

    async def _classify(self, batch: list[_Job]) -> list[Document]:
        texts, split = [job.text for job in batch], [job.sentences for job in batch]
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, self._classifier.score_split, texts, split
        )
