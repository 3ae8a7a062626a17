from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.refs import SnapshotRef
from pyiceberg.table.snapshots import Snapshot, SnapshotLogEntry
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.types import LongType, NestedField

from cascade.iceberg.snapshot.retention import Retention, expired_snapshots

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 20_000 * DAY + 12 * HOUR
SCHEMA = Schema(NestedField(1, "id", LongType(), required=True))


def snapshot(number: int, parent: int | None, at: int) -> Snapshot:
    fields: dict[str, Any] = {
        "snapshot-id": number,
        "parent-snapshot-id": parent,
        "sequence-number": number,
        "timestamp-ms": at,
        "manifest-list": f"list-{number}",
    }
    return Snapshot(**fields)


def ref(snapshot_id: int, kind: str = "branch", **fields: Any) -> SnapshotRef:
    values: dict[str, Any] = {"snapshot-id": snapshot_id, "type": kind, **fields}
    return SnapshotRef(**values)


def metadata_of(
    snapshots: Sequence[Snapshot],
    refs: dict[str, SnapshotRef],
    *,
    main: Sequence[int] | None = None,
    properties: dict[str, str] | None = None,
) -> TableMetadata:
    """Return the metadata of a table, with the snapshots of main in its log."""
    metadata = new_table_metadata(SCHEMA, UNPARTITIONED_PARTITION_SPEC, UNSORTED_SORT_ORDER, "memory", properties or {})
    log = []
    for one in snapshots:
        if main is None or one.snapshot_id in main:
            fields: dict[str, Any] = {"snapshot-id": one.snapshot_id, "timestamp-ms": one.timestamp_ms}
            log.append(SnapshotLogEntry(**fields))
    return metadata.model_copy(update={"snapshots": list(snapshots), "refs": refs, "snapshot_log": log})


def line(ages: Sequence[int]) -> list[Snapshot]:
    """Return a line of snapshots of these ages, the oldest first."""
    return [snapshot(n, n - 1 if n > 1 else None, NOW - age) for n, age in enumerate(ages, 1)]


def test_the_newest_and_one_of_each_day_stay() -> None:
    # Ten snapshots on each of the last twelve days.
    ages = sorted((day * DAY + n * HOUR for day in range(12) for n in range(10)), reverse=True)
    metadata = metadata_of(line(ages), {"main": ref(120)})
    dead = expired_snapshots(metadata, "main", Retention(), NOW)
    kept = [one for one in metadata.snapshots if one.snapshot_id not in dead]
    # The next snapshot is the twentieth.
    assert [one.snapshot_id for one in kept[-19:]] == list(range(102, 121))
    days = [one.timestamp_ms // DAY - NOW // DAY for one in kept[:-19]]
    assert days == [-7, -6, -5, -4, -3, -2]
    assert all(
        one.timestamp_ms
        == max(s.timestamp_ms for s in metadata.snapshots if s.timestamp_ms // DAY == one.timestamp_ms // DAY)
        for one in kept[:-19]
    )


def test_what_a_rollback_has_left_stays_as_long_as_any_other() -> None:
    left = line([9 * HOUR, 8 * HOUR, 7 * HOUR])
    undone = [*left, snapshot(4, 2, NOW - 6 * HOUR)]
    assert expired_snapshots(metadata_of(undone, {"main": ref(4)}), "main", Retention(), NOW) == []
    # The next snapshot is the third.
    assert expired_snapshots(metadata_of(undone, {"main": ref(4)}), "main", Retention(snapshots=3), NOW) == [1]


def test_nothing_young_expires() -> None:
    metadata = metadata_of(line([11 * MINUTE, *range(9 * MINUTE, 0, -1000)]), {"main": ref(541)})
    assert expired_snapshots(metadata, "main", Retention(days=0), NOW) == [1]
    assert expired_snapshots(metadata, "main", Retention(snapshots=0), NOW) == []
    assert len(expired_snapshots(metadata, "main", Retention(days=0, least_age=0), NOW)) == 200


def test_a_fast_clock_of_this_writer_does_not_expire_what_others_just_wrote() -> None:
    metadata = metadata_of(line(list(range(100_000, 0, -1000))), {"main": ref(100)})
    assert expired_snapshots(metadata, "main", Retention(days=0), NOW + 2 * HOUR) == []


@pytest.mark.parametrize(
    ("properties", "fields", "kept"),
    [
        ({}, {}, 20),
        ({"history.expire.min-snapshots-to-keep": "30"}, {}, 30),
        ({"history.expire.min-snapshots-to-keep": "3"}, {}, 20),
        ({"history.expire.max-snapshot-age-ms": str(40 * HOUR + 1)}, {}, 42),
        ({"history.expire.max-snapshot-age-ms": "five days"}, {}, 101),
        ({"gc.enabled": "false"}, {}, 101),
        ({}, {"min-snapshots-to-keep": 35}, 35),
        ({}, {"max-snapshot-age-ms": 50 * HOUR + 1}, 52),
    ],
)
def test_what_a_table_asks_for_is_kept_in_addition(
    properties: dict[str, str], fields: dict[str, Any], kept: int
) -> None:
    metadata = metadata_of(
        line([n * HOUR for n in range(100, 0, -1)]), {"main": ref(100, **fields)}, properties=properties
    )
    # The newest is an hour old, and ages count from it.
    dead = expired_snapshots(metadata, "main", Retention(days=0), NOW)
    assert 100 - len(dead) + 1 == kept


def test_days_are_those_of_main_even_where_expired_snapshots_interrupt_its_line() -> None:
    old = [snapshot(1, None, NOW - 3 * DAY), snapshot(2, None, NOW - 3 * DAY + HOUR)]
    other = snapshot(3, 2, NOW - 3 * DAY + 2 * HOUR)
    recent = [snapshot(4, None, NOW - 2 * HOUR), snapshot(5, 4, NOW - HOUR)]
    metadata = metadata_of([*old, other, *recent], {"main": ref(5), "audit": ref(3)}, main=[1, 2, 4, 5])
    assert expired_snapshots(metadata, "main", Retention(snapshots=1), NOW) == [1, 4]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_the_history_heads_tags_the_young_and_the_newest_stay(data: st.DataObject) -> None:
    ages = data.draw(st.lists(st.integers(0, 10 * DAY), min_size=1, max_size=40).map(lambda ages: sorted(ages)[::-1]))
    snapshots: list[Snapshot] = []
    for number, age in enumerate(ages, 1):
        parent = data.draw(st.sampled_from([None, *range(1, number)]), "parent")
        snapshots.append(snapshot(number, parent, NOW - age))
    ids = st.integers(1, len(ages))
    refs = {"main": ref(data.draw(ids, "main"))}
    for name in data.draw(st.lists(st.sampled_from("abcd"), unique=True)):
        refs[name] = ref(data.draw(ids, name), data.draw(st.sampled_from(["branch", "tag"])))
    retention = Retention(data.draw(st.integers(1, 5)), data.draw(st.integers(0, 8)))
    branch = data.draw(st.sampled_from([name for name in refs if refs[name].snapshot_ref_type == "branch"]))
    metadata = metadata_of(snapshots, refs)
    dead = set(expired_snapshots(metadata, branch, retention, NOW))
    assert not dead & {one.snapshot_id for one in refs.values()}
    assert all(NOW - one.timestamp_ms >= 10 * MINUTE for one in snapshots if one.snapshot_id in dead)
    for name, one in refs.items():
        chain, head = list[int](), one.snapshot_id if one.snapshot_ref_type == "branch" else None
        while head is not None and len(chain) < retention.snapshots - (name == branch):
            chain.append(head)
            head = snapshots[head - 1].parent_snapshot_id
        assert not dead & set(chain)
