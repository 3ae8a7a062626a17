"""The ledger of a table: written with the rows, alone, by several writers, and whatever becomes of the snapshots."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import BadRequestError, CommitStateUnknownException
from pyiceberg.table import Table
from pyiceberg.table.update import SetPropertiesUpdate

from cascade.exceptions import CommitError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import commit
from cascade.iceberg.append import append_rows
from cascade.iceberg.attempt import Unchanged
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.commit import Committed, commit_planned
from cascade.iceberg.conftest import Settings
from cascade.iceberg.expiry_support import PROPERTY_SUPPORT, SUPPORT
from cascade.iceberg.hidden import hidden_properties, with_hidden
from cascade.iceberg.ledger import LedgerEntry, PublishedPartitions, Scheme
from cascade.iceberg.ledger import entry as entries
from cascade.iceberg.ledger.contents import Contents
from cascade.iceberg.ledger.encoding import Claim
from cascade.iceberg.ledger.state import CLAIM_PREFIX, LEDGER, state_of
from cascade.iceberg.merge import MergePlan, merge_rows
from cascade.iceberg.replace import WholeTable, replace_rows
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch, rows_of
from cascade.iceberg.test_lost_answers import answering, landed_but, lost
from cascade.notices import notices_to

DAILY = Scheme("daily", "UTC")
MONDAY, TUESDAY, WEDNESDAY = "2024-01-15", "2024-01-16", "2024-01-17"
MOST = 4
TIMEOUT = CommitStateUnknownException("504 Gateway Timeout")


@pytest.fixture
def table(lakehouse: Lakehouse) -> Table:
    return ensure_table(lakehouse, NAME, SCHEMA)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "_UNANSWERED_WAIT_SECONDS", 0.01)


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


def during(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen just before the next commit reaches the catalog."""
    ordinary, acts = SqlCatalog.commit_table, iter([act])

    def commit_table(catalog: SqlCatalog, *args: Any) -> Any:
        for each in acts:
            each()
        return ordinary(catalog, *args)

    monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)


def test_two_claims_from_one_state_are_both_kept(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    during(monkeypatch, lambda: merged(lakehouse, TUESDAY, run="other"))
    merged(lakehouse, MONDAY)
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v1"}


def test_a_claim_that_lands_while_rows_are_committed_is_kept(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(lakehouse, MONDAY, batch([1], 1))
    during(monkeypatch, lambda: merged(lakehouse, WEDNESDAY, run="other"))
    merged(lakehouse, TUESDAY, batch([2], 1))
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v1", WEDNESDAY: "v1"}
    assert len(properties_of(lakehouse)) == 2, "the commit had not read the claim, so it did not remove it"
    merged(lakehouse, TUESDAY, batch([2], 2))
    assert properties_of(lakehouse) == [LEDGER]
    assert published(lakehouse) == {MONDAY: "v1", TUESDAY: "v1", WEDNESDAY: "v1"}


def test_a_claim_that_lands_before_newer_rows_of_its_partition_does_not_outdo_them(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(lakehouse, MONDAY, batch([1], 1), "v0")
    during(monkeypatch, lambda: merged(lakehouse, MONDAY, batch([1], 1), "v1", run="other"))
    merged(lakehouse, MONDAY, batch([1], 2), "v2")
    assert published(lakehouse) == {MONDAY: "v2"}
    merged(lakehouse, TUESDAY, batch([2], 2), "v2")
    assert published(lakehouse) == {MONDAY: "v2", TUESDAY: "v2"}


def test_a_claim_that_comes_after_rows_is_checked_again(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run found its rows in the table; before it says so, another run replaces them."""
    merged(lakehouse, MONDAY, batch([1], 1), "v0")
    during(monkeypatch, lambda: merged(lakehouse, MONDAY, batch([1], 2), "v2", run="other"))
    assert merged(lakehouse, MONDAY, batch([1], 1), "v1").snapshot_id is not None
    assert published(lakehouse) == {MONDAY: "v1"} and rows_of(lakehouse) == {1: 1}


def test_many_claims_become_one(lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "_MOST_CLAIMS", MOST)
    days = [f"2024-01-{day:02}" for day in range(1, 3 * MOST)]
    for day in days:
        merged(lakehouse, day, run=f"run {day}")
        assert len(properties_of(lakehouse)) <= MOST
    assert published(lakehouse) == dict.fromkeys(days, "v1")
    merged(lakehouse, days[0], batch([1], 1))
    assert published(lakehouse) == dict.fromkeys(days, "v1") and properties_of(lakehouse) == [LEDGER]


def test_a_claim_that_another_took_in_is_not_removed_twice(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyiceberg raises a KeyError for a property that is gone."""
    monkeypatch.setattr(entries, "_MOST_CLAIMS", MOST)
    days = [f"2024-02-{day:02}" for day in range(1, 1 + MOST)]
    for day in days:
        merged(lakehouse, day, run=f"run {day}")
    with monkeypatch.context() as patch:
        during(patch, lambda: merged(lakehouse, TUESDAY, run="other"))
        assert merged(lakehouse, MONDAY).snapshot_id is None
    assert published(lakehouse) == dict.fromkeys([*days, MONDAY, TUESDAY], "v1")
    for n in range(MOST - len(properties_of(lakehouse))):
        merged(lakehouse, f"2024-04-{n + 1:02}", run=f"more {n}")
    assert len(properties_of(lakehouse)) == MOST
    during(monkeypatch, lambda: merged(lakehouse, "2024-05-02", run="another"))
    merged(lakehouse, "2024-05-01", batch([1], 1))
    assert {"2024-05-01", "2024-05-02", MONDAY, *days} <= published(lakehouse).keys()


@pytest.mark.parametrize("answer", [lost(TIMEOUT), landed_but(TIMEOUT)])
@pytest.mark.parametrize("rows", [None, batch([1], 1)])
def test_an_answer_that_is_lost_leaves_the_ledger_right(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch, answer: Any, rows: pa.Table | None
) -> None:
    answering(monkeypatch, answer)
    merged(lakehouse, MONDAY, rows)
    assert published(lakehouse) == {MONDAY: "v1"}
    assert len(properties_of(lakehouse)) == 1


def test_a_catalog_that_never_answers_fails_a_run_without_rows(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, *[lost(TIMEOUT)] * 9)
    with pytest.raises(CommitError, match="did not answer 5 times"):
        merged(lakehouse, MONDAY)


@pytest.mark.parametrize("point", [FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH])
@pytest.mark.parametrize("rows", [None, batch([1], 1)])
def test_a_crash_never_sets_ledger_and_rows_apart(
    lakehouse: Lakehouse, table: Table, point: FaultPoint, rows: pa.Table | None
) -> None:
    if rows is not None or point is not FaultPoint.WRITE:
        with pytest.raises(SimulatedCrash), fault_point_armed(point):
            merged(lakehouse, MONDAY, rows)
    landed = point is FaultPoint.PUBLISH
    assert published(lakehouse) == ({MONDAY: "v1"} if landed else {})
    assert rows_of(lakehouse) == ({1: 1} if landed and rows is not None else {})
    merged(lakehouse, MONDAY, rows, run="again")
    assert published(lakehouse) == {MONDAY: "v1"}
    assert len(lakehouse.require(NAME).snapshots()) == (rows is not None)


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


def test_the_name_of_a_claim_has_the_partition_and_the_run(lakehouse: Lakehouse, table: Table) -> None:
    merged(lakehouse, MONDAY, run="a/b c")
    assert properties_of(lakehouse) == [f"{CLAIM_PREFIX}2024-01-15.a%2Fb%20c"]


PROCESS = """
import sys
from pathlib import Path
from cascade.iceberg.conftest import Settings
from cascade.iceberg import ensure_table, open_lakehouse
from cascade.iceberg.ledger.test_ledger import merged
from cascade.iceberg.test_commit import NAME, SCHEMA, batch

directory, writer = Path(sys.argv[1]), int(sys.argv[2])
lakehouse = open_lakehouse(Settings(directory))
ensure_table(lakehouse, NAME, SCHEMA)
for turn in range(8):
    day = 8 * writer + turn
    merged(lakehouse, f"2024-01-{day + 1:02}", batch([day], 1) if turn % 2 else None, run=f"{writer}-{turn}")
    # A partition that all writers run, with the same rows.
    merged(lakehouse, "2024-02-01", batch([100], 1), f"v{turn}", run=f"{writer}-{turn}")
"""


def test_nothing_is_lost_when_processes_publish_at_the_same_time(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path), str(writer)], env=environment)
        for writer in range(3)
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0, 0]
    lakehouse = open_lakehouse(Settings(tmp_path))
    days = [f"2024-01-{day + 1:02}" for day in range(24)]
    found = published(lakehouse)
    assert found.pop("2024-02-01") in {f"v{turn}" for turn in range(8)}
    assert found == dict.fromkeys(days, "v1")
    assert rows_of(lakehouse) == dict.fromkeys([*(day for day in range(24) if day % 2), 100], 1)
