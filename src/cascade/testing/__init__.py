"""For tests of workflows: run one into a lakehouse that is thrown away.

from cascade.testing import test_workflow

def test_observations_land() -> None:
    result = test_workflow(observations, test_data=[{"station": "EWR", "celsius": 3.9}])
    assert result
    assert result.rows.num_rows == 1
"""

from __future__ import annotations

from cascade.testing.lakehouse import throwaway_lakehouse
from cascade.testing.workflow import WorkflowResult, test_workflow

__all__ = ["WorkflowResult", "test_workflow", "throwaway_lakehouse"]
