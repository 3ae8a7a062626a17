"""Errors as documents of the type `application/problem+json`, without tracebacks.

Source: RFC 9457, "Problem Details for HTTP APIs".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError, ConfigError, UsageError
from cascade.iceberg.catalog_errors import explain_catalog_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
_UNREACHABLE = frozenset({"ConnectionError", "Timeout", "OperationalError"})
"""The names of the errors of requests and SQLAlchemy for a server that does not answer."""


class Problem(BaseModel):
    """What is wrong with a request, or what the server could not do."""

    type: str = Field(default="about:blank", description="Always `about:blank`: the status says what kind it is.")
    title: str = Field(description="The name of the status.", examples=["Not Found"])
    status: int = Field(description="The status of the answer.", examples=[404])
    detail: str = Field(
        description="What is wrong, in whole sentences.",
        examples=['There is no table "raw.flihgts". Did you mean "raw.flights"?'],
    )


class ProblemError(Exception):
    """A request that cannot be answered.

    Args:
        status: the status of the answer.
        detail: what is wrong, in whole sentences.
        headers: headers of the answer.
    """

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer for a problem.

    Args:
        status: the status of the answer.
        detail: what is wrong. Secrets in it are masked.
        headers: headers of the answer.
    """
    title = HTTPStatus(status).phrase
    found = Problem(title=title, status=status, detail=mask_secrets(detail))
    return JSONResponse(
        found.model_dump(), status, headers={"Cache-Control": "no-store", **(headers or {})}, media_type=MEDIA_TYPE
    )


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of a route for OpenAPI.

    Args:
        statuses: their statuses.
    """
    return {
        int(status): {"model": Problem, "description": status.phrase, "content": {MEDIA_TYPE: {}}}
        for status in statuses
    }


def add_handlers(app: FastAPI, failed: Callable[[Exception], None]) -> None:
    """Let an app answer every error with a problem.

    Args:
        app: the app.
        failed: takes the errors that are not mistakes of a client.
    """

    async def of_problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ProblemError)
        return problem(error.status, error.detail, error.headers)

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        detail = str(error.detail)
        if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
            detail = "There is nothing at this path. /openapi.json describes the API."
        return problem(error.status_code, detail, error.headers)

    async def of_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, " ".join(_sentence(each) for each in error.errors()))

    async def of_cascade(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, CascadeError)
        if isinstance(error, UsageError) and not isinstance(error, ConfigError):
            return problem(HTTPStatus.BAD_REQUEST, " ".join(filter(None, (error.message, error.hint))))
        failed(error)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.message)

    app.add_exception_handler(ProblemError, of_problem)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(CascadeError, of_cascade)


def _sentence(error: Mapping[str, Any]) -> str:
    where, *path = error["loc"]
    name = ".".join(str(part) for part in path)
    return f'The {where} parameter "{name}" is wrong: {error["msg"]}.' if where in ("query", "path") else error["msg"]


class UnexpectedErrors:
    """Middleware that answers with a problem if the catalog does not answer or the app fails. It logs no traceback.

    Args:
        app: the app.
        failed: takes the error.
        catalog: the address of the catalog.
    """

    def __init__(self, app: ASGIApp, failed: Callable[[Exception], None], catalog: str) -> None:
        self._app = app
        self._failed = failed
        self._catalog = catalog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            self._failed(error)
            if started:
                raise
            await self._answer(error)(scope, receive, send)

    def _answer(self, error: Exception) -> JSONResponse:
        if _UNREACHABLE.isdisjoint(kind.__name__ for kind in type(error).__mro__):
            return problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed unexpectedly. Its standard error says how."
            )
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{explain_catalog_error(self._catalog, error).message}.")
