"""Texts of several clients in one batch: the scores of each alone, and what fails or is given up."""

from __future__ import annotations

import json
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx2
import pytest
from serving import NDJSON, Held, assert_same, metric, problem, serving, wait_for
from starlette.testclient import TestClient

import certainty
from certainty.server.app import create_app
from certainty.server.settings import ServerSettings


@pytest.fixture(scope="module")
def classifier() -> certainty.CertaintyClassifier:
    return certainty.load()


def test_clients_share_a_batch_and_get_the_scores_that_they_get_alone(
    held: Held, classifier: certainty.CertaintyClassifier
) -> None:
    texts = [f"Le maire numéro {i} aurait démenti. Il pleut." for i in range(8)]
    with TestClient(create_app(held, ServerSettings(batch_delay=0))) as client, ThreadPoolExecutor(9) as pool:
        first = pool.submit(client.post, "/v1/score", json={"text": "Il neige."})
        assert held.began.wait(30)
        answers = [pool.submit(client.post, "/v1/score", json={"text": text}) for text in texts]
        wait_for(lambda: metric(client, "certainty_queue_texts") == len(texts))
        held.released.set()
        for answer, text in zip(answers, texts, strict=True):
            assert_same(answer.result().json(), classifier.score(text))
        assert first.result().status_code == 200
    assert [sorted(batch) for batch in held.batches] == [["Il neige."], texts]


def test_a_batch_ends_at_its_characters(held: Held) -> None:
    held.released.set()
    with TestClient(create_app(held, ServerSettings(batch_characters=20))) as client:
        assert len(client.post("/v1/score", json={"texts": ["Il pleut."] * 5 + ["Il neige. " * 9]}).json()) == 6
    assert [len(batch) for batch in held.batches] == [2, 2, 1, 1]


def test_a_text_that_fails_fails_alone_and_is_not_logged(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    texts = ["Il pleut.", "une panne SECRÈTE", "Il neige."]
    with caplog.at_level(logging.DEBUG), TestClient(create_app(held)) as client, ThreadPoolExecutor(4) as pool:
        pool.submit(client.post, "/v1/score", json={"text": "Il vente."})
        assert held.began.wait(30)
        answers = [pool.submit(client.post, "/v1/score", json={"text": text}) for text in texts]
        wait_for(lambda: metric(client, "certainty_queue_texts") == len(texts))
        held.released.set()
        assert [answer.result().status_code for answer in answers] == [200, 500, 200]
        assert "SECRÈTE" not in problem(answers[1].result(), 500)["detail"]
        streamed = client.post("/v1/score/stream", content='{"text": "panne SECRÈTE", "id": 7}', headers=NDJSON)
        assert streamed.json()["id"] == 7 and streamed.json()["error"]["status"] == 500
    assert "RuntimeError" in caplog.text and "serving.py" in caplog.text
    assert "SECRÈTE" not in caplog.text


def test_the_text_of_a_client_that_left_is_not_scored(held: Held) -> None:
    with serving(create_app(held)) as address, httpx2.Client(base_url=address) as client:
        staying = begin_post(address, "Il vente.")
        assert held.began.wait(30)
        leaving = begin_post(address, "Il pleut.")
        wait_for(lambda: metric(client, "certainty_queue_texts") == 1)
        leaving.close()
        wait_for(lambda: metric(client, 'certainty_requests_total{route="/v1/score",status="499"}') == 1)
        held.released.set()
        assert client.post("/v1/score", json={"text": "Il neige."}).status_code == 200
        staying.close()
    assert held.batches == [["Il vente."], ["Il neige."]]


def begin_post(address: str, text: str) -> socket.socket:
    """Send a request for a text, and return the socket on which the answer will come."""
    where = urlsplit(address)
    body = json.dumps({"text": text}).encode()
    head = (
        f"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection((where.hostname, where.port))
    connection.sendall(head.encode() + body)
    return connection
