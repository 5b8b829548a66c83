"""The limits of the server: sizes, requests under way, and times."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from serving import JSON, NDJSON, Held, metric, problem, serving, wait_for
from starlette.testclient import TestClient

import certainty
from certainty.server.app import create_app
from certainty.server.settings import ServerSettings


@pytest.fixture(scope="module")
def classifier() -> certainty.CertaintyClassifier:
    return certainty.load()


@pytest.mark.parametrize(
    ("body", "limit", "maximum", "given"),
    [
        ({"text": "a" * 501}, "max_characters", 500, 501),
        ({"texts": ["a", "a" * 502]}, "max_characters", 500, 502),
        ({"texts": ["a"] * 5}, "max_texts", 4, 5),
        ({"text": "Il pleut. " * 11}, "max_sentences", 10, 11),
        ({"texts": ["Il pleut. " * 6] * 2}, "max_sentences", 10, 12),
        ({"text": "a" * 4000}, "max_body_bytes", 4000, 4012),
    ],
)
def test_limits_of_size(client: TestClient, body: Any, limit: str, maximum: int, given: int) -> None:
    found = problem(client.post("/v1/score", content=json.dumps(body), headers=JSON), 413)
    assert (found["limit"], found["maximum"], found["given"]) == (limit, maximum, given)
    assert limit in found["detail"] and f"{maximum:,}" in found["detail"]


def test_a_text_at_the_limits_is_scored(client: TestClient) -> None:
    assert client.post("/v1/score", json={"text": "a" * 500}).status_code == 200
    assert client.post("/v1/score", json={"text": "Il pleut. " * 10}).status_code == 200


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(client: TestClient) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 1000
            yield b" " * 1000

    found = problem(client.post("/v1/score", content=endless(), headers=JSON), 413)
    assert found["limit"] == "max_body_bytes"


def test_requests_above_the_limit_are_told_to_come_again(held: Held) -> None:
    with TestClient(create_app(held, ServerSettings(max_requests=2))) as client, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(client.post, "/v1/score", json={"text": "Il pleut."}) for _ in range(2)]
        wait_for(lambda: metric(client, "certainty_requests_under_way") == 2)
        for route, kind in (("/v1/score", JSON), ("/v1/score/stream", NDJSON)):
            refused = client.post(route, content='{"text": "a"}', headers=kind)
            found = problem(refused, 503)
            assert int(refused.headers["retry-after"]) > 0
            assert (found["limit"], found["maximum"], found["given"]) == ("max_requests", 2, 3)
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
        held.released.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]
        assert client.post("/v1/score", json={"text": "Il pleut."}).status_code == 200


def test_a_text_that_is_not_scored_in_time(held: Held) -> None:
    with TestClient(create_app(held, ServerSettings(timeout=0.2))) as client:
        found = problem(client.post("/v1/score", json={"text": "Il pleut."}), 504)
        assert (found["limit"], found["maximum"]) == ("timeout", 0.2)
        problem(client.post("/v1/score", json={"text": "Il neige."}), 504)
        held.released.set()
    assert held.batches == [["Il pleut."]]


def test_a_body_that_does_not_arrive_in_time(classifier: certainty.CertaintyClassifier) -> None:
    with serving(create_app(classifier, ServerSettings(timeout=0.2))) as address:
        where = urlsplit(address)
        for route, kind in (("/v1/score", JSON), ("/v1/score/stream", NDJSON)):
            with socket.create_connection((where.hostname, where.port)) as connection:
                head = (
                    f"POST {route} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind['Content-Type']}\r\nContent-Length: 9\r\n"
                )
                connection.sendall(head.encode() + b"\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "head", [b"", b"POST /v1/score HTTP/1.1\r\nHost: x\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_a_connection_without_a_request_is_closed(classifier: certainty.CertaintyClassifier, head: bytes) -> None:
    with serving(create_app(classifier, ServerSettings(timeout_keep_alive=1))) as address:
        where = urlsplit(address)
        with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
            connection.sendall(head)
            while connection.recv(1000):
                pass
