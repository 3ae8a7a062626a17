"""Pages of a table at one snapshot: together they are its rows, whatever happens to it meanwhile."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import LongType, NestedField, StringType

from cascade.exceptions import UsageError
from cascade.iceberg import pages
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.pages import Page, Place, read_page, table_at
from cascade.iceberg.row_filter import row_filter
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

REF = TableRef("raw", "numbers")
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "text", StringType(), required=False),
    identifier_field_ids=[1],
)
BY_POSITION = Costs(small_rows=0, deleted_share=0.99)


def numbers(first: int, last: int, text: str = "a") -> pa.Table:
    ids = range(first, last)
    return pa.table({"id": pa.array(ids, pa.int64()), "text": pa.array([text] * len(ids), pa.string())})


@pytest.fixture
def table(lakehouse: Lakehouse) -> Table:
    """Three files of several row groups each, with rows that are deleted by position."""
    ensure_table(lakehouse, REF, SCHEMA, properties={"write.parquet.row-group-limit": "30"})
    for first in (0, 100, 200):
        found = lakehouse.require(REF)
        found.append(numbers(first, first + 100).cast(found.schema().as_arrow()))
    merge_rows(lakehouse, REF, numbers(40, 60, "b"), ["id"], run_id="run", costs=BY_POSITION)
    return lakehouse.require(REF)


def snapshot_of(table: Table) -> int:
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return snapshot.snapshot_id


def every_page(table: Table, limit: int, where: str | None = None, columns: tuple[str, ...] = ("id",)) -> list[Page]:
    """Return all pages of a table at its current snapshot."""
    found, place = [], Place()
    while True:
        page = read_page(table, columns, row_filter(table, REF, where), place, limit)
        found.append(page)
        if page.next is None:
            return found
        assert page.next != place, "a page that does not go on would be asked for without end"
        place = page.next


def ids(found: list[Page]) -> list[int]:
    return [number for page in found for number in page.rows["id"].to_pylist()]


@given(
    limit=st.integers(1, 400),
    where=st.sampled_from([None, "id >= 55 and id < 120", "text = 'b'", "id = 55", "id > 1000", "text is null"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_together_are_the_rows_of_the_table(table: Table, limit: int, where: str | None) -> None:
    found = every_page(table, limit, where)
    scan = table.scan(row_filter=where) if where else table.scan()
    assert sorted(ids(found)) == sorted(scan.to_arrow()["id"].to_pylist())
    assert all(page.rows.num_rows <= limit for page in found)
    # Only the last page may be short.
    assert all(page.rows.num_rows == limit for page in found[:-1])


def test_commits_between_two_pages_move_no_row(lakehouse: Lakehouse, table: Table) -> None:
    before = every_page(table, 70)
    judge = row_filter(table, REF, None)
    page = read_page(table, ("id",), judge, Place(), 70)
    seen, snapshot, schema = [page], snapshot_of(table), table.metadata.current_schema_id
    while page.next is not None:
        merge_rows(lakehouse, REF, numbers(0, 300, str(len(seen))), ["id"], run_id=f"run {len(seen)}")
        now = lakehouse.require(REF)
        with now.update_schema() as update:
            update.add_column(f"new{len(seen)}", StringType())
        old = table_at(lakehouse.require(REF), snapshot, schema)
        assert old is not None
        page = read_page(old, ("id",), row_filter(old, REF, None), page.next, 70)
        seen.append(page)
    assert ids(seen) == ids(before)


def test_a_page_has_the_columns_in_the_order_that_was_asked_for(table: Table) -> None:
    (page,) = every_page(table, 1000, "id = 55", ("text", "id"))
    assert page.rows.to_pylist() == [{"text": "b", "id": 55}]
    (page,) = every_page(table, 1000, "text = 'b' and id = 1", ("id",))
    assert page.rows.column_names == ["id"] and page.rows.num_rows == 0


def test_a_table_without_rows_has_one_empty_page(lakehouse: Lakehouse) -> None:
    ensure_table(lakehouse, REF, SCHEMA)
    (page,) = every_page(lakehouse.require(REF), 5)
    assert page.rows.schema.names == ["id"] and page.rows.num_rows == 0


def test_large_rows_make_pages_shorter(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_BYTES", 10_000)
    ensure_table(lakehouse, REF, SCHEMA)
    rows: list[dict[str, Any]] = [
        {"id": number, "text": "x" * (50_000 if number == 7 else 900)} for number in range(30)
    ]
    found = lakehouse.require(REF)
    found.append(pa.Table.from_pylist(rows, schema=found.schema().as_arrow()))
    read = every_page(lakehouse.require(REF), 1000, columns=("id", "text"))
    assert ids(read) == list(range(30))
    # A row that is too large for a page is not lost.
    assert [page.rows["id"].to_pylist() for page in read if page.rows.nbytes > 11_000] == [[7]]
    assert 4 <= len(read) <= 12


def test_a_snapshot_that_expired_is_not_there(table: Table) -> None:
    assert table_at(table, 1, table.metadata.current_schema_id) is None
    assert table_at(table, snapshot_of(table), 99) is None


def test_a_filter_that_cannot_be_judged_is_refused(table: Table) -> None:
    with pytest.raises(UsageError, match="invalid"):
        row_filter(table, REF, "idd = 1")
    assert list(row_filter(table, REF, "id is null").matches(numbers(0, 3))) == []
    assert row_filter(table, REF, "id is not null").matches(numbers(0, 3)).to_pylist() == [0, 1, 2]
