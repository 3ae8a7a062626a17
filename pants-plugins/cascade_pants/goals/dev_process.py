"""The process of `pants cascade-dev`: one project in charge, and a code server for each of the others."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence

from pants.core.goals.run import RunRequest
from pants.engine.addresses import Address
from pants.engine.process import InteractiveProcess
from pants.option.global_options import KeepSandboxes

from cascade_pants.goals.locations import location_names
from cascade_pants.goals.run import MANIFEST_VARIABLE, manifest_command

CHROOT = "{chroot}"
"""The placeholder that Pants replaces with the directory of a process's files."""


@dataclasses.dataclass(frozen=True)
class CodeServer:
    """A further project, which the `dev` command of the first one starts.

    Args:
        name: the name of its code location in the UI.
        argv: the command line to which `code-server` is appended.
        source_roots: the source roots of the repository that it reads live.
    """

    name: str
    argv: tuple[str, ...]
    source_roots: tuple[str, ...] = ()


def relocated(request: RunRequest, directory: str) -> RunRequest:
    """Move the files of a request to a directory below the sandbox, so that several requests fit into one.

    Args:
        request: how to run a project by itself.
        directory: the directory, relative to the sandbox.
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
    """List the source roots that a project reads from the repository instead of its sandbox.

    Args:
        request: how to run the project.
    """
    roots = request.extra_env.get("PEX_EXTRA_SYS_PATH", "").split(os.pathsep)
    return tuple(root for root in roots if root and CHROOT not in root)


def code_server(name: str, request: RunRequest, others: Iterable[str] = ()) -> CodeServer:
    """Build the command line that starts a project from the process of another one.

    `env` sets its variables and removes PYTHONPATH, which the other process may have set for itself.

    Args:
        name: the name of the code location.
        request: how to run the project, relocated.
        others: the variables of the other process. Those that this project does not set are removed as well.
    """
    foreign = ["PYTHONPATH", *sorted(set(others) - {"PYTHONPATH"} - set(request.extra_env))]
    removed = (word for variable in foreign for word in ("-u", variable))
    variables = (f"{variable}={value}" for variable, value in sorted(request.extra_env.items()))
    argv = ("/usr/bin/env", *removed, *variables, *request.args)
    return CodeServer(name, argv, live_source_roots(request))


def dev_argv(
    request: RunRequest,
    *,
    host: str | None,
    port: int | None,
    branch: str | None = None,
    restartable: bool = False,
    build_root: str = "",
    code_servers: Iterable[CodeServer] = (),
) -> tuple[str, ...]:
    """Build the command line of the `dev` command.

    Args:
        request: how to run the first project.
        host: the address to listen on, or None for the runtime's default.
        port: the port to listen on, or None for the runtime's default.
        branch: the branch of the tables to work on, or None for `main`.
        restartable: whether Pants restarts the process when a file changes, so that it need not watch files itself.
        build_root: the root of the repository.
        code_servers: the other projects.
    """
    argv = [*request.args, "dev"]
    if host is not None:
        argv += ["--host", host]
    if port is not None:
        argv += ["--port", str(port)]
    if branch is not None:
        argv += ["--branch", branch]
    if restartable:
        argv.append("--no-reload")
    for server in code_servers:
        for root in server.source_roots:
            argv += ["--watch", os.path.normpath(os.path.join(build_root, root))]
        argv += ["--with-code-server", f"{server.name}={json.dumps(list(server.argv))}"]
    return tuple(argv)


def interactive_process(
    requests: Sequence[RunRequest],
    addresses: Sequence[Address],
    *,
    environment: Mapping[str, str],
    build_root: str,
    host: str | None,
    port: int | None,
    restartable: bool,
    branch: str | None = None,
    pantsd: bool = False,
    keep_sandboxes: KeepSandboxes = KeepSandboxes.never,
) -> InteractiveProcess:
    """Combine the processes of all projects into one.

    Args:
        requests: how to run each project. The first one is in charge.
        addresses: the addresses of the projects, in the same order.
        environment: the user's environment.
        build_root: the root of the repository.
        host: the address to listen on, or None for the runtime's default.
        port: the port to listen on, or None for the runtime's default.
        restartable: whether Pants restarts the process when a file changes.
        branch: the branch of the tables to work on, or None for `main`.
        pantsd: whether this command runs in the daemon.
        keep_sandboxes: when to keep its files afterwards.
    """
    first, *others = requests
    ask = manifest_command(build_root, addresses, pantsd=pantsd)
    directories = [f"__cascade_projects/{number}" for number in range(1, len(requests))]
    moved = [relocated(request, directory) for request, directory in zip(others, directories)]
    # The first project names itself after its target.
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
            branch=branch,
            restartable=restartable,
            build_root=build_root,
            code_servers=[code_server(name, request, first.extra_env) for name, request in zip(names, moved)],
        ),
        env={**environment, **first.extra_env, MANIFEST_VARIABLE: ask},
        input_digest=first.digest,
        run_in_workspace=True,
        restartable=restartable,
        append_only_caches=caches,
        immutable_input_digests=immutable,
        keep_sandboxes=keep_sandboxes,
    )
