"""A lakehouse whose branch stands for `main`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType

from cascade.exceptions import SchemaDriftError, UsageError
from cascade.iceberg import add_to_quarantine, clear_quarantine, ensure_table, merge_rows, working_branch
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.commit import commit_planned
from cascade.iceberg.diff import diff_tables, point_of
from cascade.iceberg.dropping import drop_working_branch
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.ledger import UNPARTITIONED, LedgerEntry, published_partitions
from cascade.iceberg.merge import MergePlanner
from cascade.iceberg.table_branches import publish_branch
from cascade.iceberg.test_branches import COUNTS, ID, SCHEMA, N, merged
from cascade.iceberg.test_quarantine import Row
from cascade.iceberg.working_branch import branched_tables
from cascade.table_ref import TableRef

NOTE = NestedField(3, "note", LongType(), required=False)
WIDER = Schema(ID, N, NOTE, identifier_field_ids=[1])


def on_branch(lakehouse: Lakehouse, name: str) -> Lakehouse:
    """Open the same lakehouse on a branch."""
    directory = lakehouse.dlt_directory.parent / "branches" / name / "dlt"
    return replace(lakehouse, branch=name, origin=lakehouse.dlt_directory, dlt_directory=directory)


def main_of(lakehouse: Lakehouse, ref: TableRef = COUNTS) -> tuple[object, ...]:
    """Return all that readers and writers of `main` see."""
    metadata = lakehouse.catalog.load_table(ref.identifier).metadata
    properties = {name: text for name, text in metadata.properties.items() if name.startswith("cascade.")}
    return (
        metadata.current_snapshot_id,
        [entry.snapshot_id for entry in metadata.snapshot_log],
        metadata.schema(),
        metadata.default_spec_id,
        properties,
    )


def rows(lakehouse: Lakehouse) -> list[tuple[object, ...]]:
    return sorted(lakehouse.read("raw.counts").rows())


def noted(lakehouse: Lakehouse, key: int, count: int) -> None:
    """Merge a row with a note."""
    names, values = ("id", "n", "note"), (key, count, 7)
    row = pa.table({name: pa.array([value], pa.int64()) for name, value in zip(names, values, strict=True)})
    merge_rows(lakehouse, COUNTS, row, ["id"], run_id="run")


@pytest.fixture
def main(lakehouse: Lakehouse) -> Lakehouse:
    """Open a lakehouse whose table has two rows."""
    ensure_table(lakehouse, COUNTS, SCHEMA)
    merged(lakehouse, COUNTS, {1: 10, 2: 20})
    return lakehouse


@pytest.fixture
def mine(main: Lakehouse) -> Lakehouse:
    return on_branch(main, "mine")


def test_reads_go_to_main_until_something_is_written(main: Lakehouse, mine: Lakehouse) -> None:
    assert rows(mine) == [(1, 10), (2, 20)]
    merged(main, COUNTS, {3: 30})
    assert rows(mine) == [(1, 10), (2, 20), (3, 30)]
    assert list(main.require(COUNTS).metadata.refs) == ["main"]


def test_what_is_written_is_on_the_branch_alone(main: Lakehouse, mine: Lakehouse) -> None:
    before = main_of(main)
    merged(mine, COUNTS, {2: 21, 3: 30})
    merged(mine, COUNTS, {4: 40})
    assert rows(mine) == [(1, 10), (2, 21), (3, 30), (4, 40)]
    assert rows(main) == [(1, 10), (2, 20)]
    assert main_of(main) == before
    # And main goes on alone.
    merged(main, COUNTS, {9: 90})
    assert rows(mine) == [(1, 10), (2, 21), (3, 30), (4, 40)]
    [recorded] = branched_tables(mine.dlt_directory.parent, "mine")
    assert (recorded.ref, recorded.base) == (COUNTS.on("mine"), before[0])


def test_a_branch_copies_no_rows(main: Lakehouse, mine: Lakehouse) -> None:
    def data() -> set[str]:
        return {path.name for path in Path(main.warehouse.removeprefix("file://")).rglob("*.parquet")}

    before = data()
    ensure_table(mine, COUNTS, SCHEMA)
    assert "mine" in main.require(COUNTS).metadata.refs and data() == before


def test_a_column_that_both_got_is_compared_by_its_name(main: Lakehouse, mine: Lakehouse) -> None:
    for lakehouse in (mine, main):
        ensure_table(lakehouse, COUNTS, WIDER)
        noted(lakehouse, 3, 30)
    noted(main, 4, 40)
    table = main.require(COUNTS)
    [one, other] = {schema.find_field("note").field_id for schema in table.metadata.schemas if len(schema.fields) == 3}
    assert one != other
    for first, second, added, removed in (("main", "mine", 0, 1), ("mine", "main", 1, 0)):
        diff = diff_tables(point_of(table, first), point_of(table, second))
        assert (diff.added, diff.removed, diff.changed, diff.schema_changes) == (added, removed, 0, ())
        assert diff.added_rows + diff.removed_rows == ({"id": 4, "n": 40, "note": 7},)


def test_a_new_column_is_on_the_branch_alone(main: Lakehouse, mine: Lakehouse) -> None:
    before = main_of(main)
    assert [field.name for field in ensure_table(mine, COUNTS, WIDER).schema().fields] == ["id", "n", "note"]
    table = pa.table(
        {"id": pa.array([3], pa.int64()), "n": pa.array([30], pa.int64()), "note": pa.array([7], pa.int64())}
    )
    merge_rows(mine, COUNTS, table, ["id"], run_id="run")
    assert rows(mine) == [(1, 10, None), (2, 20, None), (3, 30, 7)]
    assert rows(main) == [(1, 10), (2, 20)]
    assert main_of(main) == before
    # A second run finds the column, and main can get a column of this name in its own way.
    snapshots = len(main.require(COUNTS).snapshots())
    ensure_table(mine, COUNTS, WIDER)
    assert len(main.require(COUNTS).snapshots()) == snapshots
    ensure_table(main, COUNTS, WIDER)
    merged(main, COUNTS, {4: 40})
    assert rows(main) == [(1, 10, None), (2, 20, None), (4, 40, None)]
    assert rows(mine) == [(1, 10, None), (2, 20, None), (3, 30, 7)]


def test_the_difference_shows_the_columns_of_the_branch(main: Lakehouse, mine: Lakehouse) -> None:
    ensure_table(mine, COUNTS, WIDER)
    table = pa.table(
        {"id": pa.array([1], pa.int64()), "n": pa.array([10], pa.int64()), "note": pa.array([7], pa.int64())}
    )
    merge_rows(mine, COUNTS, table, ["id"], run_id="run")
    table = main.require(COUNTS)
    found = diff_tables(point_of(table, "main"), point_of(table, "mine"))
    assert (found.added, found.removed, found.changed) == (0, 0, 1)
    assert found.changed_columns == {"note": 1}
    assert found.schema_changes == ("The column note was added: long.",)


def test_drift_is_refused_on_the_branch_too(main: Lakehouse, mine: Lakehouse) -> None:
    with pytest.raises(SchemaDriftError):
        ensure_table(mine, COUNTS, Schema(ID, NestedField(2, "n", StringType()), identifier_field_ids=[1]))
    assert rows(mine) == [(1, 10), (2, 20)]


def test_a_new_table_has_no_rows_on_main(main: Lakehouse, mine: Lakehouse) -> None:
    new = TableRef("other", "new")
    ensure_table(mine, new, SCHEMA)
    assert merged(mine, new, {1: 10}) is not None
    assert mine.read("other.new").height == 1
    assert main.require(new).current_snapshot() is None


def test_the_ledger_of_main_says_what_it_said(main: Lakehouse, mine: Lakehouse) -> None:
    def publish(lakehouse: Lakehouse, version: str, counts: dict[int, int]) -> None:
        entry = LedgerEntry("run", UNPARTITIONED, None, version)
        table = pa.table({"id": pa.array(counts, pa.int64()), "n": pa.array(counts.values(), pa.int64())})
        merge_rows(lakehouse, COUNTS, table, ["id"], run_id="run", ledger=entry)

    publish(main, "old", {1: 11})
    before = main_of(main)
    publish(mine, "new", {1: 12})
    publish(mine, "new", {1: 12})
    assert main_of(main) == before
    assert published_partitions(main.require(COUNTS)).code_version(None) == "old"
    assert published_partitions(mine.require(COUNTS)).code_version(None) == "new"


def test_the_quarantine_of_main_stays(main: Lakehouse, mine: Lakehouse) -> None:
    add_to_quarantine(main, COUNTS.quarantine, [Row("hot", "{1}")], run_id="1", partition="a")
    before = main_of(main, COUNTS.quarantine)
    add_to_quarantine(mine, COUNTS.quarantine, [Row("hot", "{2}")], run_id="2", partition="a")
    clear_quarantine(
        mine,
        COUNTS.quarantine,
        lambda found: [row == "{2}" for row in found["row"].to_pylist()],
        run_id="2",
        partition="a",
    )
    assert main_of(main, COUNTS.quarantine) == before
    assert main.read(COUNTS.quarantine.full_name)["row"].to_list() == ["{1}"]
    assert mine.read(COUNTS.quarantine.full_name)["row"].to_list() == ["{2}"]


def test_a_catalog_without_branches_is_refused(
    main: Lakehouse, mine: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(working_branch, "keeps_branches", lambda lakehouse, ref: False)
    before = main_of(main)
    for ref in (COUNTS, TableRef("raw", "new")):
        with pytest.raises(UsageError, match=r'keeps no branches of tables.* branch "mine"'):
            ensure_table(mine, ref, SCHEMA)
    with pytest.raises(UsageError, match="keeps no branches"):
        merged(mine, COUNTS, {3: 30})
    assert main_of(main) == before and main.load(TableRef("raw", "new")) is None


def test_a_branch_is_dropped_with_what_was_made_for_it(main: Lakehouse, mine: Lakehouse) -> None:
    before, new = main_of(main), TableRef("raw", "new")
    ensure_table(mine, COUNTS, WIDER)
    ensure_table(mine, new, SCHEMA)
    merged(mine, new, {1: 10})
    for ref in (COUNTS, new):
        assert drop_working_branch(main, ref, "mine")
        assert not drop_working_branch(main, ref, "mine")
    assert main_of(main) == before and list(main.require(COUNTS).metadata.refs) == ["main"]
    assert main.load(new) is None and main.catalog.list_tables("raw") == [COUNTS.identifier]


def test_a_new_table_that_main_has_filled_is_not_dropped(main: Lakehouse, mine: Lakehouse) -> None:
    new = TableRef("raw", "new")
    ensure_table(mine, new, SCHEMA)
    merged(mine, new, {1: 10})
    merged(main, new, {2: 20})
    assert drop_working_branch(main, new, "mine")
    assert main.read("raw.new").rows() == [(2, 20)]


def test_rows_that_arrive_while_a_new_table_is_dropped_stay(
    main: Lakehouse, mine: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = TableRef("raw", "new")
    ensure_table(mine, new, SCHEMA)
    rename = main.catalog.rename_table

    def late(source: tuple[str, str], target: tuple[str, str]) -> object:
        if source == new.identifier and main.require(new).current_snapshot() is None:
            merged(main, new, {2: 20})
        return rename(source, target)

    monkeypatch.setattr(main.catalog, "rename_table", late)
    drop_working_branch(main, new, "mine")
    assert main.read("raw.new").rows() == [(2, 20)]


def test_a_branch_with_other_columns_is_not_published(main: Lakehouse, mine: Lakehouse) -> None:
    ensure_table(mine, COUNTS, WIDER)
    noted(mine, 3, 30)
    with pytest.raises(UsageError, match="has other columns than main"):
        publish_branch(main, COUNTS, "mine")
    assert rows(main) == [(1, 10), (2, 20)]


def test_rows_that_wait_for_a_branch_are_not_published(main: Lakehouse, mine: Lakehouse) -> None:
    planner = MergePlanner(pa.table({"id": pa.array([3], pa.int64()), "n": pa.array([30], pa.int64())}), ("id",))
    commit_planned(mine, COUNTS, planner, summary={}, audit=AuditBranch.of("run", 60, "mine"))
    with pytest.raises(UsageError, match="belong to a branch that is not main"):
        publish_branch(main, COUNTS, "audit_mine~run")
    assert drop_working_branch(main, COUNTS, "mine")
    assert list(main.require(COUNTS).metadata.refs) == ["main"] and rows(main) == [(1, 10), (2, 20)]
