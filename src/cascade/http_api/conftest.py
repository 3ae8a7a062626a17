"""An API over a lakehouse, without a server and without a project."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cascade.drawing.graph import Graph
from cascade.http_api.app import create_app
from cascade.http_api.served import ServedProject
from cascade.iceberg import Lakehouse
from cascade.iceberg.conftest import lakehouse

__all__ = ["Api", "api", "lakehouse"]

LOOPBACK = "http://127.0.0.1:8000"


class Api:
    """Starts apps over one project, and remembers what they log.

    Args:
        served: the project.
    """

    def __init__(self, served: ServedProject) -> None:
        self.served = served
        self.logged: list[Exception] = []

    def __call__(self, token: str | None = None, base_url: str = LOOPBACK) -> TestClient:
        """Return a client of an app."""
        secret = None if token is None else SecretStr(token)
        return TestClient(create_app(self.served, secret, self.logged.append), base_url=base_url)


@pytest.fixture
def api(lakehouse: Lakehouse) -> Iterator[Api]:
    """Serve a lakehouse with one table of three rows."""
    lakehouse.catalog.create_namespace("raw")
    rows = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", None, "ü 'x'"], "email": ["q", "r", "s"]})
    lakehouse.catalog.create_table("raw.people", schema=rows.schema).append(rows)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Api(
            ServedProject(
                "people",
                lakehouse,
                instance,
                declarations=(),
                states=lambda declarations: [],
                draw=lambda: Graph.of("people", (), ()),
                sensitive={"raw.people": frozenset({"email"})},
            )
        )
