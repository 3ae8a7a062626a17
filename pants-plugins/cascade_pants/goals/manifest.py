"""`pants cascade-manifest [:dev ...]`: what each project loads, as JSON. A running `dev` asks for it."""

from __future__ import annotations

import json
from typing import Any

from pants.base.specs import Specs
from pants.engine.console import Console
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import collect_rules, goal_rule
from pants.util.strutil import help_text

from cascade_pants import engine
from cascade_pants.goals.projects import WRONG_USE, NoProjectError, chosen_projects
from cascade_pants.util_rules.manifest import manifest_values
from cascade_pants.util_rules.project import CascadeProjectRequest, cascade_project

GOAL = "cascade-manifest"


class CascadeManifestSubsystem(GoalSubsystem):
    name = GOAL
    help = help_text(
        """
        Print which modules one or more projects load, as JSON: one object per project.

        A running `dev` calls this goal when a workflow is added, moved or deleted.

        Example: `pants cascade-manifest :dev`
        """
    )


class CascadeManifest(Goal):
    subsystem_cls = CascadeManifestSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


@goal_rule
async def cascade_manifest(console: Console, specs: Specs) -> CascadeManifest:
    try:
        projects = await chosen_projects(specs, GOAL)
    except NoProjectError as error:
        console.print_stderr(console.red(str(error)))
        return CascadeManifest(exit_code=WRONG_USE)
    found = await engine.concurrently(cascade_project(CascadeProjectRequest.of(project)) for project in projects)
    manifests = [manifest_values(target.address, project.modules) for target, project in zip(projects, found)]
    console.print_stdout(json.dumps(manifests, indent=2))
    return CascadeManifest(exit_code=0)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
