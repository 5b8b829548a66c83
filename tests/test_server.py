"""The answers of the server: the scores of the library, which model gave them, pages, and metrics."""

from __future__ import annotations

import json

import pytest
from serving import JSON, NDJSON, TEXT, assert_same, metric, problem
from starlette.testclient import TestClient

import certainty
from certainty.server.app import create_app
from certainty.server.schemas import DocumentSchema


@pytest.fixture(scope="module")
def classifier() -> certainty.CertaintyClassifier:
    return certainty.load()


def test_score_gives_the_document_of_the_library(client: TestClient, classifier: certainty.CertaintyClassifier) -> None:
    one = client.post("/v1/score", json={"text": TEXT})
    several = client.post("/v1/score", json={"texts": [TEXT, "", "Il pleut."]})
    assert one.status_code == several.status_code == 200
    assert_same(one.json(), classifier.score(TEXT))
    for given, text in zip(several.json(), (TEXT, "", "Il pleut."), strict=True):
        assert_same(given, classifier.score(text))
    DocumentSchema.model_validate(one.json())
    assert client.post("/v1/score", json={"texts": []}).json() == []


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
