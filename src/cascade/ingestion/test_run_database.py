"""Runs of workflows that read a database."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from dlt.sources.sql_database import sql_table
from pydantic import BaseModel

from cascade.exceptions import SourceError
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion.conftest import ran, table_rows


class Order(BaseModel):
    order_id: str
    placed_on: date


ARGUMENTS: dict[str, Any] = {
    "validation_schema": Order,
    "unique_key": "order_id",
    "partitions": None,
    "partition_start": None,
    "key": None,
}


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", os.fspath(tmp_path / "dlt-data"))
    with sqlite3.connect(tmp_path / "shop.sqlite") as connection:
        connection.execute("create table orders (order_id text, placed_on date, paid_at timestamp)")
        connection.executemany(
            "insert into orders values (?, ?, ?)",
            [("a", "2024-01-01", "2024-01-01 00:00:00"), ("b", "0000-00-00", None)],
        )
    return f"sqlite:///{tmp_path}/shop.sqlite"


def through_dlt(database: str) -> Any:
    return sql_table(database, table="orders")


def through_dlt_as_arrow(database: str) -> Any:
    return sql_table(database, table="orders", backend="pyarrow")


def by_itself(database: str) -> Iterator[Any]:
    engine = sqlalchemy.create_engine(database)
    orders = sqlalchemy.Table("orders", sqlalchemy.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        result = connection.execute(sqlalchemy.select(orders).where(orders.c.order_id != "c"))
        for row in result:
            yield dict(row._mapping)


@pytest.mark.parametrize("read", [through_dlt, through_dlt_as_arrow, by_itself])
def test_a_value_that_cannot_be_read_is_named_with_its_row_and_column(
    lakehouse: Lakehouse, database: str, read: Callable[[str], Any]
) -> None:
    with pytest.raises(SourceError) as caught:
        ran(lakehouse, function=lambda: read(database), **ARGUMENTS)
    assert """the database returned '0000-00-00' in the column "placed_on", which cannot be read""" in str(caught.value)
    assert "The row is ('b', '0000-00-00', None)." in str(caught.value)
    assert "test_run_database.py:" in str(caught.value)
    assert 'table.c["placed_on"].type = sqlalchemy.String()' in str(caught.value)


def test_the_hint_of_that_error_refuses_the_row_and_lands_the_others(lakehouse: Lakehouse, database: str) -> None:
    def as_text(table: Any) -> None:
        table.c["placed_on"].type = sqlalchemy.String()

    def orders() -> Any:
        return sql_table(database, table="orders", table_adapter_callback=as_text)

    result = ran(lakehouse, function=orders, **ARGUMENTS)
    assert [row.field for row in result.refused] == ["placed_on"]
    assert table_rows(lakehouse) == [{"order_id": "a", "placed_on": date(2024, 1, 1)}]


def test_an_error_of_the_workflow_is_not_changed(lakehouse: Lakehouse, database: str) -> None:
    def orders() -> Iterator[Any]:
        engine = sqlalchemy.create_engine(database)
        with engine.connect() as connection:
            result = connection.execute(sqlalchemy.text("select order_id from orders"))
            for row in result:
                yield {"order_id": int(row.order_id)}

    with pytest.raises(ValueError, match="invalid literal for int"):
        ran(lakehouse, function=orders, **ARGUMENTS)
