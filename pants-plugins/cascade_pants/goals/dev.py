"""`pants cascade-dev [:dev ...]`: Dagster's UI with the workflows of one or more projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pants.base.build_root import BuildRoot
from pants.base.specs import RawSpecs, Specs
from pants.core.goals.run import RestartableField
from pants.engine.console import Console
from pants.engine.env_vars import CompleteEnvironmentVars
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import collect_rules, goal_rule
from pants.option.global_options import GlobalOptions
from pants.option.option_types import BoolOption, IntOption, StrOption
from pants.util.docutil import bin_name
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.dev_process import interactive_process
from cascade_pants.goals.projects import WRONG_USE, NoProjectError, chosen_projects
from cascade_pants.goals.run import CascadeProjectRunFieldSet


class CascadeDevSubsystem(GoalSubsystem):
    name = "cascade-dev"
    help = help_text(
        """
        Open Dagster's UI with the workflows of one or more projects. Every edit that you save shows up in it.

        Examples: `pants cascade-dev` (the project at the root of the repository), `pants cascade-dev :dev :billing`
        (two projects in one UI), `pants cascade-dev ::` (all projects of the repository). Each project is a code
        location with its own requirements, settings and tables. Runs, schedules and sensors are those of the first.

        Ctrl-C stops the UI and everything that it started. Under pantsd, other Pants commands wait while it runs;
        `pants --no-pantsd cascade-dev` does not block them.
        """
    )

    host = StrOption(
        default=None,
        help=softwrap(
            """
            The address to listen on. By default, 127.0.0.1, which accepts connections from this machine only.

            Example: `--host=0.0.0.0` makes the UI reachable from other machines. It has no password.
            """
        ),
    )
    port = IntOption(
        default=None,
        help=softwrap(
            """
            The port to listen on. By default, 3000.

            Example: `--port=3001` opens a second UI beside the first.
            """
        ),
    )
    branch = StrOption(
        default=None,
        help=softwrap(
            """
            The Iceberg branch to read and write where a table has it. What is written creates it, and `main` stays as
            it is. Dagster, dlt and dbt keep their state apart.

            Example: `--branch=me`
            """
        ),
    )
    reload = BoolOption(
        default=False,
        help=softwrap(
            """
            Restart whenever a file of the projects changes. A restart ends the runs in progress.

            Without this option, an edited, new, moved or deleted workflow shows up while the UI stays open. Restart
            only after a change of the requirements.
            """
        ),
    )


class CascadeDev(Goal):
    subsystem_cls = CascadeDevSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


def blocking_notice(*, pantsd: bool, specs: Sequence[str]) -> str | None:
    """Explain how not to block other Pants commands, or return None if they are not blocked.

    Args:
        pantsd: whether this command runs in the daemon, which serves no other command while this one runs.
        specs: the specs of the command line, to repeat them.
    """
    if not pantsd:
        return None
    command = " ".join([bin_name(), "--no-pantsd", "cascade-dev", *specs])
    return f"Under pantsd, other Pants commands wait while this one runs. To avoid that, stop it and type: {command}"


def written(specs: RawSpecs) -> list[str]:
    """Return the specs of a command line as they can be typed."""
    kinds = (specs.address_literals, specs.dir_literals, specs.dir_globs, specs.recursive_globs)
    return [str(spec) for kind in kinds for spec in kind]


@goal_rule
async def cascade_dev(
    console: Console,
    specs: Specs,
    options: CascadeDevSubsystem,
    environment: CompleteEnvironmentVars,
    build_root: BuildRoot,
    global_options: GlobalOptions,
) -> CascadeDev:
    try:
        projects = await chosen_projects(specs, options.name)
    except NoProjectError as error:
        console.print_stderr(console.red(str(error)))
        return CascadeDev(exit_code=WRONG_USE)
    # Without the daemon, the next steps can take a minute.
    console.print_stderr(f"Preparing {', '.join(project.address.spec for project in projects)} ...")
    notice = blocking_notice(pantsd=global_options.pantsd, specs=written(specs.includes))
    if notice is not None:
        console.print_stderr(notice)
    requests = await engine.concurrently(
        engine.run_request(CascadeProjectRunFieldSet.create(project)) for project in projects
    )
    process = interactive_process(
        requests,
        [project.address for project in projects],
        environment=environment,
        build_root=build_root.path,
        host=options.host,
        port=options.port,
        branch=options.branch,
        restartable=options.reload or any(project[RestartableField].value for project in projects),
        pantsd=global_options.pantsd,
        keep_sandboxes=global_options.keep_sandboxes,
    )
    result = await engine.run_interactive(process)
    return CascadeDev(exit_code=result.exit_code)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
