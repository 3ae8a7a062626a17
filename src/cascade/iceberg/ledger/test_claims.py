"""Runs that publish without rows, several at once, and the claims that they make."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from cascade.exceptions import CommitError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.ledger import entry as entries
from cascade.iceberg.ledger.state import CLAIM_PREFIX, LEDGER
from cascade.iceberg.ledger.test_ledger import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    merged,
    properties_of,
    published,
)
from cascade.iceberg.test_commit import NAME, batch, rows_of
from cascade.iceberg.test_lost_answers import TIMEOUT, answering, landed_but, lost

MOST = 4


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
