from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import pytest
from pydantic import AwareDatetime, BaseModel, Field
from typing_extensions import TypeAliasType

from cascade.exceptions import DeclarationError
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ran, table_rows
from cascade.ingestion.dispositions import table_schema
from cascade.runs.report import RunReport


class Order(BaseModel):
    id: int
    updated_at: AwareDatetime
    total: int | None = Field(None, ge=0)
    deleted: bool = False
    gone_on: date | None = None


def order(id: int, minute: int, **more: object) -> dict[str, Any]:
    return {"id": id, "updated_at": datetime(2024, 1, 1, 12, minute, tzinfo=UTC), **more}


def orders(lakehouse: Lakehouse, *rows: object, **arguments: Any) -> RunReport:
    of_orders: dict[str, Any] = {"table_name": "orders", "unique_key": "id", "validation_schema": Order}
    return ran(lakehouse, *rows, **of_orders, **arguments)


def totals(lakehouse: Lakehouse) -> dict[int, int | None]:
    return {row["id"]: row["total"] for row in table_rows(lakehouse, "orders")}


def test_a_true_hard_delete_removes_the_key_and_does_not_land(lakehouse: Lakehouse) -> None:
    orders(lakehouse, order(1, 0, total=1), order(2, 0, total=2), hard_delete="deleted")
    batch = [order(1, 1, deleted=True), order(2, 1, total=3), order(3, 1, deleted=True)]
    report = orders(lakehouse, *batch, hard_delete="deleted")
    assert totals(lakehouse) == {2: 3}
    assert (report.rows_good, report.rows_inserted, report.rows_updated, report.rows_removed) == (3, 0, 1, 1)
    assert (report.partition_rows, report.table_rows) == (1, 1)
    assert [row["id"] for row in report.sample.rows] == [2]
    assert not orders(lakehouse, *batch, hard_delete="deleted").committed
    assert report == RunReport.from_metadata(report.to_metadata())


def test_any_value_of_another_type_removes_the_key(lakehouse: Lakehouse) -> None:
    orders(lakehouse, order(1, 0, total=1), order(2, 0, total=2), hard_delete="gone_on")
    orders(lakehouse, order(1, 1, gone_on=date(2024, 1, 2)), order(2, 1, total=5), hard_delete="gone_on")
    assert totals(lakehouse) == {2: 5}


def test_the_last_row_of_a_key_decides_whether_it_is_removed(lakehouse: Lakehouse) -> None:
    orders(lakehouse, order(1, 0, deleted=True), order(1, 0, total=1), hard_delete="deleted")
    assert totals(lakehouse) == {1: 1}
    orders(lakehouse, order(1, 0, total=2), order(1, 0, deleted=True), hard_delete="deleted")
    assert totals(lakehouse) == {}


def test_an_older_version_never_replaces_a_newer_one(lakehouse: Lakehouse) -> None:
    sorted_by_time: dict[str, Any] = {"dedup_sort": "updated_at", "hard_delete": "deleted"}
    orders(lakehouse, order(1, 5, total=5), order(1, 3, total=3), **sorted_by_time)
    assert totals(lakehouse) == {1: 5}
    late = orders(lakehouse, order(1, 4, total=4), order(2, 4, total=4), **sorted_by_time)
    assert totals(lakehouse) == {1: 5, 2: 4}
    assert (late.rows_inserted, late.rows_updated, late.partition_rows) == (1, 0, 1)
    assert not orders(lakehouse, order(1, 4, deleted=True), **sorted_by_time).committed
    orders(lakehouse, order(1, 5, total=6), order(2, 9, deleted=True), **sorted_by_time)
    assert totals(lakehouse) == {1: 6}


@pytest.mark.parametrize(
    ("bad_at", "total"),
    [
        pytest.param(1, 5, id="the refused row is older"),
        pytest.param(9, None, id="the refused row is newer"),
        pytest.param(5, None, id="as old, and given later"),
    ],
)
def test_the_newest_version_decides_even_if_it_is_refused(lakehouse: Lakehouse, bad_at: int, total: int | None) -> None:
    orders(lakehouse, order(1, 5, total=5), order(1, bad_at, total=-1), order(2, 0), dedup_sort="updated_at")
    assert totals(lakehouse).get(1) == total
    orders(lakehouse, order(3, bad_at, total=-1), order(3, 5, total=5), order(4, 0), dedup_sort="updated_at")
    assert totals(lakehouse).get(3) == (None if bad_at == 9 else 5)


Item = TypeVar("Item")
Several = TypeAliasType("Several", list[Item], type_params=(Item,))


class Scored(BaseModel):
    id: int
    scores: Several[int]


def test_a_version_without_an_order_is_refused_before_the_run_once_its_type_is_known() -> None:
    @cascade_ingestion(table_name="scored", unique_key="id", validation_schema=Scored, dedup_sort="scores")
    def scored() -> None: ...

    said = 'dedup_sort: "scores" is a list in Scored, whose values have no order; use a time, a number or a string.'
    with pytest.raises(DeclarationError, match=re.escape(said)):
        table_schema(scored.declaration)


def test_a_refused_row_whose_version_is_wrong_is_compared_by_its_place(lakehouse: Lakehouse) -> None:
    unreadable = {**order(1, 0), "updated_at": "yesterday"}
    orders(lakehouse, order(1, 5, total=5), unreadable, unreadable | {"id": 2}, order(2, 5), dedup_sort="updated_at")
    assert totals(lakehouse) == {2: None}
