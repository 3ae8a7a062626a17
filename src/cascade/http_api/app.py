"""The app: its routes, who may read them, and how it describes itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI
from pydantic import SecretStr

from cascade.http_api import health, quality, rows, tables, workflows
from cascade.http_api.access import access
from cascade.http_api.methods import OnlyReading
from cascade.http_api.problems import MEDIA_TYPE, UnexpectedErrors, add_handlers, responses
from cascade.http_api.served import ServedProject
from cascade.version import __version__

MOST_AT_ONCE = 8
"""How many requests are answered at once. The others wait, so that memory is bounded by this many pages."""

_DESCRIPTION = """\
The tables of a Cascade project, for reading: schemas, snapshots, rows by page, the states of partitions, checks, and
lineage. Errors are documents of the type `application/problem+json`. Times are in UTC.
"""


_EVERYWHERE = responses(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Describe the API, with problems in the media type that they have."""
        document = super().openapi()
        for methods in document["paths"].values():
            for operation in methods.values():
                for answer in operation["responses"].values():
                    content = answer.get("content", {})
                    if MEDIA_TYPE in content:
                        answer["content"] = {MEDIA_TYPE: content.pop("application/json", content[MEDIA_TYPE])}
        return document


def create_app(served: ServedProject, token: SecretStr | None, failed: Callable[[Exception], None]) -> FastAPI:
    """Create the app.

    Args:
        served: the project.
        token: the token that requests must have; None to answer those to a loopback address.
        failed: takes the errors that are not mistakes of a client, to log them.
    """
    app = _App(
        title=f"Cascade: {served.name}",
        version=__version__,
        description=_DESCRIPTION,
        # Their pages load scripts from other sites, which a server without a network cannot, and others should not.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        lifespan=_lifespan,
    )
    app.state.served = served
    add_handlers(app, failed)
    app.include_router(health.router)
    api = APIRouter(prefix="/v1", dependencies=[Depends(access(token))], responses=_EVERYWHERE)
    for router in (tables.router, rows.router, workflows.router, quality.router):
        api.include_router(router)
    app.include_router(api)
    # The last one sees a request first.
    app.add_middleware(UnexpectedErrors, failed=failed, catalog=served.lakehouse.uri)
    app.add_middleware(OnlyReading)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = MOST_AT_ONCE
    yield
