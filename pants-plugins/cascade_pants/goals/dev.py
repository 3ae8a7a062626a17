"""`pants cascade-dev [:dev ...]`: Dagster's UI on the workflows of one or several projects."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pants.base.build_root import BuildRoot
from pants.base.specs import Specs
from pants.core.goals.run import RestartableField, RunRequest
from pants.engine.addresses import Address
from pants.engine.console import Console
from pants.engine.env_vars import CompleteEnvironmentVars
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.process import InteractiveProcess
from pants.engine.rules import collect_rules, goal_rule
from pants.option.global_options import GlobalOptions, KeepSandboxes
from pants.option.option_types import BoolOption, IntOption, StrOption
from pants.util.docutil import bin_name
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.projects import NoProjectError, chosen_projects
from cascade_pants.goals.run import CascadeProjectRunFieldSet

WRONG_USE = 2
CHROOT = "{chroot}"
"""What Pants replaces by the directory that the files of a process are in."""


class CascadeDevSubsystem(GoalSubsystem):
    name = "cascade-dev"
    help = help_text(
        """
        Open Dagster's UI on the workflows of one or several projects, and show every saved edit in it.

        Examples: `pants cascade-dev` (the project at the root of the repository), `pants cascade-dev :dev :billing`
        (two projects in one UI, the first of them in charge of settings and state).

        Ctrl-C ends it and everything that it started. While it runs under pantsd, other Pants commands wait for it;
        `pants --no-pantsd cascade-dev` leaves them free.
        """
    )

    host = StrOption(
        default=None,
        help=softwrap(
            """
            The address to listen on. By default 127.0.0.1, which only this machine reaches.

            Example: `--host=0.0.0.0`, to reach the UI from other machines. It has no password.
            """
        ),
    )
    port = IntOption(
        default=None,
        help=softwrap(
            """
            The port to listen on. By default 3000.

            Example: `--port=3001`, for a second UI beside the first.
            """
        ),
    )
    reload = BoolOption(
        default=False,
        help=softwrap(
            """
            Start again whenever a file of the projects changes, so that new and deleted workflows show up too.

            Without it an edit of a workflow is reloaded in place, the UI stays open, and a new or deleted workflow
            needs a restart by hand. A restart ends the runs that are under way.
            """
        ),
    )


class CascadeDev(Goal):
    subsystem_cls = CascadeDevSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


@dataclasses.dataclass(frozen=True)
class CodeServer:
    """A further project, to be started by the first one's `dev`.

    Args:
        name: of its code location in the UI.
        argv: the command line that its `code-server` is appended to.
        source_roots: where in the repository its sources are read live.
    """

    name: str
    argv: tuple[str, ...]
    source_roots: tuple[str, ...] = ()


def location_names(addresses: Sequence[Address]) -> tuple[str, ...]:
    """Name the code locations of projects: by their targets, with the directory where two have the same name.

    The first project names itself by its target.

    Args:
        addresses: of the projects, the first one included.
    """
    names: list[str] = []
    for address in addresses:
        name = address.target_name
        names.append("_".join([*address.spec_path.split("/"), name]) if name in names else name)
    return tuple(names)


def relocated(request: RunRequest, directory: str) -> RunRequest:
    """Let a request find its files in a directory below the sandbox, so that several fit into one.

    Args:
        request: how to run a project by itself.
        directory: relative to the sandbox.
    """
    within = f"{CHROOT}/{directory}"
    return RunRequest(
        digest=request.digest,
        args=[argument.replace(CHROOT, within) for argument in request.args],
        extra_env={name: value.replace(CHROOT, within) for name, value in request.extra_env.items()},
        immutable_input_digests=request.immutable_input_digests,
        append_only_caches=request.append_only_caches,
    )


def live_source_roots(request: RunRequest) -> tuple[str, ...]:
    """List the source roots that a project reads in the repository and not in its sandbox.

    Args:
        request: how to run the project.
    """
    roots = request.extra_env.get("PEX_EXTRA_SYS_PATH", "").split(os.pathsep)
    return tuple(root for root in roots if root and CHROOT not in root)


def code_server(name: str, request: RunRequest) -> CodeServer:
    """Write a command line that starts a project from within another one's process.

    `env` gives it its own variables. PYTHONPATH goes, because the other process may have set its own there.

    Args:
        name: of the code location.
        request: how to run the project, relocated.
    """
    variables = (f"{variable}={value}" for variable, value in sorted(request.extra_env.items()))
    argv = ("/usr/bin/env", "-u", "PYTHONPATH", *variables, *request.args)
    return CodeServer(name, argv, live_source_roots(request))


def dev_argv(
    request: RunRequest,
    *,
    host: str | None,
    port: int | None,
    restartable: bool = False,
    build_root: str = "",
    code_servers: Iterable[CodeServer] = (),
) -> tuple[str, ...]:
    """Write the command line of the whole.

    Args:
        request: how to run the first project.
        host: to listen on, or None for the runtime's default.
        port: to listen on, or None for the runtime's default.
        restartable: whether Pants starts it again when a file changes, so that it need not watch the files itself.
        build_root: of the repository.
        code_servers: the other projects.
    """
    argv = [*request.args, "dev"]
    if host is not None:
        argv += ["--host", host]
    if port is not None:
        argv += ["--port", str(port)]
    if restartable:
        argv.append("--no-reload")
    for server in code_servers:
        for root in server.source_roots:
            argv += ["--watch", os.path.normpath(os.path.join(build_root, root))]
        argv += ["--with-code-server", f"{server.name}={json.dumps(list(server.argv))}"]
    return tuple(argv)


def blocking_notice(*, pantsd: bool, specs: Sequence[str]) -> str | None:
    """Say how to keep other Pants commands free, where they would wait.

    Args:
        pantsd: whether this command runs in the daemon, which serves one command at a time while this one runs.
        specs: of the command line, to repeat them.
    """
    if not pantsd:
        return None
    command = " ".join([bin_name(), "--no-pantsd", "cascade-dev", *specs])
    return f"Other Pants commands wait while this runs under pantsd. To leave them free, stop it and type: {command}"


def interactive_process(
    requests: Sequence[RunRequest],
    addresses: Sequence[Address],
    *,
    environment: Mapping[str, str],
    build_root: str,
    host: str | None,
    port: int | None,
    restartable: bool,
    keep_sandboxes: KeepSandboxes = KeepSandboxes.never,
) -> InteractiveProcess:
    """Put the processes of all projects into one.

    Args:
        requests: how to run each project, the first one in charge.
        addresses: of the projects, in the same order.
        environment: the user's.
        build_root: of the repository.
        host: to listen on, or None for the runtime's default.
        port: to listen on, or None for the runtime's default.
        restartable: whether Pants starts it again when a file changes.
        keep_sandboxes: when to leave its files behind.
    """
    first, *others = requests
    directories = [f"__cascade_projects/{number}" for number in range(1, len(requests))]
    moved = [relocated(request, directory) for request, directory in zip(others, directories)]
    names = location_names(addresses)[1:]
    caches: dict[str, str] = {}
    immutable = {directory: request.digest for directory, request in zip(directories, others)}
    for request in requests:
        caches.update(request.append_only_caches or {})
        immutable.update(request.immutable_input_digests or {})
    return InteractiveProcess(
        argv=dev_argv(
            first,
            host=host,
            port=port,
            restartable=restartable,
            build_root=build_root,
            code_servers=[code_server(name, request) for name, request in zip(names, moved)],
        ),
        env={**environment, **first.extra_env},
        input_digest=first.digest,
        run_in_workspace=True,
        restartable=restartable,
        append_only_caches=caches,
        immutable_input_digests=immutable,
        keep_sandboxes=keep_sandboxes,
    )


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
        projects = await chosen_projects(specs)
    except NoProjectError as error:
        console.print_stderr(console.red(str(error)))
        return CascadeDev(exit_code=WRONG_USE)
    notice = blocking_notice(
        pantsd=global_options.pantsd, specs=[str(spec) for spec in specs.includes.address_literals]
    )
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
        restartable=options.reload or any(project[RestartableField].value for project in projects),
        keep_sandboxes=global_options.keep_sandboxes,
    )
    result = await engine.run_interactive(process)
    return CascadeDev(exit_code=result.exit_code)


def rules() -> list[Any]:
    """The rules of this module."""
    return list(collect_rules())
