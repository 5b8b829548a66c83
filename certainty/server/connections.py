"""Close connections on which no request arrives, so that clients that stall take up no sockets."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class WatchedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """The HTTP protocol of uvicorn, which would wait for ever for a first request, and for the rest of its head.

    The time without a request may be as long as that between two requests (`timeout_keep_alive`).
    """

    def connection_made(self, transport: Any) -> None:
        """Begin to watch a connection."""
        super().connection_made(transport)
        self._watch(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching it."""
        self._watching.cancel()
        super().connection_lost(exc)

    def _watch(self, last: object) -> None:
        """Look again later whether there was another request than the last one."""
        self._watching: asyncio.TimerHandle = self.loop.call_later(self.timeout_keep_alive, self._look, last)

    def _look(self, last: object) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self.cycle is not last:
            self._watch(self.cycle)
        else:
            self.transport.close()
