"""Time, count and log every request, but not its text; answer 500 on an unexpected exception."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Collection

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certainty.server.metrics import Metrics
from certainty.server.paths import route_path
from certainty.server.problems import ProblemError, problem_response

logger = logging.getLogger(__name__)
CLIENT_LEFT = 499  # as nginx logs it
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


class Access:
    """ASGI middleware that wraps all others.

    The log names the route and never the URL, which may contain a text.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Collection[str]) -> None:
        self._app, self._metrics, self._routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            status = CLIENT_LEFT
        except Exception as bug:
            log_bug(bug)
            if not status:
                problem = ProblemError(500, "The server failed on this request; its log says where.")
                await problem_response(problem)(scope, receive, watched)
        finally:
            self._record(scope, status or CLIENT_LEFT, time.perf_counter() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        path = route_path(scope)
        route = path if path in self._routes else "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        logger.info("%s %s %d %.3f s", method, route, status, seconds)


def log_bug(bug: Exception) -> None:
    """Log the type and the traceback of an exception, but not its message, which may quote a text."""
    frames = "".join(traceback.format_tb(bug.__traceback__))
    logger.error("%s\n%s", type(bug).__name__, frames.rstrip())
