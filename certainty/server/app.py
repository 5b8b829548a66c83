"""The HTTP app: its routes and its middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, StreamingResponse
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware

import certainty
from certainty.classifier import CertaintyClassifier
from certainty.labels import Label
from certainty.server import keys, openapi, page
from certainty.server.access import Access
from certainty.server.answers import answer, chosen, encoded
from certainty.server.compression import CompressedAnswers, CompressedBodies
from certainty.server.headers import Headers
from certainty.server.hosts import AllowedHosts
from certainty.server.limits import Admission, JsonRoute, shutting_down
from certainty.server.paths import RootPath
from certainty.server.problems import on_http_exception, on_invalid
from certainty.server.schemas import (
    EXAMPLE_DOCUMENT,
    EXAMPLE_MODEL,
    DocumentSchema,
    ScoreRequest,
    ServedModelSchema,
    Status,
    ViewRequest,
)
from certainty.server.service import Service, while_connected
from certainty.server.settings import ServerSettings
from certainty.server.stream import NDJSON, stream_lines

STREAM = "/v1/score/stream"
_DESCRIPTION = """How French sentences commit themselves to what they claim: asserted, probable, personal opinion or
denied. Offsets count Unicode code points. An error is a problem document (RFC 9457) that names the limit and its
value, or the field that is wrong. This server takes {max_characters:,} characters a text, {max_texts:,} texts and
{max_sentences:,} sentences a request, {max_body_bytes:,} bytes a body and {max_requests:,} requests at a time."""


def create_app(classifier: CertaintyClassifier, settings: ServerSettings | None = None) -> FastAPI:
    """Return the app that scores with a classifier.

    Args:
        classifier: The opened model.
        settings: Limits and access; None reads them from the environment, or takes the defaults.
    """
    service = Service(classifier, settings or ServerSettings())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.batcher.start()
        yield
        service.gate.closing.set()
        await service.batcher.stop()

    app = FastAPIOffline(
        redoc_url=None,
        static_url="/docs/assets",
        title="certainty",
        version=certainty.__version__,
        summary="How a French text commits itself to what it claims.",
        description=_DESCRIPTION.format(**dict(service.settings)),
        lifespan=lifespan,
    )
    for route in app.routes:
        if isinstance(route, APIRoute) and route.methods is not None:  # /docs: FastAPI answers it only to GET
            route.methods.add("HEAD")
    app.state.service = service
    app.state.settings = service.settings
    app.add_exception_handler(StarletteHTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_invalid)
    routes = {"/docs", "/openapi.json"}
    for router in (_scoring(service), _streaming(service), _model(service), _operation(service), _pages()):
        app.include_router(router)
        routes.update(route.path for route in router.routes if isinstance(route, APIRoute))
    _add_middleware(app, service, routes)
    openapi.install(app, service.settings)
    return app


def _add_middleware(app: FastAPI, service: Service, routes: Collection[str]) -> None:
    """Add the middleware; a request passes the last one added first."""
    settings = service.settings
    app.add_middleware(CompressedBodies)
    app.add_middleware(CompressedAnswers, streaming=STREAM)
    app.add_middleware(Admission, gate=service.gate)
    if settings.api_key:
        key = settings.api_key.get_secret_value()
        app.add_middleware(AuthenticationMiddleware, backend=keys.ApiKey(key), on_error=keys.on_wrong_key)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Authorization", "Content-Encoding", "Content-Type", keys.HEADER],
            expose_headers=["Retry-After"],
        )
    if settings.allowed_hosts:
        app.add_middleware(AllowedHosts, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(Headers)
    app.add_middleware(Access, metrics=service.metrics, routes=routes)
    if settings.root_path:
        app.add_middleware(RootPath, root=settings.root_path)


def _scoring(service: Service) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["scoring"], route_class=JsonRoute)

    @router.post(
        "/score",
        summary="Score a text, or several",
        response_model=DocumentSchema | list[DocumentSchema],
        responses={
            200: {"content": {"application/json": {"example": EXAMPLE_DOCUMENT}}},
            **openapi.errors(*openapi.JSON_ERRORS),
        },
    )
    async def score(body: ScoreRequest, request: Request) -> Response:
        """Return a document for `text` or `sentences`, or a list of them for `texts`: each sentence with its label."""
        if "sentences" in body.model_fields_set:
            content: Any = answer(await while_connected(request, service.score_sentences(body.sentences)), body)
        elif "texts" in body.model_fields_set:
            documents = await while_connected(request, service.score(body.texts))
            content = [answer(document, body) for document in documents]
        else:
            [document] = await while_connected(request, service.score([body.text]))
            content = answer(document, body)
        return Response(encoded(content), media_type="application/json")

    policy = page.view_policy()

    @router.post(
        "/view",
        summary="Show the scores of a text as a page",
        response_class=HTMLResponse,
        responses={
            200: {"content": {"text/html": {"example": "<!DOCTYPE html>…"}}},
            **openapi.errors(*openapi.JSON_ERRORS),
        },
    )
    async def view(body: ViewRequest, request: Request) -> Response:
        """Return a self-contained HTML page of the text, with its sentences tinted by label."""
        [document] = await while_connected(request, service.score([body.text]))
        page = chosen(document, body).to_html(body.min_confidence, lang=body.lang)
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    return router


def _streaming(service: Service) -> APIRouter:
    router = APIRouter(tags=["scoring"])

    @router.post(
        STREAM,
        summary="Score JSON Lines as they arrive",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "One line for each line of the request, in order: the document with the line's `id`, or "
                "an `error` (a problem) with the number of the `line`.",
                "content": {NDJSON[0]: {"schema": {"type": "string"}, "example": openapi.LINES_OUT}},
            },
            **openapi.errors(400, 401, 408, 415, 500, 503),
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "One JSON object per line: `text` or `sentences`, and optionally `id`, `min_confidence` "
                "and `claims_only`. There may be any number of lines; read the answers while you send.",
                "content": {NDJSON[0]: {"schema": {"type": "string"}, "example": openapi.LINES_IN}},
            }
        },
    )
    async def stream(request: Request) -> Response:
        """Score one text per line, in order and in constant memory, as long as lines arrive."""
        return await stream_lines(request, service)

    return router


def _model(service: Service) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["operation"])

    @router.head("/model", include_in_schema=False)
    @router.get(
        "/model",
        summary="Which model gives the scores?",
        responses={200: {"content": {"application/json": {"example": EXAMPLE_MODEL}}}, **openapi.errors(401)},
    )
    async def model() -> ServedModelSchema:
        """Return name, version, digest and heads of the model, as each scored document has them."""
        served = await service.model()
        return ServedModelSchema(**served.to_dict(), labels=list(Label), certainty=certainty.__version__)

    return router


def _operation(service: Service) -> APIRouter:
    router = APIRouter(tags=["operation"])

    # Load balancers and monitors use HEAD.
    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", summary="Is the process up?")
    async def healthz() -> Status:
        """Return 200 as long as the process answers."""
        return Status(status="up")

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", summary="Does it take requests?", responses=openapi.errors(503))
    async def readyz() -> Status:
        """Return 200 once the model is loaded, 503 while the server shuts down."""
        if service.gate.closing.is_set():
            raise shutting_down()
        return Status(status="ready")

    @router.head("/metrics", include_in_schema=False)
    @router.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={
            200: {
                "description": "Prometheus' text format",
                "content": {"text/plain": {"schema": {"type": "string"}, "example": "certainty_sentences_total 4.0\n"}},
            }
        },
    )
    async def metrics() -> Response:
        """Return counts of requests by route and status, their durations, sentences, waiting texts and batch sizes."""
        return Response(service.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _pages() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    content = page.load_page()
    headers = {"Content-Security-Policy": page.page_policy(content)}

    @router.head("/")
    @router.get("/", response_class=HTMLResponse)
    async def index() -> Response:
        return HTMLResponse(content, headers=headers)

    return router
