"""Close connections on which no request arrives, and break off those whose client does not take its answer."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from certainty.server.limits import Gate

_PIECE = 65_536  # bytes of an answer that are written at a time


class WatchedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """The HTTP protocol of uvicorn, which would wait for ever for a request, and for a client to take an answer.

    The time without a request may be as long as that between two requests (`timeout_keep_alive`). Each piece of an
    answer must be taken within `timeout`, also the last one, after which uvicorn takes the request for answered.
    """

    def connection_made(self, transport: Any) -> None:
        """Begin to watch a connection."""
        super().connection_made(transport)
        self._gate: Gate = self.config.app.state.service.gate
        self._stalling: asyncio.TimerHandle | None = None
        self._lost = False
        self._app: ASGIApp = self.config.loaded_app
        self.app: ASGIApp = self._deliver
        transport.set_write_buffer_limits(high=1, low=0)  # writing is paused until all is with the system
        connection = transport.get_extra_info("socket")
        # The head and the body of an answer are written one after the other: without this, the body waits until the
        # client acknowledges the head, which it does after 40 ms. asyncio sets it only for some sockets.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The system would else keep megabytes, and take more only once a third is sent: too late if that is slow.
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Windows has no such limit
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _PIECE)
        self._watch(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching it."""
        self._lost = True
        self.app = self._app  # frees this object now; with itself as its app, it would wait for the garbage collector
        self._watching.cancel()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the client its time to take what is written."""
        super().pause_writing()
        self._limit()

    def resume_writing(self) -> None:
        """Note that it has taken all."""
        super().resume_writing()
        self._taken()

    def _limit(self) -> None:
        self._taken()
        self._stalling = self.loop.call_later(self._gate.settings.timeout, self.transport.abort)

    def _taken(self) -> None:
        if self._stalling is not None:
            self._stalling.cancel()

    async def _deliver(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app with a `send` that waits for the client, piece by piece, and ends the app if it has left."""

        async def send_or_leave(message: Message) -> None:
            await send(message)
            if self._lost:
                raise ClientDisconnect

        async def send_pieces(message: Message) -> None:
            body = message.get("body", b"")
            if len(body) <= _PIECE:
                await send_or_leave(message)
                return
            with self._gate.holding(len(body)):
                for start in range(0, len(body), _PIECE):
                    end = start + _PIECE
                    more = end < len(body) or message.get("more_body", False)
                    await send_or_leave({**message, "body": body[start:end], "more_body": more})

        with suppress(ClientDisconnect):  # the log has it already
            await self._app(scope, receive, send_pieces)

    def _watch(self, last: object) -> None:
        """Look again later whether there was another request than the last one."""
        self._watching: asyncio.TimerHandle = self.loop.call_later(self.timeout_keep_alive, self._look, last)

    def _look(self, last: object) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self.cycle is not last:
            self._watch(self.cycle)
        else:
            self.transport.close()
            self._limit()  # with TLS, an end of the answer may wait where nothing tells of it
