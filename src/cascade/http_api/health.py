"""Whether the server works, for load balancers. These routes need no token and tell nothing else."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from cascade.http_api import models
from cascade.http_api.answers import Document
from cascade.http_api.served import Served

router = APIRouter(prefix="/health", tags=["health"])


@router.get("", response_model=models.Health, summary="Whether the server runs")
async def is_alive() -> Response:
    """Answer at once, whatever the lakehouse does."""
    return Document({"status": "ok"})


@router.get(
    "/ready",
    response_model=models.Health,
    responses={503: {"model": models.Health, "description": "The catalog does not answer."}},
    summary="Whether the catalog answers",
)
def is_ready(served: Served) -> Response:
    """Ask the catalog, at most every five seconds, whoever asks this."""
    if served.answers():
        return Document({"status": "ok"})
    return JSONResponse({"status": "unavailable"}, HTTPStatus.SERVICE_UNAVAILABLE, {"Cache-Control": "no-store"})
