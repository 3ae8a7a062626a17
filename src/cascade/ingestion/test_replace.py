from __future__ import annotations

import signal
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import dlt
import pandera.polars as pandera
import polars as pl
import pyarrow as pa
import pytest
from pydantic import AwareDatetime, BaseModel, Field

from cascade.exceptions import RowsRefusedError, SourceError
from cascade.fault_points import FaultPoint
from cascade.iceberg import open_lakehouse
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ARGUMENTS, DAY, ran, table_rows
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from cascade.runs.report import RunReport
from cascade.scaffold.conftest import python


class Departure(BaseModel):
    at: AwareDatetime = Field(alias="leavesAt")
    train: int
    late: float | None = Field(None, le=100)


BY_DAY: dict[str, Any] = {
    "table_name": "departures",
    "unique_key": "train",
    "validation_schema": Departure,
    "write_disposition": "replace",
    "partition_column": "at",
}
WHOLE: dict[str, Any] = {**BY_DAY, "partitions": None, "partition_column": None, "partition_start": None}


def departure(train: int, hour: int, day: int = 15, **more: object) -> dict[str, Any]:
    return {"leavesAt": datetime(2013, 1, day, hour, tzinfo=UTC), "train": train, **more}


def departures(lakehouse: Lakehouse, *rows: object, **arguments: Any) -> RunReport:
    return ran(lakehouse, *rows, **{**BY_DAY, **arguments})


def keyless(lakehouse: Lakehouse, *rows: object, key: str = DAY, **arguments: Any) -> RunReport:
    given = {name: value for name, value in {**ARGUMENTS, **BY_DAY, **arguments}.items() if name != "unique_key"}
    declaration = cascade_ingestion(**given)(lambda: list(rows)).declaration
    return run_ingestion(declaration, lakehouse=lakehouse, window=window_for(declaration, key), run_id="run")


def whole(lakehouse: Lakehouse, *rows: object, **arguments: Any) -> RunReport:
    return ran(lakehouse, *rows, key=None, **WHOLE, **arguments)


def trains(lakehouse: Lakehouse, table: str = "departures") -> list[int]:
    return sorted(row["train"] for row in table_rows(lakehouse, table))


def test_rows_gone_from_the_source_go_from_the_partition_alone(lakehouse: Lakehouse) -> None:
    departures(lakehouse, departure(1, 0), departure(2, 23))
    departures(lakehouse, departure(3, 0, day=16), key="2013-01-16")
    report = departures(lakehouse, departure(2, 22), departure(4, 5))
    assert trains(lakehouse) == [2, 3, 4]
    assert (report.rows_inserted, report.rows_updated, report.rows_removed) == (2, 0, 2)
    assert (report.partition_rows, report.table_rows) == (2, 3)


def test_g1_an_identical_run_changes_nothing(lakehouse: Lakehouse) -> None:
    first = departures(lakehouse, departure(1, 1), departure(2, 2))
    files = sorted(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*"))
    again = departures(lakehouse, departure(2, 2), departure(1, 1), run_id="another")
    assert (again.committed, again.rows_inserted, again.rows_removed) == (False, 0, 0)
    assert again.snapshot_id == first.snapshot_id
    assert sorted(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*")) == files


def test_none_changes_nothing_and_an_empty_source_empties_the_partition(lakehouse: Lakehouse) -> None:
    departures(lakehouse, departure(1, 1))
    departures(lakehouse, departure(2, 1, day=16), key="2013-01-16")
    report = departures(lakehouse, function=lambda: None)
    assert (report.committed, trains(lakehouse), report.table_rows) == (False, [1, 2], 2)
    assert departures(lakehouse).rows_removed == 1
    assert trains(lakehouse) == [2]


def test_a_workflow_without_partitions_replaces_its_table(lakehouse: Lakehouse) -> None:
    whole(lakehouse, departure(1, 1), departure(2, 1, day=20))
    whole(lakehouse, departure(3, 1))
    assert trains(lakehouse) == [3]
    assert not whole(lakehouse, departure(3, 1)).committed
    assert not whole(lakehouse, function=lambda: None).committed
    whole(lakehouse)
    assert trains(lakehouse) == []


def test_without_a_key_every_row_lands(lakehouse: Lakehouse) -> None:
    same = departure(1, 1)
    report = keyless(lakehouse, same, same, departure(2, 2, late=999.0))
    assert (trains(lakehouse), report.rows_refused) == ([1, 1], 1)
    assert not keyless(lakehouse, same, same, departure(2, 2, late=999.0)).committed
    keyless(lakehouse, same)
    assert trains(lakehouse) == [1]
    assert trains_in_quarantine(lakehouse) == []


def test_with_a_key_the_last_row_lands_unless_it_is_refused(lakehouse: Lakehouse) -> None:
    departures(
        lakehouse, departure(1, 1, late=1.0), departure(1, 2, late=2.0), departure(2, 1), departure(2, 2, late=999.0)
    )
    assert [(row["train"], row["late"]) for row in table_rows(lakehouse, "departures")] == [(1, 2.0)]


def trains_in_quarantine(lakehouse: Lakehouse) -> list[str]:
    return [row["rule"] for row in table_rows(lakehouse, "departures__quarantine")]


@pytest.mark.parametrize("arrow", [False, True])
def test_a_row_outside_of_the_window_is_refused(lakehouse: Lakehouse, arrow: bool) -> None:
    rows = [departure(1, 23, day=14, late=None), departure(2, 3, late=999.0), departure(3, 0), departure(4, 0, day=16)]
    report = departures(lakehouse, function=lambda: pa.Table.from_pylist(rows) if arrow else rows)
    assert trains(lakehouse) == [3]
    assert report.rows_refused == 3
    assert [row.rule for row in report.refused] == ["partition_window", "less_than_equal", "partition_window"]
    first = report.refused[0]
    assert first.field == "leavesAt"
    assert first.message == (
        "2013-01-14 23:00:00+00:00 is outside of the partition 2013-01-15 (2013-01-15 00:00:00+00:00 to "
        "2013-01-16 00:00:00+00:00)"
    )
    assert '"leavesAt": "2013-01-14T23:00:00+00:00"' in first.row_json
    with pytest.raises(RowsRefusedError):
        departures(lakehouse, departure(4, 0, day=16))
    assert trains(lakehouse) == [3]


def test_a_newer_row_outside_of_the_window_decides_about_its_key(lakehouse: Lakehouse) -> None:
    departures(lakehouse, departure(1, 1), departure(1, 1, day=16), departure(2, 1, day=16), departure(2, 1))
    assert trains(lakehouse) == [2]


def test_the_window_is_that_of_the_time_zone(lakehouse: Lakehouse) -> None:
    new_york: dict[str, Any] = {"partition_timezone": "America/New_York"}
    report = departures(lakehouse, departure(1, 4), departure(2, 5), departure(3, 4, day=16), **new_york)
    assert trains(lakehouse) == [2, 3]
    assert report.refused[0].message.endswith("(2013-01-15 00:00:00-05:00 to 2013-01-16 00:00:00-05:00)")


class Day(BaseModel):
    day: date
    train: int


def test_a_date_tells_the_partition_of_a_month(lakehouse: Lakehouse) -> None:
    monthly: dict[str, Any] = {
        "validation_schema": Day,
        "partition_column": "day",
        "partitions": "monthly",
        "partition_timezone": "Asia/Tokyo",
        "key": "2013-02-01",
    }
    days = [{"day": date(2013, 1, 30) + timedelta(days=number), "train": number} for number in range(35)]
    report = keyless(lakehouse, *days, **monthly)
    assert trains(lakehouse) == list(range(2, 30))
    assert report.rows_refused == 7
    keyless(lakehouse, days[5], **monthly)
    assert trains(lakehouse) == [5]


class Train(pandera.DataFrameModel):
    at: Annotated[pl.Datetime, "us", "UTC"]
    train: int = pandera.Field(unique=True)


def test_a_pandera_schema_that_sees_the_whole_partition(lakehouse: Lakehouse) -> None:
    rows = [{"at": datetime(2013, 1, day, tzinfo=UTC), "train": day} for day in (15, 16)]
    frame = pl.DataFrame(rows, schema_overrides={"at": pl.Datetime("us", "UTC")})
    report = departures(lakehouse, function=lambda: frame, validation_schema=Train)
    assert trains(lakehouse) == [15]
    assert [row.rule for row in report.refused] == ["partition_window"]


def test_an_incremental_source_cannot_replace(lakehouse: Lakehouse) -> None:
    since = dlt.resource([departure(1, 1)], name="trains")
    since.apply_hints(incremental=dlt.sources.incremental("train", initial_value=0))
    with pytest.raises(SourceError, match="removes the rows that a run does not return"):
        departures(lakehouse, function=lambda: since)
    assert trains(lakehouse) == []

    for _ in range(2):
        some = dlt.resource([departure(1, 1)], name="trains")
        some.apply_hints(incremental=dlt.sources.incremental("train", initial_value=0, end_value=9))
        departures(lakehouse, function=lambda some=some: some)
    assert trains(lakehouse) == [1]


RUN = """
import os, sys
from pathlib import Path
from cascade.fault_points import arm_from
from cascade.iceberg import open_lakehouse
from cascade.iceberg.conftest import Settings
from cascade.ingestion.test_replace import departure, departures

arm_from(os.environ)
departures(open_lakehouse(Settings(Path(sys.argv[1]))), departure(2, 2), departure(3, 3))
"""


@pytest.mark.parametrize("point", [FaultPoint.WRITE, FaultPoint.COMMIT, FaultPoint.PUBLISH])
def test_g2_a_killed_run_leaves_the_old_rows_or_the_new_ones(tmp_path: Path, point: FaultPoint) -> None:
    lakehouse = open_lakehouse(Settings(tmp_path))
    departures(lakehouse, departure(1, 1), departure(2, 2))
    killed = python(tmp_path, "-c", RUN, str(tmp_path), **point.environment("raw.departures"))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert trains(lakehouse) == ([2, 3] if point is FaultPoint.PUBLISH else [1, 2])
    results = [departures(lakehouse, departure(2, 2), departure(3, 3)) for _ in range(2)]
    assert trains(lakehouse) == [2, 3]
    assert [result.committed for result in results] == [point is not FaultPoint.PUBLISH, False]
