"""The ledger, whatever becomes of the snapshots of its table."""

from __future__ import annotations

import dataclasses

from pyiceberg.table import Table

from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.ledger.contents import Contents
from cascade.iceberg.ledger.encoding import Claim
from cascade.iceberg.ledger.state import CLAIM_PREFIX, LEDGER
from cascade.iceberg.ledger.test_ledger import (
    DAILY,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    merged,
    properties_of,
    published,
)
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.test_commit import NAME, batch, rows_of


def test_a_table_of_before_gets_a_ledger_with_its_next_run(lakehouse: Lakehouse, table: Table) -> None:
    table.append(batch([1], 1).cast(table.schema().as_arrow()))
    merge_rows(lakehouse, NAME, batch([2], 1), ["id"], run_id="0", partition=MONDAY)
    assert not lakehouse.published("raw.counts").recorded
    assert merged(lakehouse, MONDAY, batch([2], 1)).snapshot_id is None
    assert published(lakehouse) == {MONDAY: "v1"}
    merged(lakehouse, TUESDAY, batch([3], 1))
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v1"}


def test_other_writers_leave_the_ledger_as_it_is(lakehouse: Lakehouse, table: Table) -> None:
    merged(lakehouse, MONDAY, batch([1], 1))
    merged(lakehouse, TUESDAY)
    for n in range(3):
        lakehouse.require(NAME).append(batch([10 + n], 1).cast(table.schema().as_arrow()))
    with lakehouse.require(NAME).transaction() as transaction:
        transaction.set_properties({"owner": "someone"})
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v1"}
    merged(lakehouse, WEDNESDAY, batch([3], 1))
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v1", WEDNESDAY: "v1"}
    assert lakehouse.require(NAME).properties["owner"] == "someone"


def test_a_ledger_that_someone_removed_comes_back_from_the_last_snapshot(lakehouse: Lakehouse, table: Table) -> None:
    merged(lakehouse, MONDAY, batch([1], 1))
    for text in ("not a ledger", None):
        with lakehouse.require(NAME).transaction() as transaction:
            if text is None:
                transaction.remove_properties(LEDGER)
            else:
                transaction.set_properties({LEDGER: text})
        assert published(lakehouse) == {MONDAY: "v1"}


def test_the_ledger_outlives_its_snapshots(lakehouse: Lakehouse, table: Table) -> None:
    short = dataclasses.replace(lakehouse, retention=Retention(snapshots=2, days=0, least_age=0))
    days = [f"2024-01-{day:02}" for day in range(1, 8)]
    for n, day in enumerate(days):
        merged(short, day, batch([n], n))
    assert published(short) == dict.fromkeys(days, "v1")
    for n in range(3):
        merge_rows(short, NAME, batch([90 + n], n), ["id"], run_id=f"other {n}")
    assert len(short.require(NAME).snapshots()) <= 3
    assert published(short) == dict.fromkeys(days, "v1")
    merged(short, MONDAY)
    assert published(short) == dict.fromkeys([*days, MONDAY], "v1")


def test_a_rollback_takes_the_ledger_back(lakehouse: Lakehouse, table: Table) -> None:
    first = merged(lakehouse, MONDAY, batch([1], 1)).snapshot_id
    assert first is not None
    merged(lakehouse, MONDAY, batch([1], 2), "v2")
    merged(lakehouse, TUESDAY, batch([2], 2), "v2")
    merged(lakehouse, WEDNESDAY, version="v2")
    lakehouse.require(NAME).manage_snapshots().set_current_snapshot(snapshot_id=first).commit()
    assert published(lakehouse) == {MONDAY: "v1"} and rows_of(lakehouse) == {1: 1}
    merged(lakehouse, WEDNESDAY, version="v3", run="after")
    assert published(lakehouse) == {MONDAY: "v1", WEDNESDAY: "v3"}
    merged(lakehouse, TUESDAY, batch([2], 3), "v3")
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v3", WEDNESDAY: "v3"}
    assert properties_of(lakehouse) == [LEDGER]


def test_a_rollback_to_before_the_first_run_leaves_nothing_published(lakehouse: Lakehouse, table: Table) -> None:
    table.append(batch([9], 9).cast(table.schema().as_arrow()))
    first = lakehouse.require(NAME).current_snapshot()
    assert first is not None
    merged(lakehouse, MONDAY, batch([1], 1))
    lakehouse.require(NAME).manage_snapshots().set_current_snapshot(snapshot_id=first.snapshot_id).commit()
    assert published(lakehouse) == {}


def test_only_the_commit_that_moves_main_publishes(lakehouse: Lakehouse, table: Table) -> None:
    first = merged(lakehouse, MONDAY, batch([1], 1)).snapshot_id
    assert first is not None
    lakehouse.require(NAME).manage_snapshots().create_branch(first, "audit").commit()
    audited = merged(lakehouse, TUESDAY, batch([2], 1), branch="audit").snapshot_id
    merged(lakehouse, WEDNESDAY, branch="audit")
    assert audited is not None and published(lakehouse) == {MONDAY: "v1"}
    lakehouse.require(NAME).manage_snapshots().set_current_snapshot(snapshot_id=audited).commit()
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v1"}


def test_a_long_ledger_is_not_copied_to_snapshots(lakehouse: Lakehouse, table: Table) -> None:
    """It is read from the property, also while other writers commit."""
    contents = Contents()
    days = [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29, 2)]
    for day in days:
        contents = contents.published(DAILY, day, "v1")
    with table.transaction() as transaction:
        transaction.set_properties({f"{CLAIM_PREFIX}many": Claim(contents, None, 1).text()})
    merged(lakehouse, MONDAY, batch([1], 1))
    snapshot = lakehouse.require(NAME).current_snapshot()
    assert snapshot is not None and snapshot.summary is not None and snapshot.summary.get(LEDGER) is None
    assert properties_of(lakehouse) == [LEDGER] and published(lakehouse) == dict.fromkeys(days, "v1")
    lakehouse.require(NAME).append(batch([9], 9).cast(table.schema().as_arrow()))
    assert published(lakehouse) == dict.fromkeys(days, "v1")
    lakehouse.require(NAME).manage_snapshots().set_current_snapshot(snapshot_id=snapshot.snapshot_id).commit()
    merged(lakehouse, TUESDAY, batch([2], 1))
    lakehouse.require(NAME).manage_snapshots().set_current_snapshot(snapshot_id=snapshot.snapshot_id).commit()
    assert published(lakehouse) == {}, "nobody knows any more, so all of them are run again"
