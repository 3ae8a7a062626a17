from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from cascade.exceptions import UsageError
from cascade.iceberg import add_to_quarantine, ensure_table, merge_rows
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.test_quarantine import Row
from cascade.table_ref import TableRef

COUNTS = TableRef("raw", "counts")
AUDIT = COUNTS.on("audit")
ID = NestedField(1, "id", LongType(), required=True)
N = NestedField(2, "n", LongType(), required=False)
SCHEMA = Schema(ID, N, identifier_field_ids=[1])


def merged(lakehouse: Lakehouse, ref: TableRef, rows: dict[int, int]) -> int | None:
    table = pa.table({"id": pa.array(rows, pa.int64()), "n": pa.array(rows.values(), pa.int64())})
    return merge_rows(lakehouse, ref, table, ["id"], run_id="run").snapshot_id


def read(lakehouse: Lakehouse, branch: str) -> list[tuple[object, ...]]:
    return sorted(lakehouse.read("raw.counts", branch=branch).rows())


def branched(lakehouse: Lakehouse, ref: TableRef) -> None:
    table = lakehouse.require(ref.on("main"))
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.manage_snapshots().create_branch(snapshot.snapshot_id, ref.branch).commit()


@pytest.fixture
def counts(lakehouse: Lakehouse) -> Lakehouse:
    """Open a lakehouse whose table has two rows on main, and a branch that starts there."""
    ensure_table(lakehouse, COUNTS, SCHEMA)
    merged(lakehouse, COUNTS, {1: 10, 2: 20})
    branched(lakehouse, AUDIT)
    return lakehouse


def test_a_merge_onto_a_branch_does_not_change_main(counts: Lakehouse) -> None:
    before = counts.require(COUNTS).current_snapshot()
    # One row is rewritten and one is appended, so that both an overwrite and an append are tried.
    changed = merged(counts, AUDIT, {2: 21, 3: 30})
    appended = merged(counts, AUDIT, {4: 40})
    assert read(counts, "audit") == [(1, 10), (2, 21), (3, 30), (4, 40)]
    assert read(counts, "main") == [(1, 10), (2, 20)]
    assert counts.require(COUNTS).current_snapshot() == before
    snapshots = counts.require(COUNTS).metadata.snapshots
    parents = {snapshot.snapshot_id: snapshot.parent_snapshot_id for snapshot in snapshots}
    assert before is not None and (parents[changed or 0], parents[appended or 0]) == (before.snapshot_id, changed)


def test_each_branch_moves_on_its_own(counts: Lakehouse) -> None:
    merged(counts, AUDIT, {2: 21})
    merged(counts, COUNTS, {2: 22, 5: 50})
    merged(counts, AUDIT, {6: 60})
    assert read(counts, "audit") == [(1, 10), (2, 21), (6, 60)]
    assert read(counts, "main") == [(1, 10), (2, 22), (5, 50)]


def test_an_identical_merge_onto_a_branch_commits_nothing(counts: Lakehouse) -> None:
    assert merged(counts, AUDIT, {2: 21}) is not None
    assert merged(counts, AUDIT, {2: 21}) is None


def test_a_branch_is_read_in_the_tables_current_schema(counts: Lakehouse) -> None:
    ensure_table(counts, COUNTS, Schema(ID, N, NestedField(3, "note", LongType()), identifier_field_ids=[1]))
    assert read(counts, "audit") == [(1, 10, None), (2, 20, None)]


def test_the_schema_may_change_through_a_branch(counts: Lakehouse) -> None:
    merged(counts, AUDIT, {3: 30})
    wider = Schema(ID, N, NestedField(3, "note", LongType()), identifier_field_ids=[1])
    table = ensure_table(counts, AUDIT, wider)
    assert table.scan().to_arrow().num_rows == 3
    assert counts.require(COUNTS).schema().find_field("note").required is False
    assert counts.read("raw.counts").height == 2


def test_refused_rows_can_be_kept_on_a_branch(counts: Lakehouse) -> None:
    add_to_quarantine(counts, COUNTS.quarantine, [Row("hot", "{1}")], run_id="1", partition="a")
    branched(counts, AUDIT.quarantine)
    add_to_quarantine(counts, AUDIT.quarantine, [Row("hot", "{2}")], run_id="2", partition="a")
    name = COUNTS.quarantine.full_name
    assert sorted(counts.read(name, branch="audit")["row"]) == ["{1}", "{2}"]
    assert counts.read(name)["row"].to_list() == ["{1}"]


def files(lakehouse: Lakehouse) -> list[Path]:
    return sorted(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*"))


def test_a_missing_branch_is_an_error_that_lists_the_others(counts: Lakehouse) -> None:
    before = files(counts)
    for attempt in (
        lambda: merged(counts, COUNTS.on("audti"), {9: 9}),
        lambda: read(counts, "audti"),
        lambda: ensure_table(counts, COUNTS.on("audti"), SCHEMA),
    ):
        with pytest.raises(UsageError, match=r'raw.counts has no branch "audti".* Did you mean "audit"') as caught:
            attempt()
        assert caught.value.hint is not None and "audit, main" in caught.value.hint
    assert files(counts) == before


def test_a_table_is_not_created_through_a_branch(lakehouse: Lakehouse) -> None:
    with pytest.raises(UsageError, match=r'"audit" of raw.counts does not exist, because the table does not'):
        ensure_table(lakehouse, AUDIT, SCHEMA)
    assert lakehouse.load(COUNTS) is None
    ensure_table(lakehouse, COUNTS, SCHEMA)
    with pytest.raises(UsageError, match="has no branch"):
        merged(lakehouse, AUDIT, {1: 1})


def test_a_tag_is_not_a_branch(counts: Lakehouse) -> None:
    table = counts.require(COUNTS)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.manage_snapshots().create_tag(snapshot.snapshot_id, "v1").commit()
    with pytest.raises(UsageError, match=r'"v1" is a tag of raw.counts'):
        read(counts, "v1")
