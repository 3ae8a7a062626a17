"""For tests of workflows: run one into a lakehouse that is thrown away.

from cascade.testing import test_workflow

def test_observations_land() -> None:
    result = test_workflow(observations, test_data=[{"station": "EWR", "celsius": 3.9}])
    assert result
    assert result.rows.num_rows == 1

It goes through the Dagster asset that runs in production, with the schema, the quarantine and the merge, and opens a
lakehouse of its own each time: no test that uses it reads or writes the project's catalog, whatever the settings are.
To run a workflow twice, or two workflows into one lakehouse, give it one: the fixture `lakehouse` (see
`cascade.testing.plugin`), or `throwaway_lakehouse()` where pytest's fixtures are not at hand. The fixture
`offline_http` keeps a test off the network.
"""

from __future__ import annotations

from cascade.testing.dbt_project import parse_dbt_project
from cascade.testing.lakehouse import throwaway_lakehouse
from cascade.testing.workflow import WorkflowResult, test_workflow

__all__ = ["WorkflowResult", "parse_dbt_project", "test_workflow", "throwaway_lakehouse"]
