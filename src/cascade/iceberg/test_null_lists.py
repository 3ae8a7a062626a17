from __future__ import annotations

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import ListType, LongType, NestedField, StructType

from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.columns import arrow_schema
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

REF = TableRef("raw", "trips")
STOP = StructType(NestedField(4, "zone", LongType(), required=False))
STOPS = ListType(3, STOP, element_required=False)


@pytest.mark.parametrize("stops", [STOPS, ListType(5, STOPS, element_required=False)], ids=["list", "list of lists"])
def test_a_null_list_of_structs_stays_null_and_is_the_same_in_the_next_run(
    lakehouse: Lakehouse, stops: ListType
) -> None:
    schema = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "stops", stops, required=False),
        identifier_field_ids=[1],
    )
    table = ensure_table(lakehouse, REF, schema)
    lists = [[{"zone": 1}], None, [], [None], None]
    values = lists if stops is STOPS else [lists, None, [None], [], None]
    rows = pa.table({"id": list(range(5)), "stops": values}, schema=arrow_schema(table))
    first = merge_rows(lakehouse, REF, rows, ("id",), run_id="1")
    assert first.table.scan().to_arrow().sort_by("id")["stops"].to_pylist() == values
    # A merge writes slices of larger tables.
    again = merge_rows(lakehouse, REF, pa.concat_tables([rows, rows]).slice(5), ("id",), run_id="2")
    assert again.snapshot_id is None
    changed = rows.slice(1, 3).set_column(1, rows.schema.field("stops"), pa.array([None] * 3, rows["stops"].type))
    third = merge_rows(lakehouse, REF, changed, ("id",), run_id="3")
    assert third.table.scan().to_arrow().sort_by("id")["stops"].to_pylist() == [values[0], None, None, None, values[4]]
