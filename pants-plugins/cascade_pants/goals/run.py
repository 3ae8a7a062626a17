"""`pants run` on a `cascade_project`: the Cascade command line with the project's workflows, from live sources."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pants.backend.python.goals.run_helper import _create_python_source_run_request
from pants.backend.python.target_types import PexEntryPointField
from pants.backend.python.util_rules.pex_environment import PexEnvironment
from pants.base.build_root import BuildRoot
from pants.core.goals.run import RestartableField, RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.engine.addresses import Address
from pants.engine.env_vars import EnvironmentVarsRequest
from pants.engine.rules import collect_rules, rule
from pants.engine.target import AllTargets
from pants.option.global_options import GlobalOptions
from pants.util.docutil import bin_name
from pants.util.frozendict import FrozenDict

from cascade_pants import engine
from cascade_pants.target_types import CascadeProjectDbtField, CascadeProjectManifestField, CascadeProjectWorkflowsField
from cascade_pants.util_rules.dbt_project import find_dbt_project
from cascade_pants.util_rules.manifest import manifest_module

ROOT_VARIABLE = "CASCADE_PROJECT_ROOT"
DBT_VARIABLE = "CASCADE_DBT_PROJECT_DIR"
MANIFEST_VARIABLE = "CASCADE_MANIFEST_COMMAND"


@dataclass(frozen=True)
class CascadeProjectRunFieldSet(RunFieldSet):
    """A `cascade_project`, as `pants run` and `pants cascade-dev` see it."""

    required_fields = (CascadeProjectWorkflowsField, CascadeProjectManifestField)
    # A project keeps its state in the repository and reads its sources live, so it must not run in a sandbox.
    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED

    workflows: CascadeProjectWorkflowsField
    dbt_project: CascadeProjectDbtField
    restartable: RestartableField


def project_root(build_root: str, project: Address, environment: Mapping[str, str]) -> str:
    """Return the root of a project, which holds its state and settings.

    Args:
        build_root: the root of the repository.
        project: the address of the `cascade_project`.
        environment: the user's environment. Its `CASCADE_PROJECT_ROOT` comes first.
    """
    return environment.get(ROOT_VARIABLE) or os.path.normpath(os.path.join(build_root, project.spec_path))


def manifest_command(build_root: str, projects: Iterable[Address], *, pantsd: bool) -> str:
    """Return how a running `dev` asks which modules its projects load, as JSON.

    Args:
        build_root: the root of the repository.
        projects: the addresses of the projects.
        pantsd: whether `dev` runs in the daemon, which serves no other command while `dev` runs.
    """
    beside = ["--concurrent", "--no-pantsd"] if pantsd else []
    argv = [bin_name(), *beside, "cascade-manifest", *(project.spec for project in projects)]
    return json.dumps({"directory": build_root, "argv": argv})


@rule(desc="Prepare to run Cascade project")
async def run_project(
    field_set: CascadeProjectRunFieldSet,
    pex_environment: PexEnvironment,
    build_root: BuildRoot,
    global_options: GlobalOptions,
    targets: AllTargets,
) -> RunRequest:
    request = await _create_python_source_run_request(
        field_set.address,
        entry_point_field=PexEntryPointField(f"{manifest_module(field_set.address)}:main", field_set.address),
        pex_env=pex_environment,
        run_in_sandbox=False,
    )
    user = await engine.env_vars(EnvironmentVarsRequest([ROOT_VARIABLE, DBT_VARIABLE]))
    root = project_root(build_root.path, field_set.address, user)
    ask = manifest_command(build_root.path, [field_set.address], pantsd=global_options.pantsd)
    extra_env = {**request.extra_env, ROOT_VARIABLE: root, MANIFEST_VARIABLE: ask}
    dbt = find_dbt_project(field_set.address, field_set.dbt_project, targets)
    if dbt is not None and not user.get(DBT_VARIABLE):
        # The directory in the repository, not the copy in the sandbox, so that edits count.
        extra_env[DBT_VARIABLE] = os.path.join(build_root.path, dbt.directory)
    return dataclasses.replace(request, extra_env=FrozenDict(extra_env))


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), *CascadeProjectRunFieldSet.rules()]
