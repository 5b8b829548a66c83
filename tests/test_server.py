from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from serving import echo, metric_in, serving, wait_for
from starlette.testclient import TestClient

import certainty
from certainty.cli import main
from certainty.errors import CertaintyError
from certainty.sentences import Sentence
from certainty.server.app import create_app
from certainty.server.schemas import DocumentSchema
from certainty.server.settings import ServerSettings

TEXT = "La Russie aurait livré des armes, selon un député. Moscou dément. Pourquoi ?"
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}


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


@pytest.fixture(scope="module")
def classifier() -> certainty.CertaintyClassifier:
    return certainty.load()


@pytest.fixture(scope="module")
def client(classifier: certainty.CertaintyClassifier) -> Iterator[TestClient]:
    settings = ServerSettings(max_body_bytes=4000, max_characters=500, max_texts=4, max_sentences=10)
    with TestClient(create_app(classifier, settings)) as client:
        yield client


@pytest.fixture
def held(classifier: certainty.CertaintyClassifier) -> Iterator[Held]:
    held = Held(classifier)
    yield held
    held.released.set()


def metric(client: TestClient, name: str) -> float:
    return metric_in(client.get("/metrics").text, name)


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status and body["title"] and body["detail"]
    return body


# ---- Scoring ---------------------------------------------------------------------------------------------------------


def test_score_gives_the_document_of_the_library(client: TestClient, classifier: certainty.CertaintyClassifier) -> None:
    one = client.post("/v1/score", json={"text": TEXT})
    several = client.post("/v1/score", json={"texts": [TEXT, "", "Il pleut."]})
    assert one.status_code == several.status_code == 200
    assert_same(one.json(), classifier.score(TEXT))
    for given, text in zip(several.json(), (TEXT, "", "Il pleut."), strict=True):
        assert_same(given, classifier.score(text))
    DocumentSchema.model_validate(one.json())
    assert client.post("/v1/score", json={"texts": []}).json() == []


def assert_same(given: dict[str, Any], expected: certainty.Document) -> None:
    assert given["text"] == expected.text
    for sentence, scored in zip(given["sentences"], expected, strict=True):
        probabilities = sentence.pop("probabilities")
        for name in ("certainty", "probability", "claim_probability"):
            assert sentence.pop(name) == pytest.approx(getattr(scored, name), abs=1e-5)
        assert probabilities == pytest.approx({k.value: p for k, p in scored.probabilities.items()}, abs=1e-5)
        assert sentence.items() <= scored.to_dict().items()


@pytest.mark.parametrize(
    "text", ["a\ud800b", "nul \0 ici", "😀 Il pleut 👍🏽.", "Il\r\npleut.", "\u202eمرحبا", "\ufeff"]
)
def test_awkward_characters_come_back_as_they_were(client: TestClient, text: str) -> None:
    answer = client.post("/v1/score", content=json.dumps({"text": text}), headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["text"] == text
    line = client.post("/v1/score/stream", content=json.dumps({"text": text}), headers=NDJSON)
    assert json.loads(line.text)["text"] == text
    assert client.post("/v1/view", content=json.dumps({"text": text}), headers=JSON).status_code == 200


def test_view_is_a_page_that_may_ask_nothing_of_the_network(client: TestClient) -> None:
    answer = client.post("/v1/view", json={"text": "Moscou <script>alert(1)</script> dément."})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "&lt;script&gt;alert" in answer.text and "<script>alert" not in answer.text


def test_every_answer_says_which_model_scored(client: TestClient, classifier: certainty.CertaintyClassifier) -> None:
    told = client.get("/v1/model").json()
    model = {name: told[name] for name in ("name", "version", "digest", "heads")}
    assert model == classifier.model.to_dict()
    assert told["labels"] == [label.value for label in certainty.Label] and told["certainty"] == certainty.__version__
    given = [client.post("/v1/score", json=body).json() for body in ({"text": TEXT}, {"sentences": ["Il pleut."]})]
    given += client.post("/v1/score", json={"texts": [TEXT, ""]}).json()
    given.append(client.post("/v1/score/stream", content='{"text": "Il pleut."}', headers=NDJSON).json())
    assert [document["model"] for document in given] == [model] * 5
    assert certainty.Document.from_dict(given[0]).model == classifier.model


def test_sentences_that_are_split_already_stay_as_they_are(
    client: TestClient, classifier: certainty.CertaintyClassifier
) -> None:
    sentences = ["Moscou dément. Il pleut", " la nuit.", "Pourquoi\n?"]
    given = client.post("/v1/score", json={"sentences": sentences}).json()
    DocumentSchema.model_validate(given)
    document = certainty.Document.from_dict(given)
    assert document.text == "\n".join(sentences)
    assert [s.text for s in document] == sentences
    for scored, alone in zip(document, classifier.score_sentences(sentences), strict=True):
        assert (scored.label, scored.probability) == (alone.label, pytest.approx(alone.probability, abs=1e-5))
    line = client.post("/v1/score/stream", content=json.dumps({"sentences": sentences, "id": 1}), headers=NDJSON)
    assert line.json() == {"id": 1, **given}
    assert client.post("/v1/score", json={"sentences": []}).json()["sentences"] == []
    found = problem(client.post("/v1/score", json={"sentences": ["a"] * 11}), 413)
    assert (found["limit"], found["given"]) == ("max_sentences", 11)
    found = problem(client.post("/v1/score", json={"sentences": ["a", "b" * 501]}), 413)
    assert found["limit"] == "max_characters" and "sentences[1]" in found["detail"]


def test_an_answer_can_be_asked_for_claims_only_and_for_what_is_undecided(
    client: TestClient, classifier: certainty.CertaintyClassifier
) -> None:
    plain = client.post("/v1/score", json={"text": TEXT}).json()["sentences"]
    assert plain[-1]["label"] == "no_claim" and all("undecided" not in sentence for sentence in plain)
    choices = {"text": TEXT, "claims_only": True, "min_confidence": 1}
    for answer in (
        client.post("/v1/score", json=choices).json(),
        client.post("/v1/score/stream", content=json.dumps(choices), headers=NDJSON).json(),
    ):
        DocumentSchema.model_validate(answer)
        assert [sentence.pop("undecided") for sentence in answer["sentences"]] == [True] * (len(plain) - 1)
        assert answer["sentences"] == plain[:-1] and answer["text"] == TEXT
    decided = client.post("/v1/score", json={"text": TEXT, "min_confidence": 0}).json()["sentences"]
    assert [sentence["undecided"] for sentence in decided] == [False] * len(plain)
    pages = [client.post("/v1/view", json={"text": TEXT, **extra}).text for extra in ({}, {"min_confidence": 1})]
    assert "undecided" in pages[1] and pages[0] != pages[1]
    french = client.post("/v1/view", json={"text": TEXT, "lang": "fr"})
    assert french.text == classifier.score(TEXT).to_html(lang="fr") and 'lang="fr"' in french.text
    assert problem(client.post("/v1/view", json={"text": TEXT, "lang": "de"}), 422)["errors"][0]["field"] == "lang"


# ---- Batching --------------------------------------------------------------------------------------------------------


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
    assert "RuntimeError" in caplog.text and "test_server.py" in caplog.text
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


# ---- Limits ----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
@pytest.mark.parametrize("route", ["/v1/score", "/v1/view", "/v1/score/stream"])
def test_another_content_type(client: TestClient, route: str, kind: str) -> None:
    found = problem(client.post(route, content='{"text": "a"}', headers={"Content-Type": kind}), 415)
    assert "application/" in found["detail"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 422, "empty"),
        (b'{"text": ', 400, "at character 9"),
        (b"{'text': 'SECRET'}", 400, "at character 1"),
        (b'{"text": "SECRET\n"}', 400, "at character 16"),
        (b'{"text": "SECRET\xff"}', 400, "not UTF-8, at byte 17"),
        (b"1" * 4000, 422, "object"),
        (b"{}", 422, "either"),
        (b'{"text": "SECRET", "texts": ["SECRET"]}', 422, "either"),
        (b'{"text": ["SECRET"]}', 422, "text: "),
        (b'{"text": null}', 422, "text: "),
        (b'{"texts": "SECRET"}', 422, "texts: "),
        (b'{"texts": ["a", {"SECRET": 1}]}', 422, "texts.1: "),
        (b'{"texts": [], "sentences": []}', 422, "either"),
        (b'{"sentences": ["SECRET", " "]}', 422, "sentences.1: "),
        (b'{"text": "SECRET", "min_confidence": 2}', 422, "min_confidence: "),
        (b'{"text": "SECRET", "claims_only": "yes"}', 422, "claims_only: "),
        (b'["SECRET"]', 422, "object"),
        (b'"SECRET"', 422, "object"),
        (b"NaN", 422, "object"),
    ],
)
def test_a_wrong_body_is_explained_without_a_word_of_it(
    client: TestClient, caplog: pytest.LogCaptureFixture, body: bytes, status: int, words: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/v1/score", content=body, headers=JSON)
    assert words in problem(answer, status)["detail"]
    assert "SECRET" not in answer.text and "SECRET" not in caplog.text


@pytest.mark.parametrize(
    ("route", "body", "field", "words"),
    [
        ("/v1/score", {"txt": "a"}, "txt", "did you mean `text`?"),
        ("/v1/score", {"text": "a", "min_confidance": 0.5}, "min_confidance", "did you mean `min_confidence`?"),
        ("/v1/score", {"text": "a", "lang": "fr"}, "lang", "takes `text`, `texts`, `sentences`, `min_confidence`"),
        ("/v1/view", {"text": "a", "texts": []}, "texts", "takes `text`, `lang`, `min_confidence`, `claims_only`"),
        ("/v1/score", {"text": "a", "x" * 90: 1}, "x" * 40, "unknown field"),
    ],
)
def test_an_unknown_field_is_named_and_not_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture, route: str, body: Any, field: str, words: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        found = problem(client.post(route, json=body), 422)
    assert found["errors"][0]["field"] == field
    assert found["detail"].startswith(f"{field}: unknown field") and words in found["detail"]
    assert field not in caplog.text or field == "texts"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"text": "SECRET", "min_confidence": ' + b"1" * 4301 + b"}", "has a number with too many digits"),
    ],
)
def test_json_that_python_does_not_read(classifier: certainty.CertaintyClassifier, body: bytes, words: str) -> None:
    client = TestClient(create_app(classifier))
    assert problem(client.post("/v1/score", content=body, headers=JSON), 400)["detail"].startswith(f"The body {words}")
    line = client.post("/v1/score/stream", content=body, headers=NDJSON).json()
    assert line["error"]["status"] == 400 and line["error"]["detail"].startswith(f"The line {words}")


def test_unknown_addresses_and_methods(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        problem(client.get("/SECRET?text=SECRET"), 404)
        assert problem(client.put("/v1/score?text=SECRET"), 405) and client.put("/v1/score").headers["allow"] == "POST"
    assert "/v1/score 405" in caplog.text
    ours = [record for record in caplog.records if record.name.startswith(("certainty", "uvicorn"))]
    assert ours and not any("SECRET" in record.getMessage() for record in ours)


@pytest.mark.parametrize("setting", ["max_texts", "timeout", "batch_characters"])
def test_settings_out_of_range(setting: str) -> None:
    with pytest.raises(CertaintyError, match=f"{setting} is -1"):
        ServerSettings(**{setting: -1})


# ---- Streaming -------------------------------------------------------------------------------------------------------


def test_stream_answers_each_line_in_order(client: TestClient, classifier: certainty.CertaintyClassifier) -> None:
    body = b"\n".join(
        [
            json.dumps({"text": TEXT, "id": "a"}).encode(),
            b"",
            b'{"text": "Il pleut."}\r',
            b"{oops SECRET",
            b'{"text": ["SECRET"], "id": "c"}',
            b'{"text": "' + b"a" * 501 + b'", "id": 5}',
            b"x" * 5000,
            b'"SECRET"',
            b'{"text": "Il neige.", "id": 0, "more": true}',
        ]
    )
    answer = client.post("/v1/score/stream", content=body, headers=NDJSON)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/x-ndjson")
    first, second, *failed, last = map(json.loads, answer.text.splitlines())
    assert first.pop("id") == "a"
    assert_same(first, classifier.score(TEXT))
    assert_same(second, classifier.score("Il pleut."))
    assert last["id"] == 0 and last["text"] == "Il neige."
    assert [(f["line"], f["error"]["status"]) for f in failed] == [(4, 400), (5, 422), (6, 413), (7, 413), (8, 422)]
    assert failed[1]["id"] == "c"
    assert failed[2]["id"] == 5 and failed[2]["error"]["limit"] == "max_characters"
    assert failed[3]["error"]["limit"] == "max_body_bytes" and failed[3]["error"]["given"] == 5000
    assert "SECRET" not in answer.text


def test_stream_keeps_the_id_of_a_wrong_line(client: TestClient) -> None:
    body = b'{"id": "b", "text": null}\n{"id": 3, "texte": "x"}\n{"id": true, "text": 1}\n[]'
    answer = client.post("/v1/score/stream", content=body, headers=NDJSON)
    null, unknown, invalid, listed = map(json.loads, answer.text.splitlines())
    assert (null["line"], null["id"], null["error"]["errors"][0]["field"]) == (1, "b", "text")
    assert unknown["id"] == 3 and unknown["error"]["detail"].startswith("texte: unknown field; did you mean `text`?")
    assert "id" not in invalid and "id" not in listed


def test_stream_says_what_is_wrong_with_a_line(client: TestClient) -> None:
    wrong = {
        b'{"text": "a", "id": true}': (422, "id: give a string or a whole number"),
        b'{"text": "a", "id": 1.0}': (422, "id: give a string or a whole number"),
        b'{"text": "\xe9"}': (400, "The line is not UTF-8, at byte 11; send it in UTF-8."),
        b'{"text": ': (400, "The line is not valid JSON at character 9: Expecting value."),
    }
    answer = client.post("/v1/score/stream", content=b"\n".join(wrong), headers=NDJSON)
    errors = [json.loads(line)["error"] for line in answer.text.splitlines()]
    assert [(error["status"], error["detail"]) for error in errors] == list(wrong.values())


@pytest.mark.parametrize("body", [b"", b"\n\n", b"\r\n"])
def test_stream_of_nothing(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/score/stream", content=body, headers=NDJSON)
    assert (answer.status_code, answer.content) == (200, b"")


def test_stream_counts_blank_lines(client: TestClient) -> None:
    body = b"\n\r\n \t\n  [1]\n" + b"\n" * 70_000 + b"  \n[2]\n\n \n[3]\r\n  "
    answer = client.post("/v1/score/stream", content=body, headers=NDJSON)
    assert [json.loads(line)["line"] for line in answer.text.splitlines()] == [4, 70_006, 70_009]


def test_stream_cuts_lines_wherever_the_pieces_end(client: TestClient) -> None:
    body = "".join(json.dumps({"text": f"L'été {i}.", "id": i}, ensure_ascii=False) + "\n" for i in range(9)).encode()
    with_pieces = client.post(
        "/v1/score/stream", content=(body[i : i + 7] for i in range(0, len(body), 7)), headers=NDJSON
    )
    assert [json.loads(line)["id"] for line in with_pieces.text.splitlines()] == list(range(9))


def test_stream_answers_while_the_request_still_arrives(classifier: certainty.CertaintyClassifier) -> None:
    with serving(create_app(classifier)) as address, begin_stream(address) as connection:
        answers = connection.makefile("rb")
        for i in range(3):
            send_line(connection, {"text": "Il pleut.", "id": i})
            assert read_answer(answers)["id"] == i
        connection.sendall(b"0\r\n\r\n")


def test_a_client_that_takes_no_answers_is_broken_off() -> None:
    app = create_app(echo(), ServerSettings(timeout=0.5))
    left = 'certainty_requests_total{route="/v1/score/stream",status="499"}'
    with serving(app) as address, httpx2.Client(base_url=address) as client, begin_stream(address) as connection:
        connection.settimeout(0.1)
        while metric(client, left) == 0:
            with suppress(OSError):  # it hears nothing of us any more
                send_line(connection, {"text": "x" * 60_000})
        assert metric(client, "certainty_requests_under_way") == 0


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


# ---- Operation -------------------------------------------------------------------------------------------------------


def test_metrics_count_requests_sentences_and_batches(classifier: certainty.CertaintyClassifier) -> None:
    with TestClient(create_app(classifier)) as client:
        client.post("/v1/score", json={"texts": [TEXT, "Il pleut."]})
        client.post("/v1/score", json={})
        assert metric(client, 'certainty_requests_total{route="/v1/score",status="200"}') == 1
        assert metric(client, 'certainty_requests_total{route="/v1/score",status="422"}') == 1
        assert metric(client, 'certainty_request_seconds_count{route="/v1/score"}') == 2
        assert metric(client, "certainty_sentences_total") == 4
        assert metric(client, "certainty_batch_texts_sum") == 2
        assert metric(client, "certainty_queue_texts") == metric(client, "certainty_requests_under_way") == 0
        assert client.get("/healthz").json() == {"status": "up"}
        assert client.get("/readyz").json() == {"status": "ready"}


def test_answers_stay_out_of_caches_and_frames(client: TestClient) -> None:
    answer = client.post("/v1/score", json={"text": "Il pleut."})
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


# ---- The process -----------------------------------------------------------------------------------------------------


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "certainty", "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found
        yield process, found[0]
        process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_sigterm_answers_what_is_under_way_and_refuses_what_is_new(process: tuple[subprocess.Popen[str], str]) -> None:
    running, address = process
    long_one = "\n".join(f"Le maire numéro {i} aurait démenti SECRET, selon la presse." for i in range(1000))
    with httpx2.Client(base_url=address, timeout=60) as client, ThreadPoolExecutor(1) as pool:
        stream = begin_stream(address)
        answers = stream.makefile("rb")
        send_line(stream, {"text": "Il pleut."})
        assert read_answer(answers)["text"] == "Il pleut."
        answer = pool.submit(httpx2.post, f"{address}/v1/score", json={"text": long_one}, timeout=60)
        wait_for(lambda: metric(client, "certainty_requests_under_way") == 2)
        running.send_signal(signal.SIGTERM)
        assert read_answer(answers)["error"]["status"] == 503
        stream.close()
        wait_for(lambda: client.get("/readyz").status_code == 503)
        problem(client.post("/v1/score", json={"text": "Il pleut."}), 503)
        assert client.get("/healthz").status_code == 200
        assert len(answer.result().json()["sentences"]) == 1000
    _, logged = running.communicate(timeout=30)
    assert running.returncode == 0
    assert "POST /v1/score 200" in logged
    assert "SECRET" not in logged and "Traceback" not in logged


def test_a_port_that_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: 127.0.0.1, port {port}: cannot listen there (") and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "port is '70000'; it must be less than or equal to 65535 (option --port, variable "),
        (["--max-texts", "0"], "max_texts is '0'"),
        (["--timeout", "nan"], "timeout is 'nan'"),
        (["--model", "no/such/model/folder", "--port", "0"], "no such folder"),
    ],
)
def test_options_that_cannot_be_used(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main(["serve", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_the_extra_is_named_where_it_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main(["serve", "--port", "0"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: the server needs fastapi (") and said.endswith("'certainty-fr[server]'.\n")
