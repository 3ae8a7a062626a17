"""`pants cascade-workspace [:dev ...]`: the workspace of Dagster's webserver with the projects as code locations."""

from __future__ import annotations

import json
import os
from enum import Enum
from typing import Any

from pants.base.specs import Specs
from pants.core.goals.package import OutputPathField
from pants.core.util_rules.distdir import DistDir
from pants.engine.console import Console
from pants.engine.fs import CreateDigest, FileContent, Workspace
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import collect_rules, goal_rule
from pants.engine.target import Target
from pants.option.option_types import EnumOption, IntOption, StrListOption, StrOption
from pants.util.docutil import bin_name
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.helm import HelmError, helm_values
from cascade_pants.goals.locations import (
    LOOPBACK,
    NAME,
    Location,
    PortError,
    assign_ports,
    location_names,
    procfile,
    workspace_yaml,
)
from cascade_pants.goals.projects import WRONG_USE, NoProjectError, all_projects, chosen_projects, projects_in
from cascade_pants.target_types import CascadeProjectLayoutField, CascadeProjectPortField

GOAL = "cascade-workspace"
WORKSPACE_FILE = "workspace.yaml"
PROCESSES_FILE = "Procfile"
VALUES_FILE = "values.yaml"


class WorkspaceFormat(Enum):
    """What the goal does with what it finds."""

    FILES = "files"
    JSON = "json"
    HELM = "helm"


class CascadeWorkspaceSubsystem(GoalSubsystem):
    name = GOAL
    help = help_text(
        """
        Write the `workspace.yaml` with which Dagster's webserver and daemon find the code servers of the projects, and
        a `Procfile` with the commands that start all of them. Or write the values of Dagster's Helm chart.

        Without addresses, all projects of the repository are in it. Each is a code location with a code server of its
        own, which `pants package` builds as a PEX. The names and ports do not depend on which projects are chosen.

        Example: `pants package :: && pants cascade-workspace` writes `dist/workspace.yaml` and `dist/Procfile`.
        """
    )

    host = StrOption(
        default="127.0.0.1",
        help=softwrap(
            """
            The host at which the webserver reaches the code servers. `{name}` stands for the name of the code location.

            Example: `--host="{name}.dagster.internal"` for one host each, which all use the same port. On any host but
            this machine, the code servers accept connections from everywhere: gRPC has no password, so use it on a
            private network only.
            """
        ),
    )
    first_port = IntOption(
        default=4000,
        help=softwrap(
            """
            The port of the first project. Each further project on the same host gets the next port, in the order of
            addresses, unless its field `port` sets one.
            """
        ),
    )
    format = EnumOption(
        default=WorkspaceFormat.FILES,
        help=softwrap(
            """
            `files` writes the two files. `json` prints one document for scripts: the name, address, host, port, PEX,
            command and environment of each code location. `helm` writes `dist/values.yaml` for Dagster's Helm chart,
            with a deployment for the code server of each project. It needs `--image`.
            """
        ),
    )
    image = StrOption(
        default=None,
        help=softwrap(
            """
            With `--format=helm`: the image of each project, with its tag. `{name}` stands for the name of the
            deployment, which is that of the code location with hyphens.

            Example: `--image="registry.example.com/{name}:1.4"`.
            """
        ),
    )
    env_from = StrListOption(
        help=softwrap(
            """
            With `--format=helm`: the Kubernetes Secrets whose entries are environment variables of the code servers and
            of their runs.

            Example: `--env-from="{name}-env"` for a Secret for each project.
            """
        ),
    )


class CascadeWorkspace(Goal):
    subsystem_cls = CascadeWorkspaceSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


def locations_of(projects: tuple[Target, ...], *, host: str, first_port: int, dist: str) -> tuple[Location, ...]:
    """Place the code locations of all projects.

    Args:
        projects: all projects of the repository, sorted by address.
        host: the option `--host`.
        first_port: the option `--first-port`.
        dist: the directory that `pants package` writes to.

    Raises:
        PortError: two projects set the same port, or no port is left.
    """
    names = location_names([project.address for project in projects])
    ports = assign_ports(
        [(project.address, project[CascadeProjectPortField].value) for project in projects],
        first=first_port,
        shared_host=NAME not in host,
    )
    return tuple(
        Location(
            project.address,
            name,
            host.replace(NAME, name),
            port,
            os.path.join(dist, project[OutputPathField].value_or_default(file_ending="pex")),
            str(project[CascadeProjectLayoutField].value),
        )
        for project, name, port in zip(projects, names, ports)
    )


async def _write_values(
    console: Console,
    options: CascadeWorkspaceSubsystem,
    workspace: Workspace,
    locations: list[Location],
    dist: DistDir,
    made_by: str,
) -> CascadeWorkspace:
    path = os.path.join(dist.relpath, VALUES_FILE)
    try:
        if not options.image:
            raise HelmError(
                'Which images? Build one of each project, and name them: --image="registry.example.com/{name}:1.4"'
            )
        values = helm_values(locations, image=options.image, secrets=options.env_from, command=made_by)
    except HelmError as error:
        console.print_stderr(console.red(str(error)))
        return CascadeWorkspace(exit_code=WRONG_USE)
    workspace.write_digest(await engine.create_digest(CreateDigest([FileContent(path, values.encode())])))
    chart = f"helm upgrade --install dagster dagster/dagster -f {path}"
    console.print_stdout(f"Wrote {path}. Install the chart with it: {chart}")
    return CascadeWorkspace(exit_code=0)


@goal_rule
async def cascade_workspace(
    console: Console, specs: Specs, options: CascadeWorkspaceSubsystem, workspace: Workspace, dist: DistDir
) -> CascadeWorkspace:
    everything = await all_projects()
    ignored = {project.address for project in await projects_in(specs.ignores)} if specs.ignores else set()
    chosen = tuple(project for project in everything if project.address not in ignored)
    try:
        if specs.includes or not chosen:
            chosen = await chosen_projects(specs, GOAL)
        if not 1 <= options.first_port <= 65535:
            raise PortError(f"--first-port is {options.first_port}. Use a port from 1 to 65535.")
        # Each deployment of the chart has an address of its own.
        host = NAME if options.format is WorkspaceFormat.HELM else options.host
        places = locations_of(everything, host=host, first_port=options.first_port, dist=str(dist.relpath))
    except (NoProjectError, PortError) as error:
        console.print_stderr(console.red(str(error)))
        return CascadeWorkspace(exit_code=WRONG_USE)
    wanted = {project.address for project in chosen}
    locations = [one for one in places if one.address in wanted]
    if options.format is WorkspaceFormat.JSON:
        console.print_stdout(json.dumps([one.document() for one in locations], indent=2))
        return CascadeWorkspace(exit_code=0)
    made_by = f"{bin_name()} {GOAL}"
    if options.format is WorkspaceFormat.HELM:
        return await _write_values(console, options, workspace, locations, dist, made_by)
    path = os.path.join(dist.relpath, WORKSPACE_FILE)
    processes = os.path.join(dist.relpath, PROCESSES_FILE)
    files = [
        FileContent(path, workspace_yaml(locations, made_by).encode()),
        FileContent(processes, procfile(locations, path, made_by).encode()),
    ]
    workspace.write_digest(await engine.create_digest(CreateDigest(files)))
    console.print_stdout(f"Wrote {path} and {processes}. The code locations:")
    for one in locations:
        console.print_stdout(f"  {one.name} at {one.host}:{one.port}: {one.shell_command}")
    if any(one.host not in LOOPBACK for one in locations):
        console.print_stderr(
            "The code servers accept connections from other machines. gRPC has no password, so keep them in a private "
            "network."
        )
    return CascadeWorkspace(exit_code=0)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
