"""A process of the server: its socket, and its orderly shutdown."""

from __future__ import annotations

import multiprocessing
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from certainty.errors import CertaintyError
from certainty.server.connections import WatchedProtocol
from certainty.server.service import Service

_ONCE = 1.0  # seconds in which signals count as one: both systemd and the parent of a worker send it one


class DrainingServer(uvicorn.Server):
    """On a signal, finish the requests under way and answer 503 to new ones; on a second signal, stop at once.

    uvicorn itself would refuse connections at once, so that `/readyz` could not be queried, and end with the signal.

    Args:
        app: Result of `create_app`.
        on_started: Called once requests are accepted.
    """

    def __init__(self, app: FastAPI, on_started: Callable[[], None] | None = None) -> None:
        self._service: Service = app.state.service
        self._on_started = on_started
        self._asked_at: float | None = None
        self._parent = multiprocessing.parent_process()
        settings = self._service.settings
        super().__init__(
            uvicorn.Config(
                app,
                http=WatchedProtocol,
                lifespan="on",
                log_config=None,
                access_log=False,  # it would write URLs, which may contain a text
                server_header=False,
                timeout_graceful_shutdown=max(1, round(settings.timeout)),
                timeout_keep_alive=settings.timeout_keep_alive,
                ssl_certfile=settings.ssl_certfile,
                ssl_keyfile=settings.ssl_keyfile,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept requests."""
        await super().startup(sockets)
        if self._on_started and self.started:
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the shutdown; on a second signal, stop at once."""
        if sig == signal.SIGINT and self._parent:
            return  # Ctrl-C reaches all processes of a terminal; the parent tells its workers
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        elif time.monotonic() - self._asked_at > _ONCE:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        """After a signal, refuse new requests; return whether the server should exit."""
        if self._asked_at is None and self._parent and not self._parent.is_alive():
            self._asked_at = time.monotonic()  # the parent of this worker has died
        if self._asked_at is not None:
            gate = self._service.gate
            gate.closing.set()
            waited = time.monotonic() - self._asked_at
            if gate.under_way == 0 or waited > self._service.settings.timeout:
                self.should_exit = True
        return await super().on_tick(counter)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that accepts connections.

    Args:
        host: A name or an address, IPv4 or IPv6.
        port: 0 lets the system pick a free one.

    Raises:
        CertaintyError: If the address does not belong to this machine, or the port is in use.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CertaintyError(
            f"{host}, port {port}: cannot listen there ({reason}); give another --host or --port (0: any free one)."
        ) from error


def address_of(bound: socket.socket, scheme: str = "http") -> str:
    """Return the URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if bound.family == socket.AF_INET6 else f"{scheme}://{host}:{port}"
