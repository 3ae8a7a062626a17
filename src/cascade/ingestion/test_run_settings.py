"""A missing secret is reported with the variable that sets it, and a host that does not answer with what was tried."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import dlt
import pytest
from dlt.common.configuration.specs import ConnectionStringCredentials
from dlt.sources.helpers.requests import Client
from dlt.sources.sql_database import sql_table

from cascade.exceptions import ConfigError, SourceUnreachableError
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion.conftest import ran


def asked_in_the_function() -> object:
    return [{"station": dlt.secrets["sources.weather.token"]}]


@dlt.resource
def resource(token: str = dlt.secrets.value) -> Iterator[dict[str, Any]]:
    yield {"station": token}


def asked_while_rows_are_read() -> object:
    return rows_with_a_secret()


def rows_with_a_secret() -> Iterator[dict[str, Any]]:
    yield {"station": dlt.secrets["sources.weather.token"]}


@pytest.mark.parametrize("function", [asked_in_the_function, asked_while_rows_are_read])
def test_a_missing_secret_is_reported_with_its_variable(lakehouse: Lakehouse, function: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        ran(lakehouse, function=function)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{__file__}:{function.__code__.co_firstlineno}: ")
    assert lines[0].endswith("The workflow reads sources.weather.token through dlt, which is not set.")
    assert lines[1:] == ["Set SOURCES__WEATHER__TOKEN in the environment or in .env."]


def test_a_secret_that_a_resource_declares_is_reported_too(lakehouse: Lakehouse) -> None:
    with pytest.raises(ConfigError, match="reads token through dlt, which is not set"):
        ran(lakehouse, function=lambda: resource())


def test_the_missing_parts_of_a_database_address_are_reported(lakehouse: Lakehouse) -> None:
    def read() -> object:
        return sql_table(credentials=ConnectionStringCredentials(), table="t")

    with pytest.raises(ConfigError, match=r"which is not set\.\nSet .*DRIVERNAME"):
        ran(lakehouse, function=read)


def test_another_error_is_unchanged(lakehouse: Lakehouse) -> None:
    def read() -> object:
        raise KeyError("celsius")

    with pytest.raises(KeyError, match="celsius"):
        ran(lakehouse, function=read)


def test_an_error_among_its_own_causes_is_unchanged(lakehouse: Lakehouse) -> None:
    def raised_again() -> object:
        first, second = OSError("the disk"), ValueError("the row")
        first.__cause__, second.__cause__ = second, first
        raise first

    with pytest.raises(OSError, match="the disk"):
        ran(lakehouse, function=raised_again)


def test_a_host_that_does_not_answer_is_explained_with_the_attempts_of_dlt(lakehouse: Lakehouse) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{found.getsockname()[1]}"

    @dlt.resource(name="stations")
    def stations() -> Iterator[object]:
        yield Client(request_backoff_factor=0.001, request_max_attempts=2).get(f"{address}/rows?token=hunter2").json()

    with pytest.raises(SourceUnreachableError) as caught:
        ran(lakehouse, function=lambda: stations)
    assert f"it refused the connection. {address}/rows was tried 2 times." in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert not list(lakehouse.catalog.load_table("raw.readings").snapshots())
