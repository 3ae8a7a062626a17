"""What models learn about the partition of a run."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import dagster as dg
from pydantic import BaseModel

from cascade.dbt.variables import partition_variables, uses_partition_variables
from cascade.ingestion import cascade_ingestion


class Thing(BaseModel):
    id: int


def declared(name: str, **arguments: Any) -> Any:
    decorate = cascade_ingestion(table_name=name, unique_key="id", group="g", validation_schema=Thing, **arguments)
    return decorate(lambda: []).declaration


DAILY = declared("daily", partition_timezone="America/New_York")
MONTHLY = declared("monthly", partitions="monthly")
WHOLE = declared("whole", partitions=None)
START = date(2024, 1, 1)


def variables(first: str | None = None, last: str | None = None, *, of: Any = (WHOLE, DAILY)) -> dict[str, str]:
    context: Any = SimpleNamespace(
        has_partition_key=first is not None and last is None,
        has_partition_key_range=last is not None,
        partition_key=first,
        partition_key_range=SimpleNamespace(start=first, end=last),
        run=SimpleNamespace(asset_selection={dg.AssetKey(each.asset_key) for each in of}),
    )
    return partition_variables(context, [WHOLE, MONTHLY, DAILY], START)


def test_a_run_without_a_partition_has_no_variables() -> None:
    assert variables() == {}


def test_the_window_is_that_of_the_workflow_in_the_run() -> None:
    assert variables("2024-02-01") == {
        "partition_key": "2024-02-01",
        "partition_date": "2024-02-01",
        "partition_start": "2024-02-01T00:00:00-05:00",
        "partition_end": "2024-02-02T00:00:00-05:00",
    }
    assert variables("2024-02-01", of=[MONTHLY])["partition_end"] == "2024-03-01T00:00:00+00:00"


def test_where_the_workflows_disagree_nothing_is_passed() -> None:
    for workflows in ([MONTHLY, DAILY], []):
        found = variables("2024-02-01", of=workflows)
        assert found == {"partition_key": "2024-02-01", "partition_date": "2024-02-01"}


def test_a_backfill_passes_the_whole_range() -> None:
    found = variables("2024-01-15", "2024-01-17")
    assert found["partition_key"] == "2024-01-15...2024-01-17"
    assert (found["partition_start"], found["partition_end"][:10]) == ("2024-01-15T00:00:00-05:00", "2024-01-18")
    assert variables("2024-01-15", "2024-01-15") == variables("2024-01-15")


def test_a_partition_that_no_workflow_has_passes_its_key_alone() -> None:
    assert variables("north") == {"partition_key": "north"}


def test_variables_are_passed_only_to_a_project_that_names_one() -> None:
    plain = {"nodes": {"m": {"raw_code": "select 1"}, "s": {"raw_code": None}}, "macros": {"x": {"macro_sql": "{% %}"}}}
    assert not uses_partition_variables(plain)
    assert uses_partition_variables({**plain, "nodes": {"m": {"raw_code": "{{ var('partition_date') }}"}}})
    assert uses_partition_variables({**plain, "macros": {"x": {"macro_sql": "{{ var('partition_end') }}"}}})
    # As in dbt's own macro `partition_range`.
    own = {
        "x": {"macro_sql": "{% set partition_range = (raw_partition_date | string).split(',') %} {{ partition_date }}"}
    }
    assert not uses_partition_variables({**plain, "macros": own})
