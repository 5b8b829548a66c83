"""`/v1/score/stream`: an answer to each line, in order, while the request still arrives."""

from __future__ import annotations

import json
from contextlib import suppress

import httpx2
import pytest
from serving import NDJSON, TEXT, assert_same, begin_stream, echo, metric, read_answer, send_line, serving
from starlette.testclient import TestClient

import certainty
from certainty.server.app import create_app
from certainty.server.settings import ServerSettings


@pytest.fixture(scope="module")
def classifier() -> certainty.CertaintyClassifier:
    return certainty.load()


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
