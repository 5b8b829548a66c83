"""Decompress request bodies and compress answers with gzip."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certainty.server.paths import route_path
from certainty.server.problems import ProblemError, problem_response

_PIECE = 65_536  # decompressed bytes at a time
_UNSUSPECTED = 1_000_000  # decompressed bytes, up to which any data are taken
MOST_TIMES = 200
"""How many times its compressed size a body may have: text has three to ten times, a bomb a thousand."""
_GZIP = 16 + zlib.MAX_WBITS  # makes zlib expect a gzip header


class CompressedAnswers(GZipMiddleware):
    """Compress the answers of all routes but the streaming one, whose lines must be sent at once."""

    def __init__(self, app: ASGIApp, streaming: str) -> None:
        super().__init__(app, minimum_size=1_000, compresslevel=5)
        self._streaming = streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        plain = scope["type"] != "http" or route_path(scope) == self._streaming
        await (self.app if plain else super().__call__)(scope, receive, send)


class CompressedBodies:
    """ASGI middleware that decompresses a body piece by piece, only as far as it is read.

    The limit of bytes thus applies to the decompressed body, and stops a small body that would become huge. A stream
    has no such limit, so its size must also stay in proportion to that of its gzip data.
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
            del headers["Content-Encoding"], headers["Content-Length"]  # these describe the compressed body
            await self._app({**scope, "headers": headers.raw}, _Decompressed(receive), send)
        else:
            detail = "This server takes bodies compressed with gzip, or not compressed."
            await problem_response(ProblemError(415, detail, {"Accept-Encoding": "gzip"}))(scope, receive, send)


class _Decompressed:
    """Receive the messages of a request with their bodies decompressed."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pieces: Iterator[bytes] = iter(())
        self._member = zlib.decompressobj(_GZIP)
        self._arrived = self._ended = False
        self._taken = self._given = 0  # bytes before and after

    async def __call__(self) -> Message:
        """Return the next message.

        Raises:
            ProblemError: 400 if the body is not valid gzip, or is cut off; 413 if it is a bomb.
        """
        while not self._ended:
            if piece := self._next_piece():
                self._given += len(piece)
                if self._given > max(_UNSUSPECTED, MOST_TIMES * self._taken):
                    detail = f"The body is over {MOST_TIMES} times its gzip data; send it without Content-Encoding."
                    raise ProblemError(413, detail)
                return {"type": "http.request", "body": piece, "more_body": True}
            if self._arrived:
                self._ended = True
                if not self._member.eof:
                    raise ProblemError(400, "The gzip data of the body is cut off; send all of it.")
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
            raise ProblemError(400, "The body is not valid gzip; is its Content-Encoding right?") from None

    def _decompress(self, compressed: bytes) -> Iterator[bytes]:
        """Yield the decompressed data in pieces, none of them empty."""
        piece = b""
        while compressed or len(piece) == _PIECE:  # after a full piece, zlib may hold back more
            if self._member.eof and compressed:  # gzip files may be concatenated
                self._member = zlib.decompressobj(_GZIP)
            piece = self._member.decompress(compressed, _PIECE)
            rest = self._member.unconsumed_tail or self._member.unused_data
            self._taken += len(compressed) - len(rest)
            compressed = rest
            if piece:
                yield piece
