"""Limit the number of requests at a time, and the size and duration of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certainty.sentences import Sentence, split_sentences
from certainty.server.problems import RETRY_AFTER, ProblemError, problem_response, too_large
from certainty.server.settings import ServerSettings

SLOWEST = 1_000
"""Bytes a second at which a body must arrive at least, once `timeout` has passed."""
_SMALL = 64  # as many small bodies count as one of the largest


class Gate:
    """Count the requests under way and the bytes that they hold; refuse new ones when the server is full or stops.

    Attributes:
        settings: The limits.
        under_way: POST requests that are not answered yet.
        scoring: To be held while a request is scored. A body that arrives, and an answer that is taken, do without.
        closing: Set once no further request is accepted.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.under_way = 0
        self.scoring = asyncio.Semaphore(settings.max_requests)
        self.closing = asyncio.Event()
        self._held = 0

    def refusal(self) -> ProblemError | None:
        """Return why a request cannot be accepted now, or None."""
        return shutting_down() if self.closing.is_set() else self.busy() or self.full()

    def busy(self) -> ProblemError | None:
        """Return the problem of a request that finds as many being scored as may be, or None."""
        if not self.scoring.locked():
            return None
        most = self.settings.max_requests
        detail = f"The server is busy with {most:,} requests (max_requests); ask again in a moment."
        return ProblemError(503, detail, RETRY_AFTER, limit="max_requests", maximum=most, given=most + 1)

    def full(self) -> ProblemError | None:
        """Return the problem of a server that holds more than it may of bodies and answers, or None."""
        largest = self.settings.max_body_bytes
        # As much as the requests that are scored may have sent, and one more to be read. Many may arrive meanwhile, if
        # they are small: what a request takes besides its body counts as a part of the largest one.
        most = (self.settings.max_requests + 1) * largest
        if self._held + self.under_way * (largest // _SMALL) <= most:
            return None
        detail = (
            f"The server holds as many bytes of requests and answers as it may ({most:,}, from max_requests and "
            "max_body_bytes); ask again in a moment."
        )
        return ProblemError(503, detail, RETRY_AFTER)

    @contextmanager
    def holding(self, size: int = 0) -> Iterator[Callable[[int], None]]:
        """Count bytes that a request holds; the function that is given changes their number."""
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            self._held += size - held
            held = size

        hold(size)
        try:
            yield hold
        finally:
            hold(0)


def shutting_down() -> ProblemError:
    """Return the problem of a request that arrives during the shutdown."""
    return ProblemError(503, "The server is shutting down; ask again in a moment.", RETRY_AFTER)


class Admission:
    """ASGI middleware that lets a POST request pass the gate, or refuses it before its body is read."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if refusal := self._gate.refusal():
            await problem_response(refusal)(scope, receive, send)
            return
        self._gate.under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._gate.under_way -= 1


class Patience:
    """How much longer a client is waited for: a pause may last `timeout`, all of it that and the time of its bytes.

    Args:
        timeout: Seconds.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.renew()

    def renew(self) -> None:
        """Begin anew, with another line of a stream."""
        self._end = time.monotonic() + self._timeout

    def add(self, size: int) -> None:
        """Count bytes that have arrived."""
        self._end += size / SLOWEST

    def left(self) -> float:
        """Return the seconds from now on; they may be over already."""
        return min(self._timeout, self._end - time.monotonic())


class JsonRoute(APIRoute):
    """A route that takes JSON, within the limits of bytes and time of its app.

    Only once its body is there does a request count as one that is scored, so that a slow client keeps out no other.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the framework, wrapped in the limits."""
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            require_type(request, "application/json")
            gate: Gate = request.app.state.service.gate
            with gate.holding() as hold:
                arriving = Request(request.scope, _limited(request, gate, hold))
                await arriving.body()
                if refusal := gate.busy():
                    raise refusal
                async with gate.scoring:
                    return await handle(arriving)

        return limited


def require_type(request: Request, *types: str) -> None:
    """Check the content type of a request; the message recommends the first of `types`.

    Raises:
        ProblemError: 415 if it is none of `types`.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in types:
        raise ProblemError(415, f"This route takes {types[0]}; send it with the header `Content-Type: {types[0]}`.")


def check_texts(texts: Sequence[str], settings: ServerSettings) -> None:
    """Check the number and the length of texts.

    Raises:
        ProblemError: 413 if a limit is exceeded.
    """
    if len(texts) > settings.max_texts:
        raise too_large("max_texts", settings.max_texts, len(texts), "Number of texts")
    for i, text in enumerate(texts):
        if len(text) > settings.max_characters:
            what = "Characters of the text" if len(texts) == 1 else f"Characters of texts[{i}]"
            raise too_large("max_characters", settings.max_characters, len(text), what)


def check_sentences(sentences: Sequence[str], settings: ServerSettings) -> None:
    """Check the number and the length of sentences that are already split.

    Raises:
        ProblemError: 413 if a limit is exceeded.
    """
    if len(sentences) > settings.max_sentences:
        raise too_large("max_sentences", settings.max_sentences, len(sentences), "Number of sentences")
    for i, sentence in enumerate(sentences):
        if len(sentence) > settings.max_characters:
            what = f"Characters of sentences[{i}]"
            raise too_large("max_characters", settings.max_characters, len(sentence), what)


async def split_within(texts: Sequence[str], settings: ServerSettings) -> list[list[Sentence]]:
    """Return the sentences of each text.

    Raises:
        ProblemError: 413 if there are more sentences than the limit.
    """
    split = await asyncio.to_thread(lambda: [split_sentences(text) for text in texts])
    if (count := sum(map(len, split))) > settings.max_sentences:
        raise too_large("max_sentences", settings.max_sentences, count, "Number of sentences")
    return split


def _limited(request: Request, gate: Gate, hold: Callable[[int], None]) -> Receive:
    settings = gate.settings
    most = settings.max_body_bytes
    announced = request.headers.get("content-length", "")
    patience = Patience(settings.timeout)
    received = 0
    complete = False

    async def receive() -> Message:
        nonlocal received, complete
        if complete:  # what comes now is not part of the body: the client disconnects
            return await request.receive()
        if announced.isdecimal() and int(announced) > most:
            raise too_large("max_body_bytes", most, int(announced), "Bytes of the body")
        try:
            message = await asyncio.wait_for(request.receive(), patience.left())
        except asyncio.TimeoutError:
            detail = (
                f"The body did not arrive in time: {received:,} bytes of it. A pause may last {settings.timeout:g} "
                f"seconds (timeout), and the whole body that and a second for each {SLOWEST:,} bytes."
            )
            raise ProblemError(408, detail, limit="timeout", maximum=settings.timeout) from None
        piece = message.get("body", b"")
        patience.add(len(piece))
        received += len(piece)
        if received > most:
            raise too_large("max_body_bytes", most, received, "Bytes of the body, as far as it was read")
        hold(received)
        if refusal := gate.full():
            raise refusal
        complete = not message.get("more_body", False)
        return message

    return receive
