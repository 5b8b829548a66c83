"""The streaming route: JSON Lines in, JSON Lines out, in order and in constant memory."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from certainty.server.access import log_bug
from certainty.server.answers import answer, encoded
from certainty.server.limits import Patience, require_type
from certainty.server.problems import ProblemError, invalid, too_large, unreadable
from certainty.server.schemas import Line, valid_id
from certainty.server.service import Service

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_TOGETHER = 256  # lines, however short; between them, the event loop attends to other clients
# Part of a line, or its end and the blank lines after it: a million of them would else take seconds.
_PARTS = re.compile(rb"[^\n]+|\n(?:[ \t\r]*\n)*")


class DuplexResponse(StreamingResponse):
    """A response that is sent while its request still arrives.

    That of Starlette listens for the client to disconnect, and loses the parts of the request that arrive meanwhile.
    """

    def __init__(self, lines: AsyncGenerator[bytes, None]) -> None:
        # Without this header, nginx would buffer the lines.
        super().__init__(lines, media_type=NDJSON[0], headers={"X-Accel-Buffering": "no"})
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        try:
            await self.stream_response(send)
        finally:
            await self._lines.aclose()


class _Raw(NamedTuple):
    number: int
    content: bytes
    problem: ProblemError | None = None


async def stream_lines(request: Request, service: Service) -> DuplexResponse:
    """Return a response with an answer to each line of a request; it starts once the body of the request has started.

    Otherwise, a client that waits for "100 Continue" would get the status first and hold back its body.
    """
    require_type(request, *NDJSON)
    patience = Patience(service.settings.timeout)
    first = await _next_message(request, service, patience)
    return DuplexResponse(_scored_lines(_pieces(first, request, service, patience), service))


async def _scored_lines(pieces: AsyncGenerator[bytes, None], service: Service) -> AsyncGenerator[bytes, None]:
    """Yield the answers; lines that arrived together are scored together."""
    splitter = _LineSplitter(service.settings.max_body_bytes)
    gate = service.gate
    try:
        async with aclosing(pieces):
            with gate.holding() as hold:
                async for piece in pieces:
                    hold(splitter.begun + len(piece))
                    if refusal := gate.full():
                        raise refusal
                    lines = splitter.feed(piece)
                    for start in range(0, len(lines), _TOGETHER):
                        yield await _answers(lines[start : start + _TOGETHER], service)
                    hold(splitter.begun)
        if lines := splitter.rest():
            yield await _answers(lines, service)
    except ProblemError as problem:
        yield _failure(splitter.number + 1, problem)


async def _answers(lines: Sequence[_Raw], service: Service) -> bytes:
    """Return the answers to lines; only meanwhile does the stream count as a request that is scored."""
    async with service.gate.scoring:
        return b"".join(await asyncio.gather(*(_answer(line, service) for line in lines)))


async def _pieces(
    first: Message, request: Request, service: Service, patience: Patience
) -> AsyncGenerator[bytes, None]:
    """Yield the body as it arrives.

    Raises:
        ProblemError: 408 if a line does not arrive in time; 503 if the server is shutting down.
        ClientDisconnect: If the client disconnects.
    """
    message = first
    while message["type"] != "http.disconnect":
        yield (piece := message.get("body", b""))
        if not message.get("more_body", False):
            return
        if b"\n" in piece:
            patience.renew()  # not before: answering is no time of the client's
        patience.add(len(piece))
        message = await _next_message(request, service, patience)
    raise ClientDisconnect


async def _next_message(request: Request, service: Service, patience: Patience) -> Message:
    timeout = service.settings.timeout
    arriving = asyncio.ensure_future(request.receive())
    closing = asyncio.ensure_future(service.gate.closing.wait())
    try:
        await asyncio.wait({arriving, closing}, timeout=patience.left(), return_when=asyncio.FIRST_COMPLETED)
        if service.gate.closing.is_set():
            raise ProblemError(503, "The server is shutting down; send this line and those after it again.")
        if arriving.done():
            return arriving.result()
        detail = f"No line came for {timeout:g} seconds (timeout); send this one and those after it again."
        raise ProblemError(408, detail, limit="timeout", maximum=timeout)
    finally:
        arriving.cancel()
        closing.cancel()


class _LineSplitter:
    """Split pieces of a body into lines; only the number is kept of a line that is too long."""

    def __init__(self, longest: int) -> None:
        self.number = 0
        self._longest = longest
        self._begun = bytearray()
        self._lost = 0  # bytes of a line that is too long, which were dropped

    @property
    def begun(self) -> int:
        """The number of bytes that are kept of a line whose end has not come yet."""
        return len(self._begun)

    def feed(self, piece: bytes) -> list[_Raw]:
        """Return the lines that end in this piece."""
        lines = []
        for part in _PARTS.findall(piece):
            if part.startswith(b"\n"):
                lines += self.rest()
                self.number += part.count(b"\n") - 1
            else:
                self._keep(part)
        return lines

    def rest(self) -> list[_Raw]:
        """End the current line and return it, unless it is blank."""
        content, lost = bytes(self._begun), self._lost
        self._begun.clear()
        self._lost = 0
        self.number += 1
        if lost:
            return [_Raw(self.number, b"", too_large("max_body_bytes", self._longest, lost, "Bytes of the line"))]
        return [_Raw(self.number, content)] if content.strip() else []

    def _keep(self, part: bytes) -> None:
        size = len(self._begun) + self._lost + len(part)
        if size > self._longest:
            self._begun.clear()
            self._lost = size
        else:
            self._begun += part


async def _answer(raw: _Raw, service: Service) -> bytes:
    identifier = None
    try:
        if raw.problem:
            raise raw.problem
        value = _parse(raw.content)
        identifier = valid_id(value)
        line = _validated(value)
        if line.sentences:
            document = await service.score_sentences(line.sentences)
        else:
            [document] = await service.score([line.text])
    except ProblemError as problem:
        return _failure(raw.number, problem, identifier)
    except Exception as bug:
        log_bug(bug)
        failed = ProblemError(500, "The server failed on this line; its log says where.")
        return _failure(raw.number, failed, identifier)
    named = {} if identifier is None else {"id": identifier}
    return encoded({**named, **answer(document, line)}) + b"\n"


def _parse(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise unreadable("The line", error) from None


def _validated(value: object) -> Line:
    try:
        return Line.model_validate(value)
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False)) from None


def _failure(number: int, problem: ProblemError, identifier: str | int | None = None) -> bytes:
    named = {} if identifier is None else {"id": identifier}
    return encoded({"line": number, **named, "error": problem.to_dict()}) + b"\n"
