"""The path under which a reverse proxy serves the app."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class RootPath:
    """ASGI middleware that tells the app under which path it is served, whether or not the proxy strips the path."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app, self._root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            path = scope["path"]
            scope = {
                **scope,
                "root_path": self._root,
                "path": path if _is_within(path, self._root) else self._root + path,
            }
        await self._app(scope, receive, send)


def route_path(scope: Scope) -> str:
    """Return the path of a request without the root path, as the routes define it."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) or "/" if _is_within(path, root) else path


def _is_within(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")
