"""Set headers that limit what a browser may do with an answer."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certainty.server.page import API_POLICY, DOCS_POLICY


class Headers:
    """ASGI middleware that sets the strictest policy unless an answer has its own, and keeps texts out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                docs = getattr(scope.get("route"), "path", "") == "/docs"
                headers.setdefault("Content-Security-Policy", DOCS_POLICY if docs else API_POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                if scope["method"] == "POST":
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
