"""`test_workflow` passes what Dagster passes: resources, and a context."""

from __future__ import annotations

import dagster as dg
import pytest
from pydantic import BaseModel

from cascade import Lakehouse, cascade_ingestion
from cascade.exceptions import UsageError
from cascade.testing import test_workflow


class Reading(BaseModel):
    meter: int
    place: str


class Meters(dg.ConfigurableResource):  # type: ignore[type-arg]
    place: str = "here"

    def readings(self) -> list[dict[str, object]]:
        return [{"meter": 1, "place": self.place}]


@cascade_ingestion(table_name="readings", unique_key="meter", validation_schema=Reading, partition_start="2024-02-01")
def readings(context: dg.AssetExecutionContext, meters: Meters) -> list[dict[str, object]]:
    context.log.info("reading the meters")
    return [*meters.readings(), {"meter": 2, "place": context.partition_key}]


def test_a_workflow_gets_its_resources_and_a_context() -> None:
    result = test_workflow(readings, resources={"meters": Meters(place="there")})
    assert result
    assert result.rows["place"].to_pylist() == ["there", "2024-02-01"]


def test_any_object_can_replace_a_resource() -> None:
    class Recorded:
        def readings(self) -> list[dict[str, object]]:
            return [{"meter": 7, "place": "on record"}]

    result = test_workflow(readings, resources={"meters": Recorded()})
    assert result.rows["place"].to_pylist() == ["2024-02-01", "on record"]


def test_a_missing_resource_is_a_mistake_in_the_test() -> None:
    with pytest.raises(UsageError) as caught:
        test_workflow(readings)
    assert "raw.readings takes the resource meters, but test_workflow got none." in str(caught.value)
    assert caught.value.hint == 'Pass resources={"meters": ...} to test_workflow.'
    assert caught.value.location == readings.declaration.location


def test_a_resource_that_the_workflow_does_not_take_is_a_mistake_in_the_test() -> None:
    with pytest.raises(UsageError) as caught:
        test_workflow(readings, resources={"meters": Meters(), "metres": Meters()})
    assert 'raw.readings takes no resource "metres". Did you mean "meters"?' in str(caught.value)
    assert caught.value.hint == "It takes meters."
    with pytest.raises(UsageError, match='takes no resource "api"'):
        test_workflow(readings, test_data=[{"meter": 3, "place": "x"}], resources={"api": Meters()})
    with pytest.raises(UsageError, match="cannot replace the lakehouse") as caught:
        test_workflow(readings, resources={"meters": Meters(), "lakehouse": object()})
    assert "lakehouse=..." in str(caught.value.hint)


def test_test_data_needs_no_resources() -> None:
    assert test_workflow(readings, test_data=[{"meter": 3, "place": "x"}]).rows["meter"].to_pylist() == [3]


def test_the_lakehouse_of_the_test_is_the_resource() -> None:
    @cascade_ingestion(table_name="counts", unique_key="meter", validation_schema=Reading, partitions=None)
    def counts(lakehouse: dg.ResourceParam[Lakehouse]) -> list[dict[str, object]]:
        return [{"meter": len(lakehouse.catalog.list_tables("raw")), "place": "x"}]

    assert test_workflow(counts).rows["meter"].to_pylist() == [1]
