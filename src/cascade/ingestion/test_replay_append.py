"""Replay refused rows of tables without a key (G5): each lands once, beside the rows of its run."""

from __future__ import annotations

import json
import tempfile
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import dlt
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from cascade.exceptions import ChecksFailedError, RowsRefusedError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg.append.replaying import AppendReplayPlanner
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.iceberg.quarantined_rows import quarantined_rows
from cascade.iceberg.rollback import plan_rollback, roll_back
from cascade.iceberg.undone_replays import return_replayed
from cascade.ingestion import cascade_ingestion
from cascade.ingestion import replay as replaying
from cascade.ingestion.conftest import DAY, table_rows
from cascade.ingestion.rejudging import judge_again
from cascade.ingestion.replay import replay
from cascade.ingestion.replay_rows import foretell
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from cascade.runs.candidate import Candidate
from cascade.runs.report import RunReport
from cascade.table_ref import TableRef

TABLE = TableRef("raw", "readings")


class Strict(BaseModel):
    n: int = Field(lt=100)


class Lax(BaseModel):
    n: int = Field(lt=1000)


def run(
    lakehouse: Lakehouse, *numbers: int, key: str | None = DAY, function: Any = None, run_id: str = "run", **how: Any
) -> RunReport:
    rows = [{"n": number} for number in numbers]
    declaration = declared(key, function or (lambda: rows), **how)
    return run_ingestion(declaration, lakehouse=lakehouse, window=window_for(declaration, key), run_id=run_id)


def declared(key: str | None, function: Any = lambda: [], validation_schema: Any = Strict) -> Any:
    start: dict[str, Any] = {"partitions": None} if key is None else {"partition_start": "2013-01-01"}
    return cascade_ingestion(
        table_name="readings",
        group="weather",
        write_disposition="append",
        validation_schema=validation_schema,
        **start,
    )(function).declaration


def replayed(lakehouse: Lakehouse, key: str | None = DAY, judge: Any = None, run_id: str = "replay") -> RunReport:
    declaration = declared(key, validation_schema=Lax)
    return replay(declaration, lakehouse=lakehouse, window=window_for(declaration, key), run_id=run_id, judge=judge)


def foretold(lakehouse: Lakehouse, key: str | None = DAY) -> tuple[int, tuple[str, ...]]:
    rows = quarantined_rows(lakehouse, TABLE.quarantine)
    assert rows is not None
    [found] = foretell(declared(key, validation_schema=Lax), lakehouse, rows, [key])
    return found.leaving, found.notices


def landed(lakehouse: Lakehouse) -> list[int]:
    return sorted(row["n"] for row in table_rows(lakehouse))


def waiting(lakehouse: Lakehouse) -> list[int]:
    return sorted(json.loads(row["row"])["n"] for row in table_rows(lakehouse, "readings__quarantine"))


def since(*numbers: int) -> Any:
    """Return a function whose source returns the numbers beyond those that earlier runs returned."""

    def source() -> Any:
        resource = dlt.resource([{"n": number} for number in numbers], name="readings")
        return resource.apply_hints(incremental=dlt.sources.incremental("n", initial_value=0)) or resource

    return source


def crash(point: FaultPoint, table: str, work: Any) -> None:
    with pytest.raises(SimulatedCrash), fault_point_armed(point, table):
        work()


def test_rows_land_once_beside_those_of_their_partition(lakehouse: Lakehouse) -> None:
    run(lakehouse, 1, 1, 200, 2000)
    assert foretold(lakehouse) == (1, ())
    report = replayed(lakehouse)
    assert (report.rows_in, report.rows_good, report.rows_refused, report.rows_inserted) == (2, 1, 1, 1)
    assert report.sample.columns == (("n", "int"),)
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 1, 200], [2000])
    assert {row["_cascade_partition"] for row in table_rows(lakehouse)} == {DAY}
    before = len(lakehouse.require(TABLE).snapshots())
    with pytest.raises(RowsRefusedError):
        replayed(lakehouse)
    # The next run finds the rows of the partition, and one with other rows replaces them all.
    assert not run(lakehouse, 1, 200, 1, validation_schema=Lax).committed
    assert len(lakehouse.require(TABLE).snapshots()) == before
    run(lakehouse, 7, validation_schema=Lax)
    assert landed(lakehouse) == [7]


@pytest.mark.parametrize("key", [DAY, None])
def test_rows_behind_a_cursor_land_once(lakehouse: Lakehouse, key: str | None) -> None:
    run(lakehouse, function=since(1), key=key)
    run(lakehouse, function=since(1, 2, 200), key=key, run_id="second")
    # The cursor has passed it.
    assert not run(lakehouse, function=since(1, 2, 200), key=key, validation_schema=Lax).committed
    assert replayed(lakehouse, key).rows_inserted == 1
    assert replayed(lakehouse, key).rows_in == 0
    run(lakehouse, function=since(1, 2, 200, 300), key=key, validation_schema=Lax)
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 2, 200, 300], [])


@pytest.mark.parametrize(("table", "key"), [("raw.readings", DAY), ("raw.readings__quarantine", None)])
@pytest.mark.parametrize("point", [FaultPoint.WRITE, FaultPoint.PUBLISH])
def test_g2_an_interrupted_replay_lands_no_row_twice(
    lakehouse: Lakehouse, key: str | None, point: FaultPoint, table: str
) -> None:
    run(lakehouse, function=since(1), key=key)
    run(lakehouse, function=since(1, 2, 200, 300), key=key, run_id="second")
    crash(point, table, lambda: replayed(lakehouse, key))
    replayed(lakehouse, key, run_id="again")
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 2, 200, 300], [])


@pytest.mark.parametrize("key", [DAY, None])
def test_what_replaces_the_rows_of_a_run_replaces_those_of_its_replay(lakehouse: Lakehouse, key: str | None) -> None:
    run(lakehouse, function=since(1), key=key)
    # Its rows have landed, and its cursor has not moved.
    crash(FaultPoint.STATE, "raw.readings", lambda: run(lakehouse, function=since(1, 2, 200), key=key, run_id="second"))
    replayed(lakehouse, key)
    assert landed(lakehouse) == [1, 2, 200]
    # The source returns the row once more, under the same state.
    run(lakehouse, function=since(1, 2, 200, 3), key=key, run_id="third", validation_schema=Lax)
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 2, 3, 200], [])


@pytest.mark.parametrize("key", [DAY, None])
def test_a_row_that_the_next_run_reads_again_waits_for_it(lakehouse: Lakehouse, key: str | None) -> None:
    run(lakehouse, function=since(1), key=key)
    with pytest.raises(RowsRefusedError):
        run(lakehouse, function=since(1, 200), key=key, run_id="second")
    wanted = "1 row passes now, but its run published nothing, so the next one reads the same rows again."
    leaving, [notice] = foretold(lakehouse, key)
    assert leaving == 0 and notice.startswith(wanted)
    with pytest.raises(RowsRefusedError) as caught:
        replayed(lakehouse, key)
    assert wanted in str(caught.value)
    run(lakehouse, function=since(1, 200), key=key, run_id="third", validation_schema=Lax)
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 200], [])


def test_a_source_that_is_read_as_a_whole_without_partitions_is_not_replayed(lakehouse: Lakehouse) -> None:
    run(lakehouse, 1, 200, key=None)
    with pytest.raises(RowsRefusedError, match="1 row passes now, but the next run adds all rows of the source again"):
        replayed(lakehouse, None)
    assert (landed(lakehouse), waiting(lakehouse)) == ([1], [200])


def test_a_run_that_has_landed_a_row_and_not_settled_its_quarantine_is_noticed(lakehouse: Lakehouse) -> None:
    run(lakehouse, 1, 200, run_id="first")
    crash(
        FaultPoint.WRITE,
        "raw.readings__quarantine",
        lambda: run(lakehouse, 1, 200, run_id="second", validation_schema=Lax),
    )
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 200], [200])
    with pytest.raises(RowsRefusedError, match="a later run added an equal row, which may be the same one"):
        replayed(lakehouse)
    assert landed(lakehouse) == [1, 200]
    run(lakehouse, 1, 200, run_id="third", validation_schema=Lax)
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 200], [])


@pytest.mark.parametrize("other", ["a replay", "a run"])
def test_g3_what_lands_a_row_while_a_replay_judges_it_wins(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    run(lakehouse, 1, 200, 300, run_id="first")

    def judged(*given: Any) -> Any:
        monkeypatch.setattr(replaying, "judge_again", judge_again)
        if other == "a replay":
            replayed(lakehouse, run_id="other")
        else:
            run(lakehouse, 1, 200, 300, run_id="second", validation_schema=Lax)
        return judge_again(*given)

    monkeypatch.setattr(replaying, "judge_again", judged)
    if other == "a replay":
        replayed(lakehouse)
    else:
        with pytest.raises(RowsRefusedError, match="another run of the partition has published meanwhile"):
            replayed(lakehouse)
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 200, 300], [])


def test_g3_a_replay_that_commits_first_wins(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    run(lakehouse, 1, 200, 300)
    original = AppendReplayPlanner.write

    def write(*given: Any) -> Any:
        monkeypatch.setattr(AppendReplayPlanner, "write", original)
        replayed(lakehouse, run_id="other")
        return original(*given)

    monkeypatch.setattr(AppendReplayPlanner, "write", write)
    assert replayed(lakehouse).rows_inserted == 0
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 200, 300], [])


class Refuses:
    """A blocking check that fails."""

    blocks = True

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def judge(self, candidate: Candidate) -> None:
        self.seen = [row for part in candidate.rows() for row in part.to_pylist()]
        raise ChecksFailedError("no", results=())


def test_g6_a_blocking_check_keeps_rows_in_the_quarantine(lakehouse: Lakehouse) -> None:
    run(lakehouse, 1, 200)
    judge = Refuses()
    with pytest.raises(ChecksFailedError):
        replayed(lakehouse, judge=judge)
    assert judge.seen == [{"n": 200}]
    assert (landed(lakehouse), waiting(lakehouse)) == ([1], [200])
    replayed(lakehouse, run_id="again")
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 200], [])


def test_a_rollback_of_a_replay_gives_its_rows_back_and_they_land_again(lakehouse: Lakehouse) -> None:
    run(lakehouse, function=since(1))
    run(lakehouse, function=since(1, 2, 200), run_id="second")
    before = lakehouse.require(TABLE)
    snapshot = before.current_snapshot()
    assert snapshot is not None
    replayed(lakehouse)
    planned = plan_rollback(lakehouse.require(TABLE), TABLE, str(snapshot.snapshot_id))
    assert return_replayed(lakehouse, TABLE, planned.undone) == 1
    roll_back(lakehouse, planned)
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 2], [200])
    replayed(lakehouse, run_id="again")
    assert (landed(lakehouse), waiting(lakehouse)) == ([1, 2, 200], [])


# What happens next: a run or a replay, where it crashes, and what the source has got before it.
EVENTS = st.tuples(
    st.sampled_from(["run", "replay"]),
    st.sampled_from([None, FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH, FaultPoint.STATE]),
    st.sampled_from([TABLE, TABLE.quarantine]),
    st.lists(st.booleans(), max_size=2),
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events=st.lists(EVENTS, min_size=2, max_size=6), key=st.sampled_from([DAY, None]))
@example(
    events=[
        ("run", None, TABLE, [True, False]),
        ("run", FaultPoint.STATE, TABLE, [True, False]),
        ("replay", FaultPoint.PUBLISH, TABLE, []),
        ("run", FaultPoint.WRITE, TABLE.quarantine, []),
        ("replay", None, TABLE, []),
    ],
    key=DAY,
)
def test_g1_every_row_lands_once_whatever_is_interrupted(events: list[Any], key: str | None) -> None:
    with tempfile.TemporaryDirectory() as directory:
        lakehouse = open_lakehouse(Settings(Path(directory)))
        numbers: list[int] = []
        for at, (what, point, table, more) in enumerate(events):
            # No number twice: of equal rows that one run refuses, the quarantine keeps one.
            numbers += [number if good else number + 100 for number, good in enumerate(more, len(numbers) + 1)]
            work = partial(run, lakehouse, function=ordered(numbers), key=key) if what == "run" else None
            work = work or partial(replayed, lakehouse, key)
            with suppress(SimulatedCrash, RowsRefusedError):
                with fault_point_armed(point, table.full_name) if point is not None else nullcontext():
                    work(run_id=f"{what} {at}")
            there = landed(lakehouse) if lakehouse.load(TABLE) is not None else []
            assert len(there) == len(set(there)), there
        for what in ("end", "very end"):
            numbers.append(len(numbers) + 1)
            run(lakehouse, function=ordered(numbers), key=key, run_id=what, validation_schema=Lax)
            with suppress(RowsRefusedError):
                replayed(lakehouse, key, run_id=f"replay at the {what}")
        assert landed(lakehouse) == sorted(numbers)


def ordered(numbers: list[int]) -> Any:
    """Return a function whose source returns the numbers at the positions that earlier runs have not read."""

    def source() -> Any:
        def rows() -> Any:
            state = dlt.current.resource_state()
            yield [{"n": number} for number in numbers[state.get("read", 0) :]]
            state["read"] = len(numbers)

        return dlt.resource(rows, name="readings")

    return source
