"""Snapshots that expire with a commit, tags and branches that must not, and catalogs that refuse it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import BadRequestError, CommitStateUnknownException
from pyiceberg.table import Table
from pyiceberg.table.update import AssertRefSnapshotId, RemoveSnapshotsUpdate

from cascade.exceptions import CommitRefusedError
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.changes import FileChange, PropertyChange
from cascade.iceberg.commit import Committed, commit_planned
from cascade.iceberg.expiry_support import SUPPORT
from cascade.iceberg.merge import MergePlan, merge_rows
from cascade.iceberg.snapshot.expiry import expiry_of
from cascade.iceberg.snapshot.retention import Retention
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA, batch
from cascade.iceberg.test_lost_answers import answering, lost
from cascade.iceberg.test_snapshots import Changing, ids_of, written

SHORT = Retention(snapshots=3, days=0, least_age=0)


@pytest.fixture
def short(lakehouse: Lakehouse) -> Lakehouse:
    """Return a lakehouse whose tables keep three snapshots, however young they are."""
    short = dataclasses.replace(lakehouse, retention=SHORT)
    ensure_table(short, NAME, SCHEMA)
    return short


def merged(lakehouse: Lakehouse, n: int, branch: str = "main") -> Committed[MergePlan]:
    return merge_rows(lakehouse, NAME.on(branch), batch([n], n), ["id"], run_id=str(n))


def snapshots_of(lakehouse: Lakehouse) -> list[int]:
    return [snapshot.snapshot_id for snapshot in lakehouse.require(NAME).snapshots()]


def tag(lakehouse: Lakehouse, snapshot_id: int, name: str = "kept") -> None:
    lakehouse.require(NAME).manage_snapshots().create_tag(snapshot_id, name).commit()


def expiring(table: Table) -> list[int]:
    _, updates = expiry_of(table, "main", SHORT)
    return [one for update in updates for one in update.snapshot_ids]


def test_the_last_snapshots_stay_readable(short: Lakehouse) -> None:
    for n in range(6):
        merged(short, n)
    table = short.require(NAME)
    assert [len(table.scan(snapshot_id=one.snapshot_id).to_arrow()) for one in table.snapshots()] == [4, 5, 6]
    assert ids_of(table) == [0, 1, 2, 3, 4, 5]


def test_by_default_nothing_young_expires(lakehouse: Lakehouse) -> None:
    ensure_table(lakehouse, NAME, SCHEMA)
    for n in range(22):
        merged(lakehouse, n)
    assert len(snapshots_of(lakehouse)) == 22


def test_tags_and_branches_keep_their_snapshots(short: Lakehouse) -> None:
    first = merged(short, 0).snapshot_id
    assert first is not None
    tag(short, first)
    second = merged(short, 1).snapshot_id
    assert second is not None
    short.require(NAME).manage_snapshots().create_branch(second, "audit").commit()
    for n in range(2, 8):
        merged(short, n)
    assert {first, second} < set(snapshots_of(short))
    merged(short, 100, "audit")
    table = short.require(NAME)
    assert sorted(table.refs()) == ["audit", "kept", "main"]
    assert ids_of(short.require(NAME.on("audit"))) == [0, 1, 100]
    assert ids_of(table) == list(range(8))


def racing(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> list[int]:
    """Let another writer do something just before the next commit that lets snapshots expire."""
    raced = list[int]()

    def race(land: Callable[[], Any]) -> Any:
        if not raced:
            raced.append(1)
            other()
        return land()

    answering(monkeypatch, race)
    return raced


def test_a_tag_on_an_expiring_snapshot_of_another_writer_survives(
    short: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: main has not moved, so the requirement on main is met, and the catalog would drop the tag silently."""
    for n in range(3):
        merged(short, n)
    (oldest,) = expiring(short.require(NAME))
    racing(monkeypatch, lambda: tag(short, oldest))
    assert merged(short, 3).attempts == 2
    table = short.require(NAME)
    assert table.refs()["kept"].snapshot_id == oldest
    assert ids_of(table) == [0, 1, 2, 3]


def test_a_snapshot_that_another_writer_lets_expire_is_a_conflict(
    short: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        merged(short, n)
    (oldest,) = expiring(short.require(NAME))
    racing(monkeypatch, lambda: short.require(NAME).maintenance.expire_snapshots().by_id(oldest).commit())
    assert merged(short, 3).attempts == 2
    assert ids_of(short.require(NAME)) == [0, 1, 2, 3]


def test_a_commit_to_another_branch_meanwhile_is_a_conflict(short: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    head = merged(short, 0).snapshot_id
    assert head is not None
    short.require(NAME).manage_snapshots().create_branch(head, "audit").commit()
    racing(monkeypatch, lambda: merged(short, 50, "audit"))
    assert merged(short, 1).attempts == 2
    assert ids_of(short.require(NAME)) == [0, 1]
    assert ids_of(short.require(NAME.on("audit"))) == [0, 50]


def test_a_branch_keeps_its_own_settings(short: Lakehouse) -> None:
    head = merged(short, 0).snapshot_id
    assert head is not None
    settings: dict[str, int] = {"max_ref_age_ms": 10**12, "max_snapshot_age_ms": 10**11, "min_snapshots_to_keep": 4}
    short.require(NAME).manage_snapshots().create_branch(head, "audit", **settings).commit()
    merged(short, 1, "audit")
    ref = short.require(NAME).refs()["audit"]
    assert {name: getattr(ref, name) for name in settings} == settings


def test_a_server_gets_only_requirements_that_it_knows(short: Lakehouse) -> None:
    first = merged(short, 0).snapshot_id
    assert first is not None
    for n in range(1, 4):
        merged(short, n)
    tag(short, snapshots_of(short)[-1])
    table = short.require(NAME)
    table.catalog = cast("Catalog", object())  # it validates requirements elsewhere
    requirements, (removal,) = expiry_of(table, "main", SHORT)
    assert isinstance(removal, RemoveSnapshotsUpdate)
    assert [(type(one), getattr(one, "ref", None)) for one in requirements] == [(AssertRefSnapshotId, "kept")]


def refusing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[bool]:
    """Let the catalog refuse each commit that lets snapshots expire. Return what each commit asked for."""
    ordinary, asked = SqlCatalog.commit_table, list[bool]()

    def commit_table(catalog: SqlCatalog, table: Table, requirements: Any, updates: Any) -> Any:
        asked.append(any(isinstance(update, RemoveSnapshotsUpdate) for update in updates))
        if asked[-1]:
            raise error
        return ordinary(catalog, table, requirements, updates)

    monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)
    return asked


def test_a_catalog_that_refuses_expiry_is_asked_once(short: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = refusing(monkeypatch, BadRequestError("this catalog does not allow external snapshot management"))
    for n in range(6):
        merged(short, n)
    assert asked == [False, False, False, True, False, False, False]
    assert len(snapshots_of(short)) == 6
    assert not SUPPORT.is_possible(short.uri)


def test_a_catalog_that_never_answers_an_expiry_is_not_asked_forever(
    short: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cascade.iceberg import committer

    monkeypatch.setattr(committer, "_UNANSWERED_WAIT_SECONDS", 0.0)
    asked = refusing(monkeypatch, CommitStateUnknownException("500"))
    for n in range(8):
        merged(short, n)
    assert asked == [False] * 3 + [True, False] * 3 + [False] * 2
    assert ids_of(short.require(NAME)) == list(range(8))


def test_a_catalog_that_refuses_everything_is_asked_again_next_time(
    short: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        merged(short, n)
    sent = answering(monkeypatch, *[lost(BadRequestError("no"))] * 2)
    with pytest.raises(CommitRefusedError):
        merged(short, 3)
    assert sent == [0, 1]
    assert SUPPORT.is_possible(short.uri)


def test_old_metadata_files_leave_with_the_log_if_the_table_asks_for_it(lakehouse: Lakehouse) -> None:
    properties = {"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "2"}
    ensure_table(lakehouse, NAME, SCHEMA, properties=properties)
    for n in range(5):
        merged(lakehouse, n)
    table = lakehouse.require(NAME)
    there = {str(path) for path in Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.metadata.json")}
    known = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    assert there == {path.removeprefix("file://") for path in known}
    assert len(there) == 3


def test_lost_races_leave_at_most_one_metadata_file_each(short: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pyiceberg's SQL catalog writes the metadata before it knows whether it won. Maintenance removes the rest."""
    for n in range(3):
        racing(monkeypatch, lambda n=n: merged(short, 10 + n))  # type: ignore[misc]
        merged(short, n)
        monkeypatch.undo()
    table = short.require(NAME)
    there = {str(path) for path in Path(short.warehouse.removeprefix("file://")).rglob("*.metadata.json")}
    known = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    assert {path.removeprefix("file://") for path in known} <= there
    assert len(there) <= len(known) + 3
    assert ids_of(table) == [0, 1, 2, 10, 11, 12]


def test_files_of_expired_snapshots_are_left_to_maintenance(short: Lakehouse) -> None:
    """What a retained snapshot or a slow reader may need is never removed by a commit."""
    for n in range(8):
        merged(short, 0 if n % 2 else n)
    table = short.require(NAME)
    needed = {one.manifest_list for one in table.snapshots()}
    needed |= {manifest.manifest_path for one in table.snapshots() for manifest in one.manifests(table.io)}
    there = {str(path) for path in Path(short.warehouse.removeprefix("file://")).rglob("*.avro")}
    assert {path.removeprefix("file://") for path in needed} < there


def test_properties_change_in_the_same_commit(short: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are derived from the state that the snapshot replaces, in each attempt."""
    table = short.require(NAME)
    with table.transaction() as transaction:
        transaction.set_properties({"pending": "1"})

    class Counted:
        def with_snapshot(self, table: Table, branch: str, snapshot_id: int) -> PropertyChange:
            return PropertyChange(
                {"count": str(int(table.properties.get("count", 0)) + 1)},
                [name for name in table.properties if name == "pending"],
            )

        def alone(self, table: Table, branch: str) -> PropertyChange:
            return PropertyChange()

    def commit(n: int) -> int:
        change = Changing(FileChange(added=tuple(written(short.require(NAME), [n]))))
        return commit_planned(short, NAME, change, summary={}, properties=Counted()).attempts

    racing(monkeypatch, lambda: commit(1))
    assert commit(2) == 2
    properties = short.require(NAME).properties
    assert properties["count"] == "2" and "pending" not in properties
    assert ids_of(short.require(NAME)) == [1, 2]
