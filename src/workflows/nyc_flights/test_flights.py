"""Run the flights and their reference tables against a temporary lakehouse."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from cascade import IngestionWorkflow, Lakehouse, PartitionWindow
from cascade.testing import test_workflow
from workflows.nyc_flights.flights import flights
from workflows.nyc_flights.reference import airlines, airports, planes


@pytest.mark.parametrize(
    ("partition", "rows"), [("2013-01-01", 842), ("2013-11-28", 634), ("2013-11-27", 1_014), ("2013-12-31", 776)]
)
def test_every_flight_of_a_day_lands(partition: str, rows: int) -> None:
    result = test_workflow(flights, partition=partition)
    assert result
    assert result.rows.num_rows == rows
    assert not result.refused
    assert {f"{row['year']}-{row['month']:02}-{row['day']:02}" for row in result.rows.to_pylist()} == {partition}


def test_a_late_evening_flight_belongs_to_the_new_york_day() -> None:
    rows = test_workflow(flights, partition="2013-07-04").rows
    assert max(rows["time_hour"].to_pylist()) > datetime(2013, 7, 5, 0, tzinfo=UTC)


def test_integers_with_nulls_stay_integers() -> None:
    rows = test_workflow(flights, partition="2013-02-08").rows
    assert str(rows.schema.field("dep_time").type) == "int64"
    cancelled = rows.filter(rows["dep_time"].is_null())
    assert cancelled.num_rows == 472
    assert cancelled["arr_time"].null_count == 472


def test_flights_with_bad_codes_are_refused_and_the_others_land() -> None:
    window = PartitionWindow("2013-01-01", datetime(2013, 1, 1, 5, tzinfo=UTC), datetime(2013, 1, 2, 5, tzinfo=UTC))
    day = flights(window=window)
    corrupted = day.with_columns(
        dest=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("Houston")).otherwise("dest"),
        month=pl.when(pl.int_range(pl.len()) == 5).then(13).otherwise("month"),
    )
    result = test_workflow(flights, test_data=corrupted, partition="2013-01-01")
    assert result
    assert result.rows.num_rows == 840
    assert sorted(str(refused.field) for refused in result.refused) == ["dest", "month"]


def test_running_the_first_of_two_days_again_changes_nothing(lakehouse: Lakehouse) -> None:
    test_workflow(flights, partition="2013-01-01", lakehouse=lakehouse)
    second = test_workflow(flights, partition="2013-01-02", lakehouse=lakehouse)
    again = test_workflow(flights, partition="2013-01-01", lakehouse=lakehouse)
    assert second.rows.num_rows == again.rows.num_rows == 842 + 943
    assert not again.committed
    assert again.snapshot_id == second.snapshot_id


@pytest.mark.parametrize(("workflow", "rows"), [(airlines, 16), (airports, 1_458), (planes, 3_322)])
def test_every_row_of_a_reference_table_lands(workflow: IngestionWorkflow[[], object], rows: int) -> None:
    result = test_workflow(workflow)
    assert result
    assert result.rows.num_rows == rows
    assert not result.refused


def test_the_codes_of_flights_are_keys_of_the_reference_tables() -> None:
    rows = test_workflow(flights, partition="2013-01-01").rows
    assert set(rows["carrier"].to_pylist()) <= set(test_workflow(airlines).rows["carrier"].to_pylist())
    known = set(test_workflow(airports).rows["faa"].to_pylist())
    # The table of airports does not include Puerto Rico and the Virgin Islands.
    assert set(rows["dest"].to_pylist()) - known <= {"BQN", "SJU", "STT", "PSE"}
