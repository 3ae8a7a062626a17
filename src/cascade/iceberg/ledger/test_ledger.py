"""The ledger of a table: written with the rows, alone, by several writers, and whatever becomes of the snapshots."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import BadRequestError
from pyiceberg.table import Table
from pyiceberg.table.update import SetPropertiesUpdate

from cascade.iceberg.append import append_rows
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.changes import Unchanged
from cascade.iceberg.commit import Committed, commit_planned
from cascade.iceberg.expiry_support import PROPERTY_SUPPORT, SUPPORT
from cascade.iceberg.hidden import hidden_properties, with_hidden
from cascade.iceberg.ledger import LedgerEntry, PublishedPartitions, Scheme
from cascade.iceberg.ledger.state import LEDGER, state_of
from cascade.iceberg.merge import MergePlan, merge_rows
from cascade.iceberg.replace import WholeTable, replace_rows
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of
from cascade.notices import notices_to

DAILY = Scheme("daily", "UTC")
MONDAY, TUESDAY, WEDNESDAY = "2024-01-15", "2024-01-16", "2024-01-17"


def entry(day: str | None, version: str = "v1", run: str = "run") -> LedgerEntry:
    return LedgerEntry(run, DAILY if day else Scheme(), day, version)


def merged(
    lakehouse: Lakehouse,
    day: str,
    rows: pa.Table | None = None,
    version: str = "v1",
    branch: str = "main",
    run: str = "run",
) -> Committed[MergePlan]:
    """Run a partition; without rows, its source has none."""
    return merge_rows(
        lakehouse,
        NAME.on(branch),
        batch([], 0) if rows is None else rows,
        ["id"],
        run_id=run,
        partition=day,
        ledger=entry(day, version, run),
    )


def published(lakehouse: Lakehouse) -> dict[str | None, str | None]:
    found = lakehouse.published("raw.counts")
    return {key: found.code_version(key) for key in found}


def properties_of(lakehouse: Lakehouse) -> list[str]:
    return sorted(name for name in lakehouse.require(NAME).properties if name.startswith(LEDGER))


def versions_of(lakehouse: Lakehouse) -> str:
    return lakehouse.require(NAME).metadata_location


def test_a_table_that_no_run_wrote_has_no_ledger(lakehouse: Lakehouse, table: Table) -> None:
    found = lakehouse.published("raw.counts")
    assert isinstance(found, PublishedPartitions)
    assert (found.recorded, len(found), list(found), found.ranges) == (False, 0, [], ())


def test_a_partition_is_published_by_the_commit_of_its_rows(lakehouse: Lakehouse, table: Table) -> None:
    committed = merged(lakehouse, MONDAY, batch([1], 1))
    metadata = lakehouse.require(NAME).metadata
    assert published(lakehouse) == {MONDAY: "v1"}
    assert [entry.snapshot_id for entry in metadata.snapshots] == [committed.snapshot_id]
    assert len(metadata.metadata_log) == 1, "there was one commit"
    merged(lakehouse, WEDNESDAY, batch([3], 1))
    merged(lakehouse, TUESDAY, batch([2], 1))
    [whole] = lakehouse.published("raw.counts").ranges
    assert (whole.first, whole.last, whole.count, whole.code_version) == (MONDAY, WEDNESDAY, 3, "v1")
    merged(lakehouse, TUESDAY, batch([2], 2), "v2")
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v2", WEDNESDAY: "v1"}
    assert lakehouse.published("raw.counts").outdated("v2") == (MONDAY, WEDNESDAY)


def test_an_identical_run_commits_nothing_once_the_ledger_says_so(lakehouse: Lakehouse, table: Table) -> None:
    merged(lakehouse, MONDAY, batch([1], 1))
    before = versions_of(lakehouse)
    assert merged(lakehouse, MONDAY, batch([1], 1), run="again").snapshot_id is None
    assert versions_of(lakehouse) == before
    merged(lakehouse, TUESDAY)
    before = versions_of(lakehouse)
    merged(lakehouse, TUESDAY, run="again")
    assert versions_of(lakehouse) == before


def test_a_run_that_changes_no_row_publishes_without_a_snapshot(lakehouse: Lakehouse, table: Table) -> None:
    merged(lakehouse, MONDAY)
    assert published(lakehouse) == {MONDAY: "v1"} and not lakehouse.require(NAME).snapshots()
    merged(lakehouse, TUESDAY, batch([1], 1))
    assert properties_of(lakehouse) == [LEDGER], "the claim went into the ledger"
    merged(lakehouse, TUESDAY, batch([1], 1), "v2")
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v2"}
    assert len(lakehouse.require(NAME).snapshots()) == 1
    merged(lakehouse, TUESDAY, batch([1], 1), "v1", run="back")
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v1"}


def test_none_publishes_and_changes_nothing(lakehouse: Lakehouse, table: Table) -> None:
    commit_planned(lakehouse, NAME, Unchanged(), summary={}, properties=entry(None))
    assert published(lakehouse) == {None: "v1"}
    assert lakehouse.published("raw.counts").missing(None) == ()


def test_every_disposition_publishes(lakehouse: Lakehouse, table: Table) -> None:
    rows = batch([1], 1)
    replace_rows(lakehouse, NAME, rows, WholeTable(), run_id="1", ledger=entry(None))
    assert published(lakehouse) == {None: "v1"}
    before = versions_of(lakehouse)
    replace_rows(lakehouse, NAME, rows, WholeTable(), run_id="2", ledger=entry(None))
    assert versions_of(lakehouse) == before
    replace_rows(lakehouse, NAME, rows.slice(1), WholeTable(), run_id="3", ledger=entry(None, "v2"))
    assert published(lakehouse) == {None: "v2"} and rows_of(lakehouse) == {}
    clicks = dataclasses.replace(NAME, name="clicks")
    ensure_table(lakehouse, clicks, with_hidden(SCHEMA), properties=hidden_properties())
    for _ in range(2):
        append_rows(lakehouse, clicks, rows, run_id="1", partition=MONDAY, ledger=entry(MONDAY))
    append_rows(lakehouse, clicks, rows.slice(1), run_id="2", partition=TUESDAY, ledger=entry(TUESDAY))
    assert list(lakehouse.published("raw.clicks")) == [MONDAY, TUESDAY]


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Yield how often the catalog refused to let properties change, which it always does."""
    ordinary, refused = SqlCatalog.commit_table, list[int]()

    def commit_table(catalog: SqlCatalog, table: Table, requirements: Any, updates: Any) -> Any:
        if any(isinstance(update, SetPropertiesUpdate) for update in updates):
            refused.append(len(refused))
            raise BadRequestError("properties are read-only")
        return ordinary(catalog, table, requirements, updates)

    monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)
    yield refused
    PROPERTY_SUPPORT._failures.clear()


def test_a_catalog_that_refuses_properties_is_told_of_once(
    lakehouse: Lakehouse, table: Table, refusing: list[int]
) -> None:
    told: list[str] = []
    short = dataclasses.replace(lakehouse, retention=Retention(snapshots=1, days=0, least_age=0))
    with notices_to(told.append):
        for n, day in enumerate((MONDAY, TUESDAY, WEDNESDAY)):
            merged(short, day, batch([n], 1))
        merged(short, "2024-01-18")
    assert len(told) == 1 and "lets no table properties change" in told[0]
    assert len(refusing) == 1
    assert rows_of(short) == {0: 1, 1: 1, 2: 1}
    assert published(short) == dict.fromkeys((MONDAY, TUESDAY, WEDNESDAY), "v1"), "the snapshots say so"
    assert SUPPORT.is_possible(short.uri) and len(short.require(NAME).snapshots()) == 2


def test_a_run_without_rows_succeeds_where_properties_are_refused(
    lakehouse: Lakehouse, table: Table, refusing: list[int]
) -> None:
    told: list[str] = []
    with notices_to(told.append):
        merged(lakehouse, MONDAY)
        merged(lakehouse, TUESDAY)
    assert (len(told), len(refusing), published(lakehouse)) == (1, 1, {})


def test_the_ledger_is_read_once_for_each_text(lakehouse: Lakehouse, table: Table) -> None:
    from cascade.iceberg.ledger.encoding import stored

    merged(lakehouse, MONDAY, batch([1], 1))
    found = lakehouse.require(NAME)
    state_of(found)
    before = stored.cache_info().misses
    for _ in range(3):
        state_of(found)
    assert stored.cache_info().misses == before
