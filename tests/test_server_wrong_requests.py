"""Requests that the server cannot take: each is explained, and no word of them is logged."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from serving import JSON, NDJSON, problem
from starlette.testclient import TestClient

import certainty
from certainty.server.app import create_app


@pytest.fixture(scope="module")
def classifier() -> certainty.CertaintyClassifier:
    return certainty.load()


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
