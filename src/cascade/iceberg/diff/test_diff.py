from __future__ import annotations

import re
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, ListType, LongType, NestedField, StringType, UUIDType

from cascade.exceptions import UsageError
from cascade.iceberg import ensure_table, merge_rows
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.diff import RowDiff, diff_tables, difference, point_of
from cascade.iceberg.diff.changed_files import changed_rows
from cascade.iceberg.merge.versions import Versions
from cascade.iceberg.replace import WholeTable, replace_rows
from cascade.iceberg.rollback import plan_rollback, roll_back
from cascade.iceberg.snapshot.retention import Retention
from cascade.table_ref import TableRef

COUNTS = TableRef("raw", "counts")
ID = NestedField(1, "id", LongType(), required=True)
N = NestedField(2, "n", LongType(), required=False)
KEYED = Schema(ID, N, identifier_field_ids=[1])
FREE = Schema(NestedField(1, "id", LongType(), required=False), N)


def table_of(rows: dict[int, int]) -> pa.Table:
    return pa.table({"id": pa.array(rows, pa.int64()), "n": pa.array(rows.values(), pa.int64())})


def merged(lakehouse: Lakehouse, rows: dict[int, int], ref: TableRef = COUNTS) -> str:
    return str(merge_rows(lakehouse, ref, table_of(rows), ["id"], run_id="run").snapshot_id)


def diff(lakehouse: Lakehouse, before: str, after: str) -> RowDiff:
    table = lakehouse.require(COUNTS)
    return diff_tables(point_of(table, before), point_of(table, after))


@pytest.fixture
def counts(lakehouse: Lakehouse) -> Lakehouse:
    ensure_table(lakehouse, COUNTS, KEYED)
    return lakehouse


def test_added_removed_and_changed_rows_are_counted_and_shown(counts: Lakehouse) -> None:
    first = merged(counts, {1: 10, 2: 20, 3: 30})
    replace_rows(counts, COUNTS, table_of({1: 10, 2: 21, 4: 40}), WholeTable(), unique_key=("id",), run_id="run")
    found = diff(counts, first, "main")
    assert (found.added, found.removed, found.changed) == (1, 1, 1)
    assert found.changed_columns == {"n": 1}
    assert found.added_rows == ({"id": 4, "n": 40},)
    assert found.removed_rows == ({"id": 3, "n": 30},)
    [changed] = found.changed_rows
    assert (changed.key, changed.before, changed.after) == ({"id": 2}, {"n": 20}, {"n": 21})
    back = diff(counts, "main", first)
    assert (back.added_rows, back.removed_rows) == (found.removed_rows, found.added_rows)


def test_a_table_equals_itself(counts: Lakehouse) -> None:
    assert not diff(counts, "main", "main")
    merged(counts, {1: 10})
    assert not diff(counts, "main", "main")


def test_only_files_that_differ_are_opened(counts: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    first = merged(counts, dict.fromkeys(range(10), 0))
    merged(counts, {100: 1})
    opened: list[str] = []
    ordinary = type(counts.require(COUNTS).io).new_input

    def new_input(self: object, path: str) -> object:
        opened.append(path)
        return ordinary(self, path)  # type: ignore[arg-type]

    table = counts.require(COUNTS)
    before, after = point_of(table, first), point_of(table, "main")
    files = len(table.inspect.files())
    monkeypatch.setattr(type(table.io), "new_input", new_input)
    assert diff_tables(before, after).added == 1
    assert files == 2 and len([path for path in opened if path.endswith(".parquet")]) == 1


def test_examples_leave_out_columns_that_must_not_be_shown(counts: Lakehouse) -> None:
    first = merged(counts, {1: 10, 2: 20})
    merged(counts, {1: 11, 3: 30})
    table = counts.require(COUNTS)
    found = diff_tables(point_of(table, first), point_of(table, "main"), shown=lambda names: ["id"])
    assert found.changed_columns == {"n": 1}
    assert found.added_rows == ({"id": 3},)
    assert found.changed_rows[0].before == {}


def test_a_schema_that_changed_is_told(counts: Lakehouse) -> None:
    first = merged(counts, {1: 10})
    ensure_table(
        counts, COUNTS, Schema(ID, N, NestedField(3, "note", StringType(), required=False), identifier_field_ids=[1])
    )
    merged(counts, {1: 10, 2: 20})
    found = diff(counts, first, "main")
    assert found.schema_changes == ("The column note was added: string.",)
    assert (found.added, found.changed) == (1, 0)


def test_columns_of_every_kind_are_compared(lakehouse: Lakehouse) -> None:
    ref = TableRef("raw", "kinds")
    schema = Schema(
        NestedField(1, "id", UUIDType(), required=True),
        NestedField(2, "share", DoubleType()),
        NestedField(3, "tags", ListType(4, StringType(), element_required=False)),
        identifier_field_ids=[1],
    )
    ensure_table(lakehouse, ref, schema)
    one, two = uuid.UUID(int=1).bytes, uuid.UUID(int=2).bytes

    def write(shares: list[float], tags: list[list[str | None] | None]) -> str:
        keys = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([one, two], pa.binary(16)))
        rows = pa.table({"id": keys, "share": shares, "tags": pa.array(tags, pa.list_(pa.string()))})
        return str(merge_rows(lakehouse, ref, rows, ["id"], run_id="run").snapshot_id)

    nan = float("nan")
    first, second = write([nan, 1.0], [["a", None], None]), write([nan, 2.0], [["a", "b"], None])
    table = lakehouse.require(ref)
    found = diff_tables(point_of(table, first), point_of(table, second))
    assert (found.changed, found.changed_columns) == (2, {"share": 1, "tags": 1})


def test_rows_without_a_key_are_counted_as_often_as_they_occur(lakehouse: Lakehouse) -> None:
    ensure_table(lakehouse, COUNTS, FREE)

    def write(*ids: int | None) -> str:
        rows = pa.table({"id": pa.array(ids, pa.int64()), "n": pa.nulls(len(ids), pa.int64())})
        return str(replace_rows(lakehouse, COUNTS, rows, WholeTable(), run_id="run").snapshot_id)

    first, second = write(1, 1, 2, None), write(1, 2, 2, 2, None)
    found = diff(lakehouse, first, second)
    assert (found.added, found.removed, found.changed) == (2, 1, 0)
    assert found.added_rows == ({"id": 2, "n": None},) * 2


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["merge", "replace", "delete"]), st.dictionaries(st.integers(0, 30), st.integers(0, 2))
        ),
        min_size=2,
        max_size=5,
    )
)
def test_the_diff_of_any_two_snapshots_is_that_of_their_rows(steps: list[tuple[str, dict[int, int]]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        lakehouse = open_lakehouse(Settings(Path(directory)))
        ensure_table(lakehouse, COUNTS, KEYED)
        model: dict[int, int] = {}
        states: dict[str, dict[int, int]] = {}
        for kind, rows in [("merge", dict.fromkeys(range(12), 0)), *steps]:
            if kind == "replace":
                model = dict(rows)
                replace_rows(lakehouse, COUNTS, table_of(rows), WholeTable(), unique_key=("id",), run_id="run")
            elif kind == "merge":
                model = {**model, **rows}
                merged(lakehouse, rows)
            else:
                # A row is deleted if its `n` is not null.
                model = {key: value for key, value in model.items() if key not in rows}
                merge_rows(lakehouse, COUNTS, table_of(rows), ["id"], run_id="run", versions=Versions(hard_delete="n"))
            states[str(lakehouse.require(COUNTS).metadata.current_snapshot_id)] = dict(model)
        for first, before in states.items():
            for second, after in states.items():
                found = diff(lakehouse, first, second)
                changed = Counter(before[key] != after[key] for key in before.keys() & after.keys())[True]
                assert (found.added, found.removed, found.changed) == (
                    len(after.keys() - before.keys()),
                    len(before.keys() - after.keys()),
                    changed,
                )


def test_points_are_branches_tags_snapshots_and_times(counts: Lakehouse) -> None:
    empty = datetime.now(UTC) - timedelta(seconds=1)
    first = merged(counts, {1: 10})
    table = counts.require(COUNTS)
    table.manage_snapshots().create_tag(int(first), "start").commit()
    between = datetime.fromtimestamp(table.metadata.last_updated_ms / 1000 + 0.0005, UTC)
    second = merged(counts, {1: 11})
    table = counts.require(COUNTS)

    def found(text: str) -> str:
        return str(table_id) if (table_id := point_of(table, text).table.metadata.current_snapshot_id) else "none"

    assert [found(text) for text in ("main", "start", second, first)] == [second, first, second, first]
    assert found(between.isoformat()) == first
    assert found(f"{datetime.now(UTC):%Y-%m-%d}") == second
    assert found(empty.replace(tzinfo=None).isoformat()) == "none"


def test_points_that_do_not_exist_are_explained(counts: Lakehouse) -> None:
    merged(counts, {1: 10})
    eager = replace(counts, retention=Retention(snapshots=1, days=0, least_age=0))
    merged(eager, {1: 11})
    merged(eager, {1: 12})
    table = counts.require(COUNTS)
    for text, message in {
        "mian": 'no branch or tag "mian". Did you mean "main"',
        "1234567": "no snapshot 1234567, or it has expired",
        "2020-01-01": r"had at 2020-01-01 has expired. The oldest one that is left is of \d{4}-",
    }.items():
        with pytest.raises(UsageError, match=message):
            point_of(table, text)


def test_a_time_whose_snapshot_has_expired_is_not_taken_for_an_older_state(counts: Lakehouse) -> None:
    first = merged(counts, {1: 10})
    with counts.require(COUNTS).manage_snapshots() as manage:
        manage.create_tag(int(first), "kept")
    times = {}
    eager = replace(counts, retention=Retention(snapshots=1, days=0, least_age=0))
    for n in (11, 12, 13, 14):
        time.sleep(0.002)
        times[n] = datetime.now(UTC).isoformat()
        time.sleep(0.002)
        merged(eager, {1: n})
    table = counts.require(COUNTS)
    assert len(table.snapshots()) == 3
    for at in (times[12], times[13]):
        with pytest.raises(UsageError, match=f"had at {re.escape(at)} has expired"):
            point_of(table, at)
    now = datetime.now(UTC).isoformat()
    assert point_of(table, now).table.current_snapshot() == table.current_snapshot()


def test_states_between_rollbacks_are_found(counts: Lakehouse) -> None:
    at: dict[int, str] = {}
    snapshots: dict[int, str] = {}
    for step in range(5):
        if step == 2:
            roll_back(counts, plan_rollback(counts.require(COUNTS), COUNTS, snapshots[0]))
            snapshots[step] = snapshots[0]
        elif step == 4:
            roll_back(counts, plan_rollback(counts.require(COUNTS), COUNTS, snapshots[1]))
            snapshots[step] = snapshots[1]
        else:
            snapshots[step] = merged(counts, {1: step})
        time.sleep(0.002)
        at[step] = datetime.now(UTC).isoformat()
        time.sleep(0.002)
    table = counts.require(COUNTS)
    found = {step: point_of(table, moment).snapshot for step, moment in at.items()}
    assert {step: str(one.snapshot_id) for step, one in found.items() if one} == snapshots


def test_files_that_were_written_anew_are_compared_without_matching_keys(
    counts: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is written anew has the same keys in the same order, also beside others."""
    for start in (20, 0, 10):
        merged(counts, dict.fromkeys(range(start, start + 10), 0))
    first = str(counts.require(COUNTS).metadata.current_snapshot_id)
    merged(counts, {**dict.fromkeys(range(10), 1), **dict.fromkeys(range(20, 30), 2)})
    table = counts.require(COUNTS)
    old, new = changed_rows(point_of(table, first).table, point_of(table, "main").table, ["id", "n"])
    assert old["id"].to_pylist() == new["id"].to_pylist() and set(old["n"].to_pylist()) == {0}
    monkeypatch.setattr(difference, "_frame", None)
    found = diff(counts, first, "main")
    assert (found.added, found.removed, found.changed) == (0, 0, 20)
