from __future__ import annotations

import dagster as dg
import pytest

from cascade.exceptions import PartitionError
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import IngestionWorkflow, cascade_ingestion
from cascade.ingestion.conftest import A, Reading
from cascade.testing import test_workflow

NEW_YORK = "America/New_York"


def hourly(calls: list[str], timezone: str = "UTC") -> IngestionWorkflow[..., object]:
    @cascade_ingestion(
        table_name="readings",
        unique_key=["station", "at"],
        group="weather",
        validation_schema=Reading,
        partitions="hourly",
        partition_start="2024-01-01",
        partition_timezone=timezone,
    )
    def readings(partition_date: str) -> object:
        calls.append(partition_date)
        return [A]

    return readings


@pytest.mark.parametrize(
    ("key", "timezone", "nearest"),
    [
        ("2024-01-01-05:30", "UTC", "2024-01-01-05:00 and 2024-01-01-06:00 are nearest"),
        ("2024-03-10-02:00", NEW_YORK, "2024-03-10-03:00 is nearest"),
        ("2024-11-03-01:00-0400", NEW_YORK, "2024-11-03-01:00 is nearest"),
    ],
)
def test_a_key_that_dagster_would_round_ingests_nothing(
    lakehouse: Lakehouse, key: str, timezone: str, nearest: str
) -> None:
    """`dagster asset materialize --partition` and `test_workflow` end here too."""
    calls: list[str] = []
    workflow = hourly(calls, timezone)
    with pytest.raises(PartitionError, match=r"is not a partition of raw\.readings") as caught:
        test_workflow(workflow, partition=key)
    assert caught.value.exit_code == 2
    assert nearest in str(caught.value)
    resources = {"lakehouse": lakehouse}
    for options in (
        {"partition_key": key},
        {"tags": {"dagster/asset_partition_range_start": key, "dagster/asset_partition_range_end": key}},
    ):
        with pytest.raises((PartitionError, dg.DagsterUnknownPartitionError)):
            dg.materialize([workflow.asset], resources=resources, **options)
    assert not calls
    assert lakehouse.load(workflow.declaration.table_ref) is None
