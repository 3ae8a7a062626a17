"""`test_workflow` reports what a run did: rows, refusals, failures, and what a second run changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from cascade.exceptions import PartitionError, RowsRefusedError, UsageError
from cascade.ingestion import cascade_ingestion
from cascade.partitions import PartitionWindow
from cascade.testing import test_workflow, throwaway_lakehouse


class Reading(BaseModel):
    """A reading of a meter."""

    meter: int
    value: float = Field(ge=0)


@cascade_ingestion(
    table_name="readings",
    unique_key="meter",
    group="meters",
    validation_schema=Reading,
    partition_start="2024-02-01",
)
def readings(partition_date: str, window: PartitionWindow) -> list[dict[str, object]]:
    """Return rows that show the partition."""
    day = int(partition_date.replace("-", ""))
    return [{"meter": day, "value": window.start.timestamp()}, {"meter": 1, "value": 0.5}]


@cascade_ingestion(table_name="meters", unique_key="meter", group="meters", validation_schema=Reading, partitions=None)
def meters() -> list[dict[str, object]]:
    """Has no partitions."""
    return [{"meter": 7, "value": 1.0}]


@cascade_ingestion(
    table_name="strict",
    unique_key="meter",
    group="meters",
    validation_schema=Reading,
    partitions=None,
    on_invalid="fail",
    max_retries=3,
)
def strict() -> list[dict[str, object]]:
    """Lets nothing land when one row is refused."""
    return [{"meter": 1, "value": 1.0}, {"meter": 2, "value": -1.0}]


@cascade_ingestion(table_name="broken", unique_key="meter", group="meters", validation_schema=Reading, partitions=None)
def broken() -> list[dict[str, object]]:
    """Cannot reach its source."""
    raise ConnectionError("the meter's radio is silent")


def test_the_function_runs_for_the_first_partition_by_default() -> None:
    first = test_workflow(readings)
    assert first.success
    assert first.partition == "2024-02-01"
    assert first.rows.to_pylist() == [{"meter": 1, "value": 0.5}, {"meter": 20240201, "value": 1706745600.0}]
    other = test_workflow(readings, partition="2024-02-03")
    assert other.rows["meter"].to_pylist() == [1, 20240203]


def test_a_workflow_without_partitions_runs_without_one() -> None:
    result = test_workflow(meters)
    assert result
    assert result.partition is None
    assert (result.rows_in, result.rows_good, result.rows_inserted, result.committed) == (1, 1, 1, True)


def test_data_replaces_what_the_function_returns() -> None:
    result = test_workflow(broken, test_data=[{"meter": 3, "value": 2.0}])
    assert result
    assert result.rows.to_pylist() == [{"meter": 3, "value": 2.0}]


def test_refused_rows_are_reported_with_their_rule_and_are_not_a_failure() -> None:
    result = test_workflow(readings, test_data=[{"meter": 1, "value": -4.0}, {"meter": 2, "value": 4.0}])
    assert result
    assert result.rows["meter"].to_pylist() == [2]
    (refused,) = result.refused
    assert (refused.rule, refused.field, refused.row) == ("greater_than_equal", "value", {"meter": 1, "value": -4.0})
    assert result.rows_refused == 1


def test_a_run_that_refuses_every_row_is_false() -> None:
    result = test_workflow(readings, test_data=[{"meter": 1, "value": -4.0}])
    assert not result
    assert isinstance(result.error, RowsRefusedError)
    assert len(result.refused) == 1
    assert "1 of 1 rows were refused" in repr(result)


def test_on_invalid_fail_lets_no_row_land_and_keeps_the_error_despite_retries() -> None:
    result = test_workflow(strict)
    assert not result.success
    assert isinstance(result.error, RowsRefusedError)
    assert result.rows.num_rows == 0
    assert result.rows.column_names == ["meter", "value"]


def test_the_error_of_the_function_is_reported_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    result = test_workflow(broken)
    assert not result
    assert isinstance(result.error, ConnectionError)
    printed = capsys.readouterr().err
    assert printed.startswith("The run of raw.broken failed: ")
    for shown in (repr(result), printed):
        assert "the meter's radio is silent" in shown
        assert Path(__file__).name in shown


def test_a_successful_run_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert test_workflow(meters)
    assert "The run of" not in capsys.readouterr().err


def test_no_rows_is_a_success_without_a_snapshot() -> None:
    result = test_workflow(readings, test_data=[])
    assert result
    assert (result.rows.num_rows, result.committed, result.snapshot_id) == (0, False, None)


def test_a_second_run_in_one_lakehouse_sees_the_first() -> None:
    with throwaway_lakehouse() as lakehouse:
        first = test_workflow(readings, lakehouse=lakehouse)
        again = test_workflow(readings, lakehouse=lakehouse)
        other = test_workflow(readings, partition="2024-02-02", lakehouse=lakehouse)
    assert (again.committed, again.snapshot_id) == (False, first.snapshot_id)
    assert other.rows["meter"].to_pylist() == [1, 20240201, 20240202]
    assert (other.rows_inserted, other.rows_updated) == (1, 0)


def test_a_lakehouse_is_deleted_afterwards_unless_it_has_a_directory(tmp_path: Path) -> None:
    with throwaway_lakehouse() as lakehouse:
        warehouse = Path(lakehouse.warehouse.removeprefix("file://"))
        assert test_workflow(meters, lakehouse=lakehouse)
        assert list(warehouse.rglob("*.parquet"))
    assert not warehouse.exists()
    with throwaway_lakehouse(tmp_path) as lakehouse:
        assert test_workflow(meters, lakehouse=lakehouse)
    assert list(tmp_path.rglob("*.parquet"))


def test_a_test_does_not_use_the_tables_in_the_projects_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_ICEBERG_CATALOG", "postgresql://production/catalog")
    monkeypatch.setenv("CASCADE_ICEBERG_WAREHOUSE", "s3://production")
    assert test_workflow(meters)


def test_a_wrong_partition_is_a_mistake_in_the_test() -> None:
    with pytest.raises(PartitionError, match="2023-12-31 is not a partition"):
        test_workflow(readings, partition="2023-12-31")
    with pytest.raises(PartitionError, match="has no partitions"):
        test_workflow(meters, partition="2024-02-01")


def test_a_plain_function_is_refused() -> None:
    with pytest.raises(UsageError, match="takes a function with @cascade_ingestion"):
        test_workflow(lambda: [])  # type: ignore[arg-type]


def test_pytest_does_not_collect_the_helper_as_a_test(request: pytest.FixtureRequest) -> None:
    # This very module imports it.
    collected = {item.name for item in request.session.items if item.path == Path(__file__)}
    assert "test_a_plain_function_is_refused" in collected
    assert "test_workflow" not in collected
