"""Limit the number of requests at a time, and the size and duration of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certainty.sentences import Sentence, split_sentences
from certainty.server.problems import RETRY_AFTER, ProblemError, problem_response, too_large
from certainty.server.settings import ServerSettings


class Gate:
    """Count the requests under way, and refuse new ones when the server stops.

    Attributes:
        under_way: POST requests that are not answered yet.
        closing: Set once no further request is accepted.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.under_way = 0
        self.closing = asyncio.Event()

    def refusal(self) -> ProblemError | None:
        """Return why a request cannot be accepted now, or None."""
        if self.closing.is_set():
            return shutting_down()
        most = self.settings.max_requests
        if self.under_way >= most:
            detail = f"The server is busy with {most:,} requests (max_requests); ask again in a moment."
            return ProblemError(503, detail, RETRY_AFTER, limit="max_requests", maximum=most, given=self.under_way + 1)
        return None


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


class JsonRoute(APIRoute):
    """A route that takes JSON, within the limits of bytes and time of its app."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the framework, wrapped in the limits."""
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            require_type(request, "application/json")
            settings: ServerSettings = request.app.state.settings
            return await handle(Request(request.scope, _limited(request, settings)))

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


def _limited(request: Request, settings: ServerSettings) -> Receive:
    most = settings.max_body_bytes
    announced = request.headers.get("content-length", "")
    received = 0
    complete = False

    async def receive() -> Message:
        nonlocal received, complete
        if complete:  # what comes now is not part of the body: the client disconnects
            return await request.receive()
        if announced.isdecimal() and int(announced) > most:
            raise too_large("max_body_bytes", most, int(announced), "Bytes of the body")
        try:
            message = await asyncio.wait_for(request.receive(), settings.timeout)
        except asyncio.TimeoutError:
            detail = f"The body did not arrive in time: none of it for {settings.timeout:g} seconds (timeout)."
            raise ProblemError(408, detail, limit="timeout", maximum=settings.timeout) from None
        received += len(message.get("body", b""))
        if received > most:
            raise too_large("max_body_bytes", most, received, "Bytes of the body, as far as it was read")
        complete = not message.get("more_body", False)
        return message

    return receive
