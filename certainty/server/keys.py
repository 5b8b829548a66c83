"""Check the API key of requests, if the server has one."""

from __future__ import annotations

import secrets

from starlette.authentication import AuthenticationBackend, AuthenticationError
from starlette.requests import HTTPConnection
from starlette.responses import Response

from certainty.server.paths import route_path
from certainty.server.problems import ProblemError, problem_response

OPEN = ("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics")
"""Paths that are answered without the key; none of them scores a text."""
HEADER = "X-API-Key"


class ApiKey(AuthenticationBackend):
    """Accept only requests with the key, sent as `Authorization: Bearer …` or as `X-API-Key: …`.

    As ASGI middleware, it checks the key before the body is read and before the request is counted as under way.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    async def authenticate(self, conn: HTTPConnection) -> None:
        """Check the key, in constant time.

        Raises:
            AuthenticationError: If the key is missing or wrong.
        """
        path = route_path(conn.scope)
        if path in OPEN or path.startswith("/docs/"):
            return
        scheme, _, bearer = conn.headers.get("Authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else conn.headers.get(HEADER, "")
        if not secrets.compare_digest(given.encode(), self._key):
            raise AuthenticationError("Wrong API key; " if given else "This server asks for its API key; ")


def on_wrong_key(conn: HTTPConnection, error: AuthenticationError) -> Response:
    """Answer a request whose key is missing or wrong."""
    detail = f"{error}send it as `Authorization: Bearer KEY` or as `{HEADER}: KEY`."
    return problem_response(ProblemError(401, detail, {"WWW-Authenticate": "Bearer"}))
