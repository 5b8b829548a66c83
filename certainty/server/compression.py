"""Bodies and answers compressed with gzip."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certainty.server.paths import route_path
from certainty.server.problems import ProblemError, problem_response

_PIECE = 65_536  # bytes that are decompressed at a time, however many they were compressed from
_GZIP = 16 + zlib.MAX_WBITS  # zlib's way of saying: with the header of gzip


class CompressedAnswers(GZipMiddleware):
    """Compresses the answers of all routes but the streaming one, whose lines must leave at once."""

    def __init__(self, app: ASGIApp, streaming: str) -> None:
        super().__init__(app, minimum_size=1_000, compresslevel=5)
        self._streaming = streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        plain = scope["type"] != "http" or route_path(scope) == self._streaming
        await (self.app if plain else super().__call__)(scope, receive, send)


class CompressedBodies:
    """ASGI middleware: decompresses a body piece by piece, only as far as it is read.

    So the limit of bytes holds for the decompressed body, and a small one that would become huge is cut off there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        encoding = Headers(scope=scope).get("Content-Encoding", "").strip().lower() if scope["type"] == "http" else ""
        if encoding in ("", "identity"):
            await self._app(scope, receive, send)
        elif encoding in ("gzip", "x-gzip"):
            headers = MutableHeaders(raw=list(scope["headers"]))
            del headers["Content-Encoding"], headers["Content-Length"]  # they are those of the compressed body
            await self._app({**scope, "headers": headers.raw}, _Decompressed(receive), send)
        else:
            detail = "This server takes bodies compressed with gzip, or not compressed."
            await problem_response(ProblemError(415, detail, {"Accept-Encoding": "gzip"}))(scope, receive, send)


class _Decompressed:
    """Receives the messages of a request with their bodies decompressed."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pieces: Iterator[bytes] = iter(())
        self._member = zlib.decompressobj(_GZIP)
        self._arrived = self._ended = False

    async def __call__(self) -> Message:
        """Return the next message.

        Raises:
            ProblemError: 400, the body is not what gzip wrote, or its end is missing.
        """
        while not self._ended:
            if piece := self._next_piece():
                return {"type": "http.request", "body": piece, "more_body": True}
            if self._arrived:
                self._ended = True
                if not self._member.eof:
                    raise ProblemError(400, "The body ends in the middle of what gzip wrote; send all of it.")
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._arrived = not message.get("more_body", False)
            self._pieces = self._decompress(message.get("body", b""))
        return await self._receive()

    def _next_piece(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except zlib.error:
            raise ProblemError(400, "The body is not what gzip writes; is its Content-Encoding right?") from None

    def _decompress(self, compressed: bytes) -> Iterator[bytes]:
        """Yield what it decompresses to; no piece is empty."""
        piece = b""
        while compressed or len(piece) == _PIECE:  # after a full piece more of it may be held back
            if self._member.eof and compressed:  # files of gzip may be joined
                self._member = zlib.decompressobj(_GZIP)
            if piece := self._member.decompress(compressed, _PIECE):
                yield piece
            compressed = self._member.unconsumed_tail or self._member.unused_data
