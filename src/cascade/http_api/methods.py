"""The API only reads: it answers GET and HEAD, and refuses every other method before anything else sees it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from cascade.http_api.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READING = ("GET", "HEAD")


class OnlyReading:
    """Middleware that answers HEAD as GET without the body, and no method that could change something.

    Args:
        app: the app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http" or scope["method"] == "GET":
            await self._app(scope, receive, send)
            return
        if scope["method"] not in _READING:
            refused = problem(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"This API only reads, so it takes GET and HEAD, not {scope['method']}.",
                {"Allow": ", ".join(_READING)},
            )
            await refused(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, without_body)
