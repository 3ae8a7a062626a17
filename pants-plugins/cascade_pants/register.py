"""The entry point of the backend: its targets and rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pants.backend.python import register as python_backend
from pants.engine.target import Target

from cascade_pants.dependency_inference import dbt as dbt_dependencies
from cascade_pants.dependency_inference import project as project_dependencies
from cascade_pants.goals import (
    affected,
    check,
    check_dbt,
    check_resources,
    ci,
    contracts_process,
    dbt_tests,
    dev,
    graph,
    package,
    package_image,
    run,
    scaffold,
    scaffold_answer,
    sqlfluff,
    tailor,
    workspace,
)
from cascade_pants.goals import contracts as contracts_goal
from cascade_pants.goals import manifest as manifest_goal
from cascade_pants.target_types import (
    CascadeContractTarget,
    CascadeProjectTarget,
    CascadeWorkflowSourceTarget,
    CascadeWorkflowTarget,
)
from cascade_pants.target_types.dbt import CascadeDbtFileTarget, CascadeDbtProjectTarget
from cascade_pants.target_types.image import CascadeImageTarget
from cascade_pants.util_rules import (
    all_workflows,
    asset_map,
    dbt_graph,
    locked_versions,
    manifest,
    project,
    project_code,
    runtime,
    table_map,
    workflow_facts,
    workflow_targets,
)

# Without the Python backend, Pants fails with pages of errors about its rule graph, so this backend includes it. Its
# rules are the same objects if it is enabled as well, and count once.


def target_types() -> Iterable[type[Target]]:
    """Return the target types that BUILD files may use."""
    return [
        *python_backend.target_types(),  # type: ignore[no-untyped-call]
        CascadeWorkflowTarget,
        CascadeWorkflowSourceTarget,
        CascadeContractTarget,
        CascadeProjectTarget,
        CascadeDbtFileTarget,
        CascadeDbtProjectTarget,
        CascadeImageTarget,
    ]


def rules() -> Iterable[Any]:
    """Return all rules of the backend."""
    return [
        *python_backend.rules(),  # type: ignore[no-untyped-call]
        *affected.rules(),
        *all_workflows.rules(),
        *asset_map.rules(),
        *check.rules(),
        *check_dbt.rules(),
        *check_resources.rules(),
        *ci.rules(),
        *contracts_goal.rules(),
        *contracts_process.rules(),
        *dbt_dependencies.rules(),
        *dbt_graph.rules(),
        *dbt_tests.rules(),
        *dev.rules(),
        *graph.rules(),
        *locked_versions.rules(),
        *manifest.rules(),
        *manifest_goal.rules(),
        *package.rules(),
        *package_image.rules(),
        *project.rules(),
        *project_code.rules(),
        *project_dependencies.rules(),
        *run.rules(),
        *runtime.rules(),
        *scaffold.rules(),
        *scaffold_answer.rules(),
        *sqlfluff.rules(),
        *table_map.rules(),
        *tailor.rules(),
        *workflow_facts.rules(),
        *workflow_targets.rules(),
        *workspace.rules(),
    ]
