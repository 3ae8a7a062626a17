"""The check of an ingestion that turns its page yellow when rows are refused."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from pydantic import BaseModel, Field

from cascade.iceberg import Lakehouse
from cascade.ingestion import IngestionWorkflow, cascade_ingestion


class Reading(BaseModel):
    id: int
    celsius: float = Field(lt=60)


def readings(*celsius: float, **arguments: Any) -> IngestionWorkflow[..., Any]:
    @cascade_ingestion(
        table_name="readings", unique_key="id", group="g", validation_schema=Reading, partitions=None, **arguments
    )
    def readings() -> list[dict[str, float]]:
        return [{"id": number, "celsius": value} for number, value in enumerate(celsius)]

    return readings


def checked(lakehouse: Lakehouse, workflow: IngestionWorkflow[..., Any]) -> tuple[bool, dg.AssetCheckEvaluation]:
    result = dg.materialize([workflow.asset], resources={"lakehouse": lakehouse}, raise_on_error=False)
    (evaluation,) = result.get_asset_check_evaluations()
    return result.success, evaluation


def values(evaluation: dg.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: value.value for name, value in evaluation.metadata.items()}


def test_every_ingestion_has_the_check_and_it_blocks_nothing() -> None:
    (spec,) = readings(1).asset.check_specs
    assert (spec.name, spec.asset_key, spec.blocking) == ("validation", dg.AssetKey("readings"), False)
    assert spec.description == "Every row that the source returns matches Reading."


def test_without_refused_rows_it_passes(lakehouse: Lakehouse) -> None:
    success, evaluation = checked(lakehouse, readings(1, 2))
    assert (success, evaluation.passed) == (True, True)
    assert evaluation.description == "2 rows, none refused."
    assert values(evaluation) == {"cascade/rows_in": 2, "cascade/rows_refused": 0}


def test_refused_rows_are_a_warning_with_their_rules(lakehouse: Lakehouse) -> None:
    success, evaluation = checked(lakehouse, readings(1, 99, 98))
    assert (success, evaluation.passed, evaluation.severity) == (True, False, dg.AssetCheckSeverity.WARN)
    assert evaluation.description == "2 of 3 rows refused, now in raw.readings__quarantine."
    assert values(evaluation) == {
        "cascade/rows_in": 3,
        "cascade/rows_refused": 2,
        "cascade/rules": "less_than in celsius",
    }


@pytest.mark.parametrize("arguments", [{"on_invalid": "fail"}, {"on_invalid": "fail", "max_retries": 1}])
def test_refused_rows_that_fail_the_run_are_an_error(lakehouse: Lakehouse, arguments: dict[str, Any]) -> None:
    success, evaluation = checked(lakehouse, readings(1, 99, **arguments))
    assert (success, evaluation.passed, evaluation.severity) == (False, False, dg.AssetCheckSeverity.ERROR)
    assert "1 of 2 rows were refused" in str(evaluation.description)
    assert values(evaluation) == {"cascade/rows_in": 2, "cascade/rows_refused": 1}


def test_a_source_that_fails_is_not_checked(lakehouse: Lakehouse) -> None:
    @cascade_ingestion(table_name="readings", unique_key="id", group="g", validation_schema=Reading, partitions=None)
    def failing() -> None:
        raise OSError("the source is down")

    result = dg.materialize([failing.asset], resources={"lakehouse": lakehouse}, raise_on_error=False)
    assert not result.success
    assert not result.get_asset_check_evaluations()
