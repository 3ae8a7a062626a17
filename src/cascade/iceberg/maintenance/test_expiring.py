from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import ForbiddenError
from pyiceberg.table.update import RemoveSnapshotsUpdate

from cascade.iceberg import merge_rows
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.commit import commit_planned
from cascade.iceberg.expiry_support import SUPPORT
from cascade.iceberg.heads import AuditBranch
from cascade.iceberg.maintenance.conftest import maintained
from cascade.iceberg.maintenance.expiring import expire
from cascade.iceberg.merge import MergePlanner
from cascade.iceberg.snapshot.retention import DEFAULT_RETENTION
from cascade.iceberg.test_commit import NAME, batch, rows_of


@pytest.fixture
def history(lakehouse: Lakehouse) -> Lakehouse:
    """Return a lakehouse whose table has five snapshots, two of which need not stay."""
    keeping = replace(lakehouse, retention=replace(lakehouse.retention, snapshots=0))
    for n in range(4):
        if n == 3:
            audit(keeping, retention=1.0)
        merge_rows(keeping, NAME, batch(range(1000), n), ["id"], run_id=str(n))
    return lakehouse


def audit(lakehouse: Lakehouse, retention: float) -> None:
    branch = AuditBranch.of("bad", retention)
    commit_planned(lakehouse, NAME, MergePlanner(batch(range(5), 77), ("id",)), summary={}, audit=branch)


def snapshots(lakehouse: Lakehouse) -> int:
    return len(lakehouse.require(NAME).snapshots())


def test_old_snapshots_expire_without_a_new_one(history: Lakehouse) -> None:
    head, before = history.require(NAME).current_snapshot(), rows_of(history)
    preview = maintained(history, dry_run=True)
    assert snapshots(history) == 5
    done = maintained(history)
    assert (done.snapshots, done.branches) == (2, ()) == (preview.snapshots, preview.branches)
    assert history.require(NAME).current_snapshot() == head
    assert rows_of(history) == before
    assert maintained(history).snapshots == 0


def test_branches_go_when_they_are_overdue_and_their_snapshots_with_them(history: Lakehouse) -> None:
    later = time.time() + 60
    done = expire(history, NAME, later)
    assert (done.branches, done.snapshots) == (("audit_bad",), 3)
    assert set(history.require(NAME).metadata.refs) == {"main"}


def test_tags_and_the_snapshots_of_the_settings_stay(history: Lakehouse) -> None:
    table = history.require(NAME)
    first = table.snapshots()[0].snapshot_id
    table.manage_snapshots().create_tag(first, "report").commit()
    assert maintained(history).snapshots == 1
    assert history.require(NAME).snapshot_by_id(first) is not None
    assert maintained(replace(history, retention=DEFAULT_RETENTION)).snapshots == 0


def test_a_tag_that_is_new_at_this_moment_is_kept(history: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, tagged = SqlCatalog.commit_table, list[int]()

    def raced(self: SqlCatalog, table: Any, requirements: Any, updates: Any) -> Any:
        if not tagged:
            first = history.require(NAME).snapshots()[0].snapshot_id
            tagged.append(first)
            history.require(NAME).manage_snapshots().create_tag(first, "report").commit()
        return commit(self, table, requirements, updates)

    monkeypatch.setattr(SqlCatalog, "commit_table", raced)
    assert maintained(history).snapshots == 1
    assert history.require(NAME).metadata.refs["report"].snapshot_id == tagged[0]


def test_a_catalog_that_lets_nothing_expire_still_loses_its_overdue_branches(
    history: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = SqlCatalog.commit_table

    def refuses(self: SqlCatalog, table: Any, requirements: Any, updates: Any) -> Any:
        if any(isinstance(update, RemoveSnapshotsUpdate) for update in updates):
            raise ForbiddenError("not here")
        return commit(self, table, requirements, updates)

    monkeypatch.setattr(SqlCatalog, "commit_table", refuses)
    try:
        done = expire(history, NAME, time.time() + 60)
    finally:
        SUPPORT.worked(history.uri)
    assert (done.branches, done.snapshots) == (("audit_bad",), 0)
    assert snapshots(history) == 5
