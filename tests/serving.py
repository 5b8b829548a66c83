"""A server on a free port, in a thread of the tests, what it needs of a model, and what is sent to it and answered."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest

import certainty
from certainty.sentences import Sentence
from certainty.server.process import DrainingServer, address_of, listen

if TYPE_CHECKING:
    from starlette.testclient import TestClient

TEXT = "La Russie aurait livré des armes, selon un député. Moscou dément. Pourquoi ?"
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}


class _Echo:
    def score_split(self, texts: Sequence[str], split: object) -> list[certainty.Document]:
        return [certainty.Document(text, ()) for text in texts]


def echo() -> certainty.CertaintyClassifier:
    """Return a classifier that gives each text back without sentences."""
    return cast(certainty.CertaintyClassifier, _Echo())


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Yield the address of an app that is served."""
    server = DrainingServer(app)
    with listen("127.0.0.1", 0) as bound:
        address = address_of(bound)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, at most half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def metric_in(page: str, name: str) -> float:
    """Return a metric, named with its labels, from the text of `/metrics`; 0 if it is not there."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


class Held:
    """The shipped classifier, that begins to score when it is released and remembers what it was given."""

    def __init__(self, classifier: certainty.CertaintyClassifier) -> None:
        self.released = threading.Event()
        self.began = threading.Event()
        self.batches: list[list[str]] = []
        self._classifier = classifier

    def score_split(self, texts: Sequence[str], split: Sequence[Sequence[Sentence]]) -> list[certainty.Document]:
        self.batches.append(list(texts))
        self.began.set()
        assert self.released.wait(30)
        if any("panne" in text for text in texts):
            raise RuntimeError(f"cannot score {texts}")
        return self._classifier.score_split(texts, split)


def metric(client: TestClient, name: str) -> float:
    return metric_in(client.get("/metrics").text, name)


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status and body["title"] and body["detail"]
    return body


def assert_same(given: dict[str, Any], expected: certainty.Document) -> None:
    assert given["text"] == expected.text
    for sentence, scored in zip(given["sentences"], expected, strict=True):
        probabilities = sentence.pop("probabilities")
        for name in ("certainty", "probability", "claim_probability"):
            assert sentence.pop(name) == pytest.approx(getattr(scored, name), abs=1e-5)
        assert probabilities == pytest.approx({k.value: p for k, p in scored.probabilities.items()}, abs=1e-5)
        assert sentence.items() <= scored.to_dict().items()


def begin_stream(address: str) -> socket.socket:
    """Send the head of a streaming request."""
    where = urlsplit(address)
    connection = socket.create_connection((where.hostname, where.port), timeout=30)
    head = "POST /v1/score/stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    connection.sendall(f"{head}Content-Type: application/x-ndjson\r\n\r\n".encode())
    return connection


def send_line(connection: socket.socket, record: dict[str, Any]) -> None:
    line = json.dumps(record).encode() + b"\n"
    connection.sendall(b"%x\r\n%b\r\n" % (len(line), line))


def read_answer(answers: Any) -> dict[str, Any]:
    """Return the next line that is a JSON object, past the head and the marks of the pieces."""
    while not (line := answers.readline()).startswith(b"{"):
        assert line
    return json.loads(line)
