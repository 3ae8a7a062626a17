"""Replay refused rows (G5): they land once, unless a newer version of their key is in the table."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, create_model
from pyiceberg.schema import Schema

from cascade.declarations.sensitive import Sensitive
from cascade.exceptions import ChecksFailedError, RowsRefusedError, UsageError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg import quarantine
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.hidden import REFUSED_AT_COLUMN
from cascade.iceberg.ledger import published_partitions
from cascade.iceberg.snapshot.retention import Retention
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ARGUMENTS, DAY, ran, table_rows
from cascade.ingestion.replay import replay
from cascade.partitions import window_for
from cascade.runs.report import RunReport
from cascade.table_ref import TableRef

NEXT = "2013-01-16"
READINGS = TableRef("raw", "readings")


def schema(limit: float, **fields: Any) -> Any:
    return create_model("Event", id=(int, ...), n=(float, Field(lt=limit)), **fields)


STRICT, LAX = schema(100), schema(1000)
EVENTS: dict[str, Any] = {"unique_key": "id", "validation_schema": STRICT}


def run(lakehouse: Lakehouse, rows: dict[int, float] | list[tuple[int, float]], **how: Any) -> RunReport:
    pairs = rows.items() if isinstance(rows, dict) else rows
    return ran(lakehouse, *[{"id": key, "n": n} for key, n in pairs], **{**EVENTS, **how})


def replayed(lakehouse: Lakehouse, model: Any = LAX, key: str | None = DAY, judge: Any = None, **how: Any) -> RunReport:
    arguments = {**ARGUMENTS, **EVENTS, "validation_schema": model, **how}
    arguments = {name: value for name, value in arguments.items() if value is not None or name == "partitions"}
    if arguments.get("partitions", "daily") is None:
        del arguments["partition_start"]
    declaration = cascade_ingestion(**arguments)(lambda: []).declaration
    window = window_for(declaration, key)
    return replay(declaration, lakehouse=lakehouse, window=window, run_id="replay", judge=judge)


def landed(lakehouse: Lakehouse) -> dict[int, float]:
    return {row["id"]: row["n"] for row in table_rows(lakehouse)}


def waiting(lakehouse: Lakehouse) -> list[tuple[int, float]]:
    rows = table_rows(lakehouse, "readings__quarantine")
    return sorted((found["id"], found["n"]) for found in (json.loads(row["row"]) for row in rows))


def snapshots(lakehouse: Lakehouse) -> int:
    return len(lakehouse.require(READINGS).snapshots())


def test_rows_that_pass_now_land_and_leave_the_quarantine(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 1, 2: 200, 3: 2000})
    report = replayed(lakehouse)
    assert (report.rows_in, report.rows_good, report.rows_refused, report.rows_inserted) == (2, 1, 1, 1)
    assert (report.committed, report.table_rows) == (True, 2)
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 1, 2: 200}, [(3, 2000)])


def test_what_is_refused_again_has_its_new_rule_and_its_first_run(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 1, 2: 200, 3: 300}, run_id="first")
    [before] = {row["_cascade_refused_at"] for row in table_rows(lakehouse, "readings__quarantine")}
    stricter = create_model("Event", id=(int, ...), n=(float, Field(le=250)))
    replayed(lakehouse, stricter)
    [row] = table_rows(lakehouse, "readings__quarantine")
    assert (row["rule"], row["run_id"], row["_cascade_refused_at"]) == ("less_than_equal", "first", before)


def test_the_same_replay_again_changes_nothing(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 1, 2: 200, 3: 2000})
    replayed(lakehouse)
    before = snapshots(lakehouse)
    with pytest.raises(RowsRefusedError, match=r"none of 1 row can leave raw.readings__quarantine") as caught:
        replayed(lakehouse)
    assert "less_than in n" in str(caught.value)
    assert f"materialize readings --partition {DAY}" in str(caught.value)
    assert snapshots(lakehouse) == before and waiting(lakehouse) == [(3, 2000)]
    replayed(lakehouse, schema(9999))
    assert replayed(lakehouse, schema(9999)).rows_in == 0


def test_a_run_after_a_replay_writes_nothing_that_is_there(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 1, 2: 200})
    replayed(lakehouse)
    before = snapshots(lakehouse)
    assert not run(lakehouse, {1: 1, 2: 200}, validation_schema=LAX).committed
    assert snapshots(lakehouse) == before and waiting(lakehouse) == []


def test_a_replay_publishes_no_partition(lakehouse: Lakehouse) -> None:
    with pytest.raises(RowsRefusedError):
        run(lakehouse, {1: 1, 2: 200}, refuse_over=0)
    replayed(lakehouse)
    assert (landed(lakehouse), waiting(lakehouse)) == ({2: 200}, [])
    assert len(published_partitions(lakehouse.require(READINGS))) == 0
    run(lakehouse, {1: 1, 2: 200}, validation_schema=LAX)
    replayed(lakehouse)
    assert landed(lakehouse) == {1: 1, 2: 200}
    assert list(published_partitions(lakehouse.require(READINGS))) == [DAY]


def test_a_refused_row_replaces_the_version_that_was_there_before_it(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 1})
    run(lakehouse, {1: 200, 2: 2}, key=NEXT)
    report = replayed(lakehouse, key=NEXT)
    assert (landed(lakehouse), report.rows_updated) == ({1: 200, 2: 2}, 1)


def test_a_version_that_landed_later_stays(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 200, 2: 2})
    run(lakehouse, {1: 1}, key=NEXT)
    report = replayed(lakehouse)
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 1, 2: 2}, [])
    assert (report.rows_good, report.committed) == (1, False)


def test_a_newer_valid_row_of_the_same_run_stays(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 1})
    run(lakehouse, [(1, 200), (1, 1)])
    [row] = table_rows(lakehouse, "readings__quarantine")
    assert row["message"].endswith("; a newer row with the same key is valid, and decides")
    replayed(lakehouse)
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 1}, [])


def test_the_last_refused_row_of_a_key_decides(lakehouse: Lakehouse) -> None:
    run(lakehouse, [(1, 200), (1, 300), (2, 2), (2, 400), (3, 3)])
    replayed(lakehouse)
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 300, 2: 400, 3: 3}, [])


def test_a_row_waits_for_a_newer_one_of_its_key(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 200, 2: 2})
    run(lakehouse, {1: 2000, 3: 3}, key=NEXT)
    with pytest.raises(RowsRefusedError, match="a newer row with the same key is in the quarantine"):
        replayed(lakehouse)
    assert landed(lakehouse) == {2: 2, 3: 3}
    replayed(lakehouse, schema(9999), key=NEXT)
    replayed(lakehouse, schema(9999))
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 2000, 2: 2, 3: 3}, [])


@pytest.mark.parametrize(("version", "left"), [(5, 200.0), (1, 1.0)])
def test_dedup_sort_decides_where_there_is_one(lakehouse: Lakehouse, version: int, left: float) -> None:
    how: dict[str, Any] = {"dedup_sort": "v", **EVENTS}
    strict, lax = schema(100, v=(int, ...)), schema(1000, v=(int, ...))
    refused = {"id": 1, "n": 200.0, "v": version}
    ran(lakehouse, refused, {"id": 2, "n": 2.0, "v": 1}, **{**how, "validation_schema": strict})
    ran(lakehouse, {"id": 1, "n": 1.0, "v": 3}, key=NEXT, **{**how, "validation_schema": strict})
    replayed(lakehouse, lax, dedup_sort="v")
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: left, 2: 2.0}, [])


def test_a_row_whose_key_was_removed_later_does_not_come_back(lakehouse: Lakehouse) -> None:
    strict, lax = schema(100, gone=(bool, False)), schema(1000, gone=(bool, False))
    how: dict[str, Any] = {**EVENTS, "validation_schema": strict, "hard_delete": "gone"}
    ran(lakehouse, {"id": 1, "n": 1.0}, **how)
    ran(lakehouse, {"id": 1, "n": 200.0}, {"id": 2, "n": 2.0}, key=NEXT, **how)
    ran(lakehouse, {"id": 1, "n": 0.0, "gone": True}, key="2013-01-17", **how)
    replayed(lakehouse, lax, key=NEXT, hard_delete="gone")
    assert (landed(lakehouse), waiting(lakehouse)) == ({2: 2.0}, [])


@pytest.mark.parametrize("point", [FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH])
@pytest.mark.parametrize("table", ["raw.readings", "raw.readings__quarantine"])
def test_an_interrupted_replay_loses_nothing_and_lands_nothing_twice(
    lakehouse: Lakehouse, point: FaultPoint, table: str
) -> None:
    run(lakehouse, {1: 1})
    run(lakehouse, {1: 200, 2: 2, 3: 300}, key=NEXT)
    with pytest.raises(SimulatedCrash), fault_point_armed(point, table):
        replayed(lakehouse, key=NEXT)
    assert {key for key, _ in waiting(lakehouse)} | landed(lakehouse).keys() == {1, 2, 3}
    replayed(lakehouse, key=NEXT)
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 200, 2: 2, 3: 300}, [])
    assert len(table_rows(lakehouse)) == 3


@pytest.mark.parametrize("case", ["expired", "older Cascade"])
def test_where_nobody_knows_whose_version_is_newer_the_row_waits(
    lakehouse: Lakehouse, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema_of, rows_of = quarantine._schema, quarantine._rows
    if case == "older Cascade":
        monkeypatch.setattr(quarantine, "_schema", lambda: Schema(*schema_of().fields[:-1]))
        monkeypatch.setattr(quarantine, "_rows", lambda *given: rows_of(*given).drop_columns([REFUSED_AT_COLUMN]))
    run(lakehouse, {1: 200, 2: 300, 3: 3})
    monkeypatch.undo()
    eager = replace(lakehouse, retention=Retention(snapshots=1, days=0, least_age=0))
    run(eager, {1: 1}, key=NEXT)
    run(eager, {4: 4}, key=NEXT)
    report = replayed(lakehouse)
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 1, 2: 300, 3: 3, 4: 4}, [(1, 200)])
    assert report.notices == (
        "1 row passes now, but nobody knows whether a newer version of the key has landed. Run the partition again.",
    )


def test_a_row_is_not_compared_with_an_older_state_than_that_of_its_run(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 1})
    table = lakehouse.require(READINGS)
    with table.manage_snapshots() as manage:
        manage.create_tag(table.metadata.current_snapshot_id or 0, "kept")
    eager = replace(lakehouse, retention=Retention(snapshots=1, days=0, least_age=0))
    run(eager, {1: 2}, key=NEXT)
    run(eager, {1: 200, 5: 5})
    run(eager, {6: 6}, key=NEXT)
    run(eager, {7: 7}, key=NEXT)
    # Compared with the state of the tag, a newer version of the key would have landed.
    with pytest.raises(RowsRefusedError, match="nobody knows whether a newer version of the key has landed"):
        replayed(eager)
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 2, 5: 5, 6: 6, 7: 7}, [(1, 200)])


class Failing:
    """A check that fails, or would."""

    def __init__(self, *, blocks: bool) -> None:
        self.blocks = blocks
        self.judged: list[dict[str, Any]] = []

    def judge(self, candidate: Any) -> None:
        self.judged += pa.concat_tables(list(candidate.rows())).to_pylist()
        if self.blocks:
            raise ChecksFailedError("no", results=())


def test_a_blocking_check_keeps_replayed_rows_from_main(lakehouse: Lakehouse) -> None:
    run(lakehouse, {1: 1, 2: 200})
    before, check = snapshots(lakehouse), Failing(blocks=True)
    with pytest.raises(ChecksFailedError):
        replayed(lakehouse, judge=check)
    assert check.judged == [{"id": 2, "n": 200.0}]
    assert (landed(lakehouse), waiting(lakehouse)) == ({1: 1}, [(2, 200)])
    assert lakehouse.require(READINGS).metadata.current_snapshot_id is not None and snapshots(lakehouse) >= before
    other = Failing(blocks=False)
    replayed(lakehouse, judge=other)
    assert (landed(lakehouse), other.judged) == ({1: 1, 2: 200}, [{"id": 2, "n": 200.0}])


def test_rows_without_their_sensitive_values_stay_and_are_told(lakehouse: Lakehouse) -> None:
    named = {"name": (Annotated[str, Sensitive], ...)}
    strict, lax = schema(100, **named), schema(1000, **named)
    ran(
        lakehouse,
        {"id": 1, "n": 200.0, "name": "Ada"},
        {"id": 2, "n": 2.0, "name": "Bob"},
        **{
            **EVENTS,
            "validation_schema": strict,
        },
    )
    with pytest.raises(RowsRefusedError, match="1 row cannot be judged again, because the quarantine leaves out"):
        replayed(lakehouse, lax)
    assert landed(lakehouse) == {2: 2.0}


def test_rows_that_lack_a_field_stay_as_they_are(lakehouse: Lakehouse) -> None:
    ran(lakehouse, {"id": 1, "n": 1.0}, {"id": 2}, {"other": 3}, **EVENTS)
    before = table_rows(lakehouse, "readings__quarantine")
    with pytest.raises(RowsRefusedError, match='requires the field "n"'):
        replayed(lakehouse)
    assert table_rows(lakehouse, "readings__quarantine") == before


def test_what_each_run_replaces_is_not_replayed(lakehouse: Lakehouse) -> None:
    with pytest.raises(UsageError, match="each run replaces what a replay would add") as caught:
        replayed(lakehouse, key=None, write_disposition="replace", partitions=None)
    assert "Run the partition again: cascade materialize readings" in str(caught.value)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["run", "run", "replay", "killed", "fix"]),
        st.sampled_from([DAY, NEXT]),
        st.sets(st.integers(1, 3)),
    ),
    min_size=3,
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_runs_fixes_and_replays_leave_the_newest_version_of_each_key(steps: list[tuple[str, str, set[int]]]) -> None:
    """Compare with a dict: every run returns a new version of each key, which is landed, or kept until it can land."""
    with tempfile.TemporaryDirectory() as directory:
        lakehouse, model = open_lakehouse(Settings(Path(directory))), STRICT
        newest: dict[int, float] = {}
        before: dict[int, float] = {}
        for number, (step, key, bad) in enumerate([("run", DAY, set[int]()), *steps]):
            if step == "fix":
                model = LAX
            elif step == "run":
                rows = {each: number + (500.0 if each in bad else 0.0) for each in (1, 2, 3)}
                newest |= rows
                run(lakehouse, {**rows, 9: 0.0}, key=key, validation_schema=model)
            else:
                _replay(lakehouse, model, key, killed=step == "killed")
            held = landed(lakehouse)
            kept = {each for each in waiting(lakehouse)} if lakehouse.load(READINGS.quarantine) is not None else set()
            for each, n in newest.items():
                assert held.get(each) == n or (each, n) in kept
                assert held.get(each) in (n, before.get(each))
            assert len(table_rows(lakehouse)) == len(held)
            before = held
        # In the end, everything that is valid now is in the table, in its newest version.
        for key in (NEXT, DAY, NEXT):
            _replay(lakehouse, LAX, key)
        assert landed(lakehouse) == {**newest, 9: 0.0}
        assert lakehouse.load(READINGS.quarantine) is None or waiting(lakehouse) == []


def _replay(lakehouse: Lakehouse, model: Any, key: str, *, killed: bool = False) -> None:
    try:
        if not killed:
            replayed(lakehouse, model, key)
            return
        with fault_point_armed(FaultPoint.PUBLISH, "raw.readings"):
            replayed(lakehouse, model, key)
    except (RowsRefusedError, SimulatedCrash):
        pass
