"""Who may ask the server, from where, and in which form: keys, origins, hosts, HEAD, gzip, a proxy's path."""

from __future__ import annotations

import gzip
import json
import logging
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from serving import serving
from starlette.testclient import TestClient

import certainty
from certainty.server.app import create_app
from certainty.server.settings import ServerSettings

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
KEY = "s3cr3t-key"
OPEN = ("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics")


@pytest.fixture(scope="module")
def classifier() -> certainty.CertaintyClassifier:
    return certainty.load()


@pytest.fixture(scope="module")
def client(classifier: certainty.CertaintyClassifier) -> Iterator[TestClient]:
    with TestClient(create_app(classifier, ServerSettings(max_body_bytes=100_000))) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(classifier: certainty.CertaintyClassifier) -> Iterator[TestClient]:
    """A client of a server with a key, which it does not send by itself."""
    settings = ServerSettings(api_key=KEY, cors_origins="https://desk.example,http://localhost:3000")
    with TestClient(create_app(classifier, settings)) as client:
        yield client


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    return found


# ---- The key ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": f"Basic {KEY}"}, {"Authorization": "Bearer é"}],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/score"), ("POST", "/v1/score/stream"), ("POST", "/v1/view"), ("GET", "/v1/model"), ("GET", "/no")],
)
def test_without_the_key_nothing_is_scored(
    guarded: TestClient, method: str, path: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    sent = {name: value.encode() for name, value in headers.items()}
    with caplog.at_level(logging.DEBUG):
        answer = guarded.request(method, path, headers=sent, content="{}" if method == "POST" else None)
    detail = problem(answer, 401)["detail"]
    assert "`X-API-Key: KEY`" in detail
    wrong = headers.get("X-API-Key") or headers.get("Authorization", "").startswith("Bearer")
    assert detail.startswith("Wrong API key" if wrong else "This server asks for its API key")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "wrong" not in caplog.text and KEY not in caplog.text


@pytest.mark.parametrize("headers", [{"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}])
def test_with_the_key_everything_is_answered(guarded: TestClient, headers: dict[str, str]) -> None:
    assert guarded.post("/v1/score", json={"text": "Il pleut."}, headers=headers).status_code == 200
    assert guarded.get("/v1/model", headers=headers).status_code == 200


def test_probes_and_pages_are_open(guarded: TestClient) -> None:
    assert [guarded.get(path).status_code for path in OPEN] == [200] * len(OPEN)
    assert guarded.get("/docs/assets/swagger-ui.css").status_code == 200


def test_the_interface_says_how_the_key_is_sent(guarded: TestClient, classifier: certainty.CertaintyClassifier) -> None:
    described = guarded.get("/openapi.json").json()
    assert {scheme["type"] for scheme in described["components"]["securitySchemes"].values()} == {"http", "apiKey"}
    asking = {path for path, methods in described["paths"].items() for m in methods.values() if "security" in m}
    assert asking == {path for path in described["paths"] if path.startswith("/v1/")}
    assert "securitySchemes" not in create_app(classifier).openapi()["components"]


# ---- Origins and hosts -----------------------------------------------------------------------------------------------


def test_a_page_of_an_allowed_origin_may_ask(guarded: TestClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-api-key"}
    preflight = guarded.options("/v1/score", headers={"Origin": "https://desk.example", **asked})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://desk.example"
    assert "x-api-key" in preflight.headers["access-control-allow-headers"].lower()
    assert guarded.options("/v1/score", headers={"Origin": "https://evil.example", **asked}).status_code == 400
    origin = {"Origin": "http://localhost:3000"}
    for headers, status in (({"X-API-Key": KEY}, 200), ({}, 401)):  # the page is to read an error, too
        answer = guarded.post("/v1/score", json={"text": "Il pleut."}, headers=origin | headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    other = guarded.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_every_origin_or_none(classifier: certainty.CertaintyClassifier) -> None:
    origin = {"Origin": "https://any.example", "Access-Control-Request-Method": "POST"}
    everyone = TestClient(create_app(classifier, ServerSettings(cors_origins="*")))
    assert everyone.options("/v1/score", headers=origin).headers["access-control-allow-origin"] == "*"
    nobody = TestClient(create_app(classifier))
    assert problem(nobody.options("/v1/score", headers=origin), 405)
    assert "access-control-allow-origin" not in nobody.get("/healthz", headers=origin).headers


def test_another_host_is_refused(classifier: certainty.CertaintyClassifier) -> None:
    client = TestClient(create_app(classifier, ServerSettings(allowed_hosts="certainty.example,*.desk.example")))
    for host, status in (("certainty.example", 200), ("a.desk.example:8000", 200), ("evil.example", 400)):
        assert client.get("/v1/model", headers={"Host": host}).status_code == status
        assert client.get("/readyz", headers={"Host": host}).status_code == 200, "a probe asks by address"
    assert "allowed_hosts" in problem(client.get("/v1/model", headers={"Host": "evil.example"}), 400)["detail"]


# ---- HEAD ------------------------------------------------------------------------------------------------------------


def test_head_is_answered_like_get_without_a_body(classifier: certainty.CertaintyClassifier) -> None:
    with serving(create_app(classifier)) as address, httpx2.Client(base_url=address) as client:
        for path in (*OPEN, "/v1/model"):
            answer = client.head(path)
            assert (answer.status_code, answer.content) == (200, b""), path
            assert answer.headers["content-type"] == client.get(path).headers["content-type"]
        assert client.head("/v1/score").status_code == 405
        assert 'route="/healthz",status="200"' in client.get("/metrics").text


# ---- Compression -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "GZIP"])
def test_a_compressed_body_is_read(client: TestClient, name: str) -> None:
    encoding = {"Content-Encoding": name}
    body = gzip.compress(b'{"text": "Il ') + gzip.compress(b'pleut."}')  # joined, as `cat a.gz b.gz` would
    assert client.post("/v1/score", content=body, headers=JSON | encoding).json()["text"] == "Il pleut."
    texts = [f"Il pleut {i} fois." for i in range(100)]
    padding = " " * 1000  # so that it is more than is decompressed at a time
    lines = gzip.compress("".join(json.dumps({"text": text}) + padding + "\n" for text in texts).encode())
    answer = client.post("/v1/score/stream", content=lines, headers=NDJSON | encoding).text.splitlines()
    assert [json.loads(line)["text"] for line in answer] == texts


def test_a_body_that_would_become_huge_is_cut_off(client: TestClient) -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < 100_000
    found = problem(client.post("/v1/score", content=bomb, headers=JSON | {"Content-Encoding": "gzip"}), 413)
    assert found["limit"] == "max_body_bytes" and found["given"] < 200_000  # no more of it was decompressed
    huge = gzip.compress(b" " * 900_000)
    line = client.post("/v1/score/stream", content=huge, headers=NDJSON | {"Content-Encoding": "gzip"})
    assert line.json()["error"]["limit"] == "max_body_bytes"
    within = gzip.compress(json.dumps({"text": "Il pleut."}).encode() + b" " * 99_000)
    assert client.post("/v1/score", content=within, headers=JSON | {"Content-Encoding": "gzip"}).status_code == 200


@pytest.mark.parametrize("line", [b"\n", b" \r\n"])
def test_a_stream_that_is_a_bomb_is_told_so_once(client: TestClient, line: bytes) -> None:
    bomb = gzip.compress(b'{"text": "Il pleut."}\n' + line * 20_000_000, compresslevel=1)
    answer = client.post("/v1/score/stream", content=bomb, headers=NDJSON | {"Content-Encoding": "gzip"})
    scored, refused = map(json.loads, answer.text.splitlines())
    assert scored["text"] == "Il pleut."
    assert refused["error"]["status"] == 413 and "over 200 times its gzip data" in refused["error"]["detail"]
    assert refused["line"] < 1_100_000  # no more of it was decompressed


@pytest.mark.parametrize(
    ("encoding", "body", "status", "words"),
    [
        ("gzip", b'{"text": "a"}', 400, "not valid gzip"),
        ("gzip", gzip.compress(b'{"text": "a"}', mtime=0)[:-4], 400, "is cut off"),
        ("gzip", b"", 400, "is cut off"),
        ("br", b"a", 415, "compressed with gzip"),
        ("gzip, gzip", b"a", 415, "compressed with gzip"),
    ],
)
def test_a_wrongly_compressed_body(client: TestClient, encoding: str, body: bytes, status: int, words: str) -> None:
    answer = client.post("/v1/score", content=body, headers=JSON | {"Content-Encoding": encoding})
    assert words in problem(answer, status)["detail"]
    assert status != 415 or answer.headers["accept-encoding"] == "gzip"
    streamed = client.post("/v1/score/stream", content=body, headers=NDJSON | {"Content-Encoding": encoding})
    assert words in streamed.text


def test_long_answers_are_compressed_for_those_who_ask(client: TestClient) -> None:
    body = {"text": "Il pleut. " * 50}
    plain = client.post("/v1/score", json=body, headers={"Accept-Encoding": "identity"})
    asked = client.post("/v1/score", json=body, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers and asked.headers["content-encoding"] == "gzip"
    assert int(asked.headers["content-length"]) < int(plain.headers["content-length"]) / 3
    assert asked.json() == plain.json() and "Accept-Encoding" in asked.headers["vary"]
    short = client.get("/healthz", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers
    # A line is not to wait for the next ones, in the server or in nginx.
    stream = client.post("/v1/score/stream", content=json.dumps(body), headers=NDJSON | {"Accept-Encoding": "gzip"})
    assert "content-encoding" not in stream.headers and stream.headers["x-accel-buffering"] == "no"


# ---- A proxy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["", "/tools/certainty"], ids=["stripped", "left"])
def test_behind_a_proxy_that_shows_it_under_a_path(
    classifier: certainty.CertaintyClassifier, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ServerSettings(root_path="/tools/certainty/", api_key=KEY)
    with TestClient(create_app(classifier, settings)) as client, caplog.at_level(logging.INFO):
        key = {"X-API-Key": KEY}
        assert client.post(f"{sent}/v1/score", json={"text": "Il pleut."}, headers=key).status_code == 200
        assert client.post(f"{sent}/v1/score", json={"text": "Il pleut."}).status_code == 401
        assert client.get(f"{sent}/healthz").status_code == client.get(f"{sent}/").status_code == 200
        assert "/tools/certainty/openapi.json" in client.get(f"{sent}/docs").text
        assert client.get(f"{sent}/docs/assets/swagger-ui.css").status_code == 200
        servers = client.get(f"{sent}/openapi.json").json()["servers"]
        assert servers[0]["url"] == "/tools/certainty"
        assert client.get("/tools/certaintyX/healthz", headers=key).status_code == 404
        # The page's links are relative: it must be asked for with the slash.
        moved = client.get("/tools/certainty", follow_redirects=False)
        assert moved.status_code == 307 and moved.headers["location"].endswith("/tools/certainty/")
    assert "POST /v1/score 200" in caplog.text and "GET /healthz 200" in caplog.text


def test_an_idle_connection_is_kept_as_long_as_is_set(classifier: certainty.CertaintyClassifier) -> None:
    assert ServerSettings().timeout_keep_alive > 75  # the usual patience of a proxy
    with serving(create_app(classifier, ServerSettings(timeout_keep_alive=1))) as address:
        where = urlsplit(address)
        with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
            for _ in range(2):
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            received = b""
            while piece := connection.recv(1000):  # until the server closes it
                received += piece
            assert received.count(b"HTTP/1.1 200 ") == 2
