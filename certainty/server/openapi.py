"""The OpenAPI document: that of FastAPI, with the errors of each route and the limits of this server."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from certainty.server import keys
from certainty.server.problems import PROBLEM_TYPE, ProblemError, too_large
from certainty.server.schemas import EXAMPLE_DOCUMENT, EXAMPLE_TEXT, Problem
from certainty.server.settings import ServerSettings

_EXAMPLES = {
    400: ProblemError(400, "The body is not valid JSON at character 14: Expecting value."),
    401: ProblemError(401, "This server asks for its API key; send it as `Authorization: Bearer KEY`."),
    408: ProblemError(408, "The body did not arrive in time.", limit="timeout", maximum=60),
    413: too_large("max_characters", 100_000, 250_000, "Characters of the text"),
    415: ProblemError(415, "This route takes application/json; send it with the header Content-Type."),
    422: ProblemError(
        422,
        "txt: unknown field; did you mean `text`?",
        errors=[{"field": "txt", "message": "unknown field; did you mean `text`?"}],
    ),
    500: ProblemError(500, "The server failed on this request; its log says where."),
    503: ProblemError(503, "The server is busy; ask again in a moment.", limit="max_requests", maximum=64, given=65),
    504: ProblemError(504, "The text was not scored within 60 seconds (timeout).", limit="timeout", maximum=60),
}
_MEANINGS = {
    400: "Malformed JSON or damaged gzip",
    401: "The API key is missing or wrong",
    408: "The body arrived too slowly",
    413: "A size limit is exceeded",
    415: "The route does not take this content type or encoding",
    422: "The JSON does not have the form that the route takes",
    500: "A bug in the server",
    503: "The server is busy or shutting down; see Retry-After",
    504: "Not scored in time",
}
JSON_ERRORS = (400, 401, 408, 413, 415, 422, 500, 503, 504)

LINES_IN = json.dumps({"id": "a", "text": EXAMPLE_TEXT}, ensure_ascii=False) + '\n{"id": "b", "text": 7}\n'
LINES_OUT = "".join(
    json.dumps(line, ensure_ascii=False) + "\n"
    for line in (
        {"id": "a", **EXAMPLE_DOCUMENT},
        {"line": 2, "error": {"status": 422, "detail": "text: input should be a valid string"}},
    )
)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of a route, by status."""
    return {status: _error(status) for status in statuses}


def _error(status: int) -> dict[str, Any]:
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _EXAMPLES[status].to_dict()}
    described: dict[str, Any] = {"description": _MEANINGS[status], "content": {PROBLEM_TYPE: content}}
    if status == 503:
        described["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return described


def install(app: FastAPI, settings: ServerSettings) -> None:
    """Make the app describe itself with its limits."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
                servers=app.servers or None,
            )
            schemas = document["components"]["schemas"]
            schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schemas["Problem"].pop("$defs"))
            for name in ("ScoreRequest", "ViewRequest"):
                _limit(schemas[name]["properties"], settings)
            if settings.api_key:
                _ask_for_key(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as the documentation of FastAPI recommends


def _limit(properties: dict[str, Any], settings: ServerSettings) -> None:
    properties["text"]["maxLength"] = settings.max_characters
    if "texts" in properties:
        properties["texts"]["maxItems"] = settings.max_texts
        properties["texts"]["items"]["maxLength"] = settings.max_characters
        properties["sentences"]["maxItems"] = settings.max_sentences
        properties["sentences"]["items"]["maxLength"] = settings.max_characters


def _ask_for_key(document: dict[str, Any]) -> None:
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": keys.HEADER},
    }
    for path, methods in document["paths"].items():
        for operation in methods.values() if path not in keys.OPEN else ():
            operation["security"] = [{"bearer": []}, {"header": []}]
