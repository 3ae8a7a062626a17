from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.overlap import Overlap, find_overlap
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "counts")
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "n", LongType(), required=False),
    identifier_field_ids=[1],
)


def merged(
    lakehouse: Lakehouse, partition: str | None, rows: dict[int, int], *, named: str | None = None
) -> str | None:
    """Merge rows `{id: n}`, and return the overlap that is found: the partition and the row."""
    ensure_table(lakehouse, NAME, SCHEMA)
    batch = pa.table({"id": pa.array(rows.keys(), pa.int64()), "n": pa.array(rows.values(), pa.int64())})
    committed = merge_rows(lakehouse, NAME, batch, ["id"], run_id="run", partition=partition)
    found = find_overlap(committed.table, committed.plan, ["id"], partition or "none")
    return f"{found.partition} {found.row.to_pylist()}" if isinstance(found, Overlap) else None


def test_a_row_that_another_partition_wrote_is_found_in_the_first_run_that_replaces_it(lakehouse: Lakehouse) -> None:
    assert merged(lakehouse, "monday", {1: 1, 2: 1}) is None
    assert merged(lakehouse, "tuesday", {2: 2, 3: 2}) == "monday [{'id': 2, 'n': 1}]"
    assert merged(lakehouse, "monday", {1: 1, 2: 1}) == "tuesday [{'id': 2, 'n': 2}]"
    assert merged(lakehouse, "monday", {1: 1, 2: 1}) is None


def test_a_partitions_own_rows_are_not_reported(lakehouse: Lakehouse) -> None:
    merged(lakehouse, "monday", {1: 1, 2: 1})
    merged(lakehouse, "tuesday", {3: 1, 4: 1})
    for n in (2, 3):
        assert merged(lakehouse, "monday", {1: n, 2: n}) is None
        assert merged(lakehouse, "tuesday", {3: n}) is None


def test_a_row_that_another_partition_only_copied_is_not_reported(lakehouse: Lakehouse) -> None:
    """Both partitions have rows in one file, which each of them writes again when it changes its own."""
    merged(lakehouse, "monday", {1: 1, 2: 1, 3: 1})
    merged(lakehouse, "tuesday", {3: 2})
    for n in range(2, 5):
        assert merged(lakehouse, "monday", {1: n}) is None
        assert merged(lakehouse, "tuesday", {3: n + 1}) is None
    # It was copied more often than the search goes back, and nothing is claimed without proof.
    assert merged(lakehouse, "tuesday", {2: 9}) is None


def test_a_copied_row_is_followed_to_the_partition_that_wrote_it(lakehouse: Lakehouse) -> None:
    merged(lakehouse, "monday", {1: 1, 2: 1, 3: 1})
    merged(lakehouse, "monday", {1: 2})
    merged(lakehouse, "tuesday", {3: 2})
    assert merged(lakehouse, "tuesday", {2: 9}) == "monday [{'id': 2, 'n': 1}]"


def test_one_replaced_row_among_many_own_ones_is_found(lakehouse: Lakehouse) -> None:
    merged(lakehouse, "monday", dict.fromkeys(range(100), 1))
    merged(lakehouse, "tuesday", dict.fromkeys(range(100, 200), 1))
    found = merged(lakehouse, "tuesday", {99: 2, **dict.fromkeys(range(100, 200), 2)})
    assert found == "monday [{'id': 99, 'n': 1}]"


def test_rows_of_no_partition_and_of_an_expired_history_are_not_reported(lakehouse: Lakehouse) -> None:
    merged(lakehouse, None, {1: 1})
    assert merged(lakehouse, "monday", {1: 2}) is None
    merged(lakehouse, "tuesday", {1: 3})
    table = lakehouse.require(NAME)
    head = table.current_snapshot()
    assert head is not None
    old = [snapshot.snapshot_id for snapshot in table.snapshots() if snapshot != head]
    table.maintenance.expire_snapshots().by_ids(old).commit()
    assert merged(lakehouse, "monday", {1: 4}) == "tuesday [{'id': 1, 'n': 3}]"


def test_files_that_maintenance_removed_are_no_error(lakehouse: Lakehouse) -> None:
    merged(lakehouse, "monday", {1: 1, 2: 1})
    before = {path for path in Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.parquet")}
    merged(lakehouse, "tuesday", {1: 2})
    for path in before:
        path.unlink()
    assert merged(lakehouse, "monday", {1: 3}) is None
