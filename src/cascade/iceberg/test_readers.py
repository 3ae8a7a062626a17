"""Every reader sees the same rows after every kind of change: pyiceberg, Polars, and DuckDB through our relation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, FloatType, IntegerType, LongType, NestedField, StringType

from cascade.declarations import PartitionField
from cascade.iceberg.append import append_rows
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.hidden import HIDDEN, hidden_properties, with_hidden
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.merge.versions import Versions
from cascade.iceberg.query import run_query
from cascade.iceberg.replace import WholeTable, replace_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "seen")
BY_POSITION = Costs(small_rows=0, deleted_share=0.99)
NARROW = Schema(
    NestedField(1, "id", IntegerType(), required=True),
    NestedField(2, "value", FloatType(), required=True),
    NestedField(3, "gone", LongType(), required=False),
    identifier_field_ids=[1],
)
WIDE = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "value", DoubleType(), required=False),
    NestedField(3, "gone", LongType(), required=False),
    NestedField(4, "note", StringType(), required=False),
    identifier_field_ids=[1],
)
Rows = list[tuple[Any, ...]]


def rows(ids: range, value: float | None = 1.0, **more: Any) -> pa.Table:
    columns = {"id": list(ids), "value": [value] * len(ids), "gone": [more.get("gone")] * len(ids)}
    types = {"id": pa.int64(), "value": pa.float64(), "gone": pa.int64(), "note": pa.string()}
    if "note" in more:
        columns["note"] = [more["note"]] * len(ids)
    return pa.table({name: pa.array(column, types[name]) for name, column in columns.items()})


def seen(lakehouse: Lakehouse) -> Rows:
    """Return what all readers see."""
    table = lakehouse.require(NAME)
    names = [field.name for field in table.schema().fields if field.name not in HIDDEN]
    by_pyiceberg = table.scan().to_arrow().select(names).to_pylist()
    with run_query(lakehouse, "select * from seen") as result:
        by_duckdb = [row for found in result.batches for row in found.to_pylist()]
    found = [in_order(tuple(row.values()) for row in reader) for reader in (by_pyiceberg, by_duckdb)]
    readers: tuple[Literal["native", "pyiceberg"], ...] = ("native", "pyiceberg")
    for reader in readers:
        frame = pl.scan_iceberg(table, reader_override=reader).select(names).collect()
        found.append(in_order(frame.rows()))
    assert all(other == found[0] for other in found), found
    return found[0]


def in_order(found: Any) -> Rows:
    return sorted(found, key=repr)


def merged(lakehouse: Lakehouse, given: pa.Table, **more: Any) -> None:
    merge_rows(lakehouse, NAME, given, ["id"], run_id="run", **more)


Step = Callable[[Lakehouse], object]
STEPS: dict[str, Step] = {
    "insert": lambda lakehouse: merged(lakehouse, rows(range(100))),
    "update by position": lambda lakehouse: merged(lakehouse, rows(range(3, 6), 2.0), costs=BY_POSITION),
    "update by position again": lambda lakehouse: merged(lakehouse, rows(range(5, 8), 3.0), costs=BY_POSITION),
    "rewrite": lambda lakehouse: merged(lakehouse, rows(range(50, 90), 4.0)),
    "layout": lambda lakehouse: ensure_table(
        lakehouse, NAME, NARROW, partition_spec=[PartitionField("id", "bucket[3]")]
    ),
    "insert after layout": lambda lakehouse: merged(lakehouse, rows(range(100, 110))),
    "widen and add": lambda lakehouse: ensure_table(lakehouse, NAME, WIDE),
    "insert wide": lambda lakehouse: merged(lakehouse, rows(range(2**40, 2**40 + 3), 0.1, note="é")),
    "update old files": lambda lakehouse: merged(lakehouse, rows(range(0, 2), None, note="n"), costs=BY_POSITION),
    "remove": lambda lakehouse: merged(
        lakehouse, rows(range(20, 30), 1.0, gone=1, note=None), versions=Versions(hard_delete="gone"), costs=BY_POSITION
    ),
    "replace": lambda lakehouse: replace_rows(
        lakehouse, NAME, rows(range(5), 9.0, note="r"), WholeTable(), run_id="run", unique_key=("id",)
    ),
    "empty": lambda lakehouse: replace_rows(
        lakehouse, NAME, rows(range(0), note="r"), WholeTable(), run_id="run", unique_key=("id",)
    ),
}


def test_readers_agree_after_every_kind_of_change(lakehouse: Lakehouse) -> None:
    ensure_table(lakehouse, NAME, NARROW)
    counts = []
    for step in STEPS.values():
        step(lakehouse)
        counts.append(len(seen(lakehouse)))
    assert counts == [100, 100, 100, 100, 100, 110, 110, 113, 113, 103, 5, 0]


@pytest.mark.parametrize("costs", [Costs(), BY_POSITION])
def test_readers_agree_about_appended_rows(lakehouse: Lakehouse, costs: Costs) -> None:
    schema = with_hidden(Schema(*WIDE.fields))
    ensure_table(lakehouse, NAME, schema, properties=hidden_properties())
    for partition, ids in (("a", range(5)), ("b", range(3)), ("a", range(2, 4)), ("b", range(0))):
        given = rows(ids, note=partition)
        append_rows(lakehouse, NAME, given, run_id="run", partition=partition, costs=costs)
        assert len(seen(lakehouse)) == {5: 5, 3: 8, 2: 5, 0: 2}[len(ids)]
