"""Test workflows: run one into a throwaway lakehouse.

from cascade.testing import test_workflow

def test_observations_land() -> None:
    result = test_workflow(observations, test_data=[{"station": "EWR", "celsius": 3.9}])
    assert result
    assert result.rows.num_rows == 1

It runs the Dagster asset that runs in production, with the schema, the quarantine and the merge, and opens a new
lakehouse each time: no test that uses it touches the project's catalog, whatever the settings are. To run a workflow
twice, or two workflows into one lakehouse, pass a lakehouse: the fixture `lakehouse` (see `cascade.testing.plugin`), or
`throwaway_lakehouse()` outside pytest. `judge_rows` runs declared checks on rows. The fixture `offline_http` blocks
network access. `FaultPoint` and `fault_point_armed` stop a run halfway, to test that the next one recovers.
"""

from __future__ import annotations

from cascade import lazy
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.testing.dbt_project import parse_dbt_project
from cascade.testing.lakehouse import throwaway_lakehouse
from cascade.testing.quality import judge_rows
from cascade.testing.workflow import WorkflowResult, test_workflow

__all__ = [
    "FaultPoint",
    "SimulatedCrash",
    "WorkflowResult",
    "fault_point_armed",
    "judge_rows",
    "parse_dbt_project",
    "test_workflow",
    "throwaway_lakehouse",
]

# None of its own: projects in the layout from before version 1.0 hear what became of the old names.
__getattr__, _ = lazy.lazy_names(__name__, {})
