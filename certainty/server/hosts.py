"""Refuse requests that are addressed to another host, as those of a page that has its own name lead here."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from certainty.server.paths import route_path
from certainty.server.problems import ProblemError, problem_response

PROBES = ("/healthz", "/readyz")
"""Paths that are answered for any host, since a container or an orchestrator asks for them by address."""


class AllowedHosts:
    """ASGI middleware that refuses as `TrustedHostMiddleware` does, but with a problem, not with plain text."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self._app, self._allowed = app, allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        accepted = scope["type"] == "http" and route_path(scope) in PROBES

        async def accept(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal accepted
            accepted = True

        async def drop(message: object) -> None:
            """Send nothing."""

        if not accepted:
            await TrustedHostMiddleware(accept, self._allowed, www_redirect=False)(scope, receive, drop)
        if accepted:
            await self._app(scope, receive, send)
            return
        detail = (
            "This server does not answer to the host of this request; use one of its allowed hosts (allowed_hosts)."
        )
        await problem_response(ProblemError(400, detail))(scope, receive, send)
