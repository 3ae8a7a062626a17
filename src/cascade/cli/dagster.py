"""`dagster`: Dagster's own commands, with the environment of the project."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

import click

from cascade.cli.context import Invocation

# The commands that load a code location and need to know no other name of it. Those of schedules and sensors keep what
# they change under the name of the location, which differs from that of a code server.
_LOADING = frozenset(
    {
        ("asset", "list"),
        ("asset", "materialize"),
        ("definitions", "validate"),
        ("job", "execute"),
        ("job", "list"),
        ("job", "print"),
        ("job", "scaffold_config"),
    }
)
_CODE_LOCATIONS = ("--module-name", "--package-name", "--python-file", "--workspace", "--grpc-host", "--grpc-port")
_SHORT = ("-m", "-f", "-w")


@click.command(
    short_help="Run a command of Dagster itself.",
    # Everything is for Dagster, also what looks like an option.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", metavar="[ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def dagster(invocation: Invocation, arguments: tuple[str, ...]) -> None:
    """Run Dagster's command line with any ARGUMENTs, on the runs and events of this project.

    \b
        cascade dagster run list --limit 5
        cascade dagster instance info
        cascade dagster asset list
        cascade dagster asset materialize --select tides --partition 2024-01-01

    Commands of assets, jobs and definitions load this project, unless you name another code location.

    With a `DAGSTER_HOME` in the environment, that is used. In an image whose entry point is a PEX, Dagster's launchers
    start runs by this command.

    Exits as Dagster does.
    """
    from cascade.framework.dagster_database import name_driver
    from cascade.framework.instance import prepare_dagster_home
    from cascade.framework.run_launcher import provide_container_context
    from cascade.processes.children import child_environment

    config = invocation.config
    # What a launcher starts is told where the runs are, and may be on a machine without a home of Dagster.
    if os.environ.get("DAGSTER_HOME") or arguments[:1] == ("api",):
        if config.dagster_database is not None:
            name_driver(config.dagster_database)
    else:
        invocation.require_project()
        prepare_dagster_home(config)
    if arguments[:1] == ("code-server",):
        # Dagster's Helm chart starts the code server so.
        provide_container_context(config)
    if loads_the_project(arguments):
        place = ("--working-directory", str(config.project_root))
        arguments = (*arguments, "--module-name", invocation.project.module, "--attribute", "defs", *place)
    argv = [sys.executable, "-m", "dagster", *arguments]
    # As for the code server: this process becomes Dagster, which signals then reach.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout.flush()
    os.execve(sys.executable, argv, child_environment())


def loads_the_project(arguments: Sequence[str]) -> bool:
    """Return whether a command of Dagster loads a code location that its arguments leave open.

    Args:
        arguments: those after `dagster`.
    """
    named = any(
        word.partition("=")[0] in _CODE_LOCATIONS or (word[:2] in _SHORT and not word.startswith("--"))
        for word in arguments
    )
    return tuple(arguments[:2]) in _LOADING and not named
