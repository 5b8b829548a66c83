"""Requests made from the OpenAPI document, right and wrong ones: each answer is one that the document promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import negative_data_rejection
from schemathesis.config import SchemathesisConfig
from serving import serving

import certainty
from certainty.server.app import create_app
from certainty.server.schemas import EXAMPLE_DOCUMENT, EXAMPLE_MODEL, DocumentSchema, ServedModelSchema
from certainty.server.settings import ServerSettings

SETTINGS = ServerSettings(max_characters=200, max_texts=5, batch_delay=0)

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "generation": {"deterministic": True, "database": "none"},
        # A text above its `maxLength` is answered 413.
        "checks": {"negative_data_rejection": {"expected-statuses": [400, 413, 415, 422]}},
    }
)
document = schemathesis.openapi.from_dict(
    create_app(cast(certainty.CertaintyClassifier, None), SETTINGS).openapi(),  # it is the same with any model
    config=CONFIG,
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(create_app(certainty.load(), SETTINGS)) as address:
        yield address


@document.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_server_keeps_what_its_document_promises(case: schemathesis.Case, address: str) -> None:
    # On the streaming route an error is a line of the answer.
    lines = case.path == "/v1/score/stream"
    case.call_and_validate(base_url=address, excluded_checks=[negative_data_rejection] if lines else [])


def test_every_route_has_examples_of_its_answers(address: str) -> None:
    found = httpx2.get(f"{address}/openapi.json").json()
    assert set(found["paths"]) == {
        "/v1/score",
        "/v1/view",
        "/v1/score/stream",
        "/v1/model",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    for path, methods in found["paths"].items():
        for method, route in methods.items():
            if method == "post":
                assert {"415", "500", "503"} <= set(route["responses"])
            for status, answer in route["responses"].items():
                if status == "200":
                    assert path in ("/healthz", "/readyz") or "example" in next(iter(answer["content"].values()))
                else:
                    example = answer["content"]["application/problem+json"]["example"]
                    assert example["status"] == int(status) and example["detail"]


def test_the_examples_are_true() -> None:
    DocumentSchema.model_validate(EXAMPLE_DOCUMENT)
    ServedModelSchema.model_validate(EXAMPLE_MODEL)
    untold = dict.fromkeys(("claim_probability", "is_claim", "attributed"))  # of a model that was not taught
    sentences = [{**EXAMPLE_DOCUMENT["sentences"][0], **untold}]
    DocumentSchema.model_validate({**EXAMPLE_DOCUMENT, "sentences": sentences})
    text, [sentence] = EXAMPLE_DOCUMENT["text"], EXAMPLE_DOCUMENT["sentences"]
    scored = certainty.score(text)[0]
    assert (scored.end, scored.label, scored.attributed) == (sentence["end"], sentence["label"], sentence["attributed"])
    assert [cue._asdict() for cue in scored.cues] == sentence["cues"]
