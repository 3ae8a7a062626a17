"""What happens between the stages of a run."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from cascade.fault_points import FaultPoint, fault_point_armed
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ARGUMENTS, AT, DAY, HOT, A, B, ran, stations, table_rows
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from cascade.runs.report import RunReport
from cascade.runs.staging import Staged
from cascade.table_ref import TableRef

READINGS = TableRef("raw", "readings")


def run(lakehouse: Lakehouse, *rows: object, function: Any = None, **options: Any) -> RunReport:
    declaration = cascade_ingestion(**ARGUMENTS)(function or (lambda: list(rows))).declaration
    return run_ingestion(declaration, lakehouse=lakehouse, window=window_for(declaration, DAY), run_id="run", **options)


def batch(number: int) -> pa.Table:
    return pa.table({"station": [f"s{number}"], "at": pa.array([AT]), "celsius": [1.0]})


def test_a_batch_is_validated_and_staged_before_the_next_is_requested(lakehouse: Lakehouse) -> None:
    events: list[str] = []

    def source() -> Iterator[pa.Table]:
        for number in range(3):
            events.append(f"asked {number}")
            yield batch(number)

    with fault_point_armed(FaultPoint.NORMALISE, stop=lambda: events.append("validated")):
        report = run(lakehouse, function=source)
    assert events == ["asked 0", "validated", "asked 1", "validated", "asked 2", "validated"]
    assert report.rows_in == report.rows_inserted == 3


def test_no_batch_is_held_once_it_is_staged(lakehouse: Lakehouse) -> None:
    alive: list[weakref.ref[pa.Table]] = []

    def source() -> Iterator[pa.Table]:
        for number in range(4):
            table = batch(number)
            alive.append(weakref.ref(table))
            yield table
            del table
            # The generator's caller may still hold the batch that it has just got.
            assert [reference() for reference in alive[:-1]] == [None] * number

    run(lakehouse, function=source)
    assert stations(lakehouse) == ["s0", "s1", "s2", "s3"]


def test_checks_run_between_staging_and_publishing(lakehouse: Lakehouse) -> None:
    seen: list[tuple[int, int, list[str]]] = []

    def look(staged: Staged) -> None:
        seen.append((staged.rows_good, staged.rows_refused, staged.good()["station"].to_pylist()))
        assert table_rows(lakehouse) == []

    run(lakehouse, A, HOT, B, checks=[look])
    assert seen == [(2, 1, ["a", "b"])]
    assert stations(lakehouse) == ["a", "b"]


def test_a_check_that_raises_publishes_nothing(lakehouse: Lakehouse) -> None:
    def refuse(staged: Staged) -> None:
        raise LookupError("too few stations")

    ran(lakehouse, A)
    before = lakehouse.require(READINGS).current_snapshot()
    with pytest.raises(LookupError, match="too few stations"):
        run(lakehouse, B, HOT, checks=[refuse])
    assert lakehouse.require(READINGS).current_snapshot() == before
    assert lakehouse.load(READINGS.quarantine) is None


def test_a_run_may_publish_to_a_branch(lakehouse: Lakehouse) -> None:
    ran(lakehouse, A)
    table = lakehouse.require(READINGS)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.manage_snapshots().create_branch(snapshot.snapshot_id, "audit").commit()
    report = run(lakehouse, B, ref=READINGS.on("audit"))
    assert (report.ref, report.rows_inserted, report.table_rows) == (READINGS.on("audit"), 1, 2)
    assert stations(lakehouse) == ["a"]
    assert sorted(lakehouse.read("raw.readings", branch="audit")["station"]) == ["a", "b"]
    assert RunReport.from_metadata(report.to_metadata()) == report
