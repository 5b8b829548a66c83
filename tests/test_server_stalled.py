"""Clients that send or take nothing, or little at a time: they are broken off, and keep out no others."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from serving import echo, metric_in, serving, wait_for

from certainty.server.app import create_app
from certainty.server.connections import WatchedProtocol
from certainty.server.settings import ServerSettings

LARGE = 4_000_000  # bytes, more than the system keeps for a client
WHOLE = {"max_body_bytes": 2 * LARGE, "max_characters": LARGE}


def metric(address: str, name: str) -> float:
    return metric_in(httpx2.get(f"{address}/metrics").text, name)


def under_way(address: str) -> float:
    return metric(address, "certainty_requests_under_way")


def left(address: str, route: str) -> float:
    return metric(address, f'certainty_requests_total{{route="{route}",status="499"}}')


def ask(address: str, route: str, body: bytes, length: int | None = None) -> socket.socket:
    """Send a request, whose body may be longer than what is sent of it, over a connection that takes little at once."""
    where = urlsplit(address)
    assert where.hostname and where.port
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect((where.hostname, where.port))
    kind = "x-ndjson" if route.endswith("stream") else "json"
    head = f"POST {route} HTTP/1.1\r\nHost: x\r\nContent-Type: application/{kind}\r\nConnection: close\r\n"
    connection.sendall(f"{head}Content-Length: {length or len(body)}\r\n\r\n".encode() + body)
    return connection


def rest(connection: socket.socket, pause: float = 0) -> bytes:
    """Return what still comes, in pieces with a pause between them."""
    received = bytearray()
    while piece := connection.recv(500_000):
        received += piece
        time.sleep(pause)
    return bytes(received)


def large(route: str) -> bytes:
    body: dict[str, Any] = {"text": "x" * LARGE} if route == "/v1/view" else {"sentences": ["x" * LARGE]}
    return json.dumps(body).encode()


@pytest.mark.parametrize("route", ["/v1/score", "/v1/view"])
def test_a_client_that_does_not_read_its_answer_is_broken_off(route: str) -> None:
    settings = ServerSettings(timeout=0.5, **WHOLE)
    with serving(create_app(echo(), settings)) as address, ask(address, route, large(route)) as connection:
        wait_for(lambda: left(address, route) == 1)
        assert under_way(address) == 0
        assert len(rest(connection)) < LARGE  # only what the system had taken before


def test_a_client_that_reads_slowly_gets_its_whole_answer() -> None:
    settings = ServerSettings(timeout=0.3, **WHOLE)
    with serving(create_app(echo(), settings)) as address:
        began = time.monotonic()
        with ask(address, "/v1/score", large("/v1/score")) as connection:
            head, body = rest(connection, pause=0.002).split(b"\r\n\r\n", 1)
        assert time.monotonic() - began > settings.timeout
        assert head.startswith(b"HTTP/1.1 200 ") and json.loads(body)["text"] == "x" * LARGE


@pytest.mark.parametrize("route", ["/v1/score", "/v1/score/stream"])
def test_a_body_that_trickles_is_broken_off_and_keeps_no_other_out(route: str) -> None:
    settings = ServerSettings(timeout=0.6, max_requests=1)
    with serving(create_app(echo(), settings)) as address, ask(address, route, b'{"', length=1000) as connection:
        began = time.monotonic()
        connection.settimeout(0.1)
        answer = b""
        while b"408" not in answer:
            assert time.monotonic() - began < 10
            assert httpx2.post(f"{address}/v1/score", json={"text": "Il pleut."}).status_code == 200
            connection.sendall(b"x")  # each of them in time
            try:
                answer += connection.recv(1000)
            except TimeoutError:
                continue
        wait_for(lambda: under_way(address) == 0)


def test_a_stream_that_waits_for_its_client_keeps_no_other_out() -> None:
    settings = ServerSettings(max_requests=1)
    with serving(create_app(echo(), settings)) as address, ExitStack() as stack:
        for _ in range(3):  # one after the other: while a line is scored, it has the only place
            stream = stack.enter_context(ask(address, "/v1/score/stream", b'{"text": ""}\n', 99))
            answers = stack.enter_context(stream.makefile("rb"))
            assert b'"text": ""' in next(line for line in answers if line.startswith(b"{"))
        assert under_way(address) == 3
        assert httpx2.post(f"{address}/v1/score", json={"text": "Il pleut."}).status_code == 200


@pytest.mark.parametrize(("clients", "sent"), [(2, 60_000), (127, 1)], ids=["few large ones", "many small ones"])
@pytest.mark.parametrize("route", ["/v1/score", "/v1/score/stream"])
def test_bodies_that_do_not_end_are_limited_together(route: str, clients: int, sent: int) -> None:
    settings = ServerSettings(max_requests=1, max_body_bytes=64_000)
    whole = {"text": "x" * 50_000}
    with serving(create_app(echo(), settings)) as address:
        with ExitStack() as stack:
            for _ in range(clients):
                stack.enter_context(ask(address, route, b" " * sent, length=64_000))
            wait_for(lambda: under_way(address) == clients)
            time.sleep(0.1)  # what was sent is there now
            refused = httpx2.post(f"{address}/v1/score", json=whole)
            assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
            assert "max_body_bytes" in refused.json()["detail"]
        wait_for(lambda: under_way(address) == 0)
        assert httpx2.post(f"{address}/v1/score", json=whole).status_code == 200


def test_the_body_of_an_answer_does_not_wait_for_the_head_to_be_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client acknowledges after 40 ms what it has no answer to, and Nagle's algorithm would wait for that."""
    sends_at_once: list[bool] = []
    original = WatchedProtocol.connection_made

    def connection_made(self: WatchedProtocol, transport: Any) -> None:
        original(self, transport)
        sends_at_once.append(
            bool(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        )

    monkeypatch.setattr(WatchedProtocol, "connection_made", connection_made)
    with serving(create_app(echo())) as address:
        assert httpx2.post(f"{address}/v1/score", json={"text": "Il pleut."}).status_code == 200
    assert sends_at_once == [True]
